//! All nodes together: the running cluster.

mod view;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tonic::service::Routes;
use unstuck_net::{Clock, Net, Port};

use crate::answer::{Answers, BadScript, Guard, Script};
use crate::cluster::State;
use crate::cluster::keyspaces::KeyspaceError;
use crate::cluster::views::ViewId;
use crate::health::Health;
use crate::journal::Journal;
use crate::serve::{Door, Limits, Server};
use crate::shared::Shared;
use crate::spec::{Addresses, Node, Observed, Spec};
use crate::storage::Storage;
use crate::{backup, data, import, kv, pd};

pub use view::View;

/// What a PD member grants: grpc-go's server defaults, with which PD runs.
const PD_LIMITS: Limits = Limits {
    max_concurrent_streams: u32::MAX,
    stream_window: 64 << 10,
    keepalive_time: Duration::from_secs(2 * 60 * 60),
    keepalive_timeout: Duration::from_secs(20),
};

/// TiKV's default window of a stream (server.grpc-stream-initial-window-size).
const STREAM_WINDOW: u32 = 2 << 20;

/// Incomplete regions that [`Observed`] names.
const NAMED: usize = 5;

/// A running cluster. Cheap to clone; [`Cluster::shutdown`] ends it.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub(crate) shared: Arc<Shared>,
    pub(crate) net: Net,
    spec: Arc<Spec>,
    addresses: Addresses,
    servers: Arc<Mutex<Servers>>,
}

/// The processes of all nodes.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    pub(crate) of: BTreeMap<Node, Server>,
    /// Ports that stores have left: nobody else gets them, so that connects are refused.
    pub(crate) left: Vec<Arc<Port>>,
    pub(crate) health: BTreeMap<Node, Health>,
    /// Where the nodes listen for each view but the cluster's own.
    views: BTreeMap<ViewId, BTreeMap<Node, SocketAddr>>,
}

impl Cluster {
    /// Starts every node on a free port of 127.0.0.1. When this returns, all of them accept.
    pub async fn start(net: &Net, clock: Clock, spec: Spec) -> io::Result<Self> {
        Self::start_at(net, clock, spec, Addresses::default()).await
    }

    /// Starts every node. When this returns, all of them accept.
    #[expect(clippy::unused_async, reason = "a cluster in containers will have to wait")]
    pub async fn start_at(net: &Net, clock: Clock, spec: Spec, addresses: Addresses) -> io::Result<Self> {
        spec.check().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let members = (0..spec.pd).map(Node::Pd);
        let stores = (1..=u64::from(spec.stores)).map(Node::Store);
        let mut ports = Vec::new();
        for (i, node) in members.chain(stores).enumerate() {
            ports.push((node, reserve(net, &addresses, i, node)?));
        }
        let told = ports.iter().map(|(node, port)| (*node, addresses.told(port.addr())));
        let state = State::new(&spec, told);
        let storage = Storage::new(spec.regions, spec.keys_per_region);
        let shared = Arc::new(Shared::new(clock, &spec, state, storage));
        let (net, spec) = (net.clone(), Arc::new(spec));
        let cluster = Self { shared, net, spec, addresses, servers: Arc::default() };
        for (node, port) in ports {
            cluster.launch(node, port)?;
        }
        Ok(cluster)
    }

    /// Starts a node's first process.
    pub(crate) fn launch(&self, node: Node, port: Port) -> io::Result<()> {
        let (shared, spec) = (&self.shared, &self.spec);
        let store_limits = Limits {
            max_concurrent_streams: spec.max_concurrent_streams,
            stream_window: STREAM_WINDOW,
            keepalive_time: spec.keepalive_time,
            keepalive_timeout: spec.keepalive_timeout,
        };
        let limits = match node {
            Node::Pd(_) => PD_LIMITS,
            Node::Store(_) => store_limits,
        };
        let health = Health::new();
        let mut server = Server::new(door(shared, node, ViewId::default(), &health, port), limits);
        server.start()?;
        let mut servers = self.servers();
        servers.of.insert(node, server);
        servers.health.insert(node, health);
        let views: Vec<ViewId> = servers.views.keys().copied().collect();
        views.into_iter().try_for_each(|id| self.show(&mut servers, id, node))
    }

    pub(crate) fn servers(&self) -> MutexGuard<'_, Servers> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A free port for a node, and what PD is to tell of it.
    pub(crate) fn another_port(&self, node: Node) -> io::Result<(Port, SocketAddr)> {
        let addresses = Addresses { first_port: 0, ..self.addresses };
        let port = reserve(&self.net, &addresses, 0, node)?;
        let told = addresses.told(port.addr());
        Ok((port, told))
    }

    /// Every node with the address it listens on: PD members, then stores.
    pub fn nodes(&self) -> Vec<(Node, SocketAddr)> {
        self.servers().of.iter().filter_map(|(node, server)| Some((*node, server.addr()?))).collect()
    }

    /// Every node with the address that PD tells clients.
    pub fn told(&self) -> Vec<(Node, SocketAddr)> {
        self.shared.lock().cluster.nodes().map(|(node, process)| (node, process.addr)).collect()
    }

    /// Whether there is such a node.
    pub fn has(&self, node: Node) -> bool {
        self.servers().of.contains_key(&node)
    }

    /// The id that every answer of PD carries.
    pub fn id(&self) -> u64 {
        self.shared.lock().cluster.cluster_id
    }

    /// Creates a keyspace, which PD enables at once; returns its id. Every cluster has the keyspace `DEFAULT` with id 0.
    pub fn create_keyspace(&self, name: &str) -> Result<u32, KeyspaceError> {
        let now = self.shared.clock.unix_ms() / 1000;
        self.shared.lock().cluster.keyspaces.create(name, now.cast_signed())
    }

    /// The PD member that leads, or led last while an election runs.
    pub fn pd_leader(&self) -> u32 {
        self.shared.lock().cluster.pd().last_leader() as u32
    }

    /// What it has seen of the work.
    pub fn observed(&self) -> Observed {
        let open_streams = self
            .servers()
            .of
            .iter()
            .filter_map(|(node, server)| match node {
                Node::Store(id) => Some((*id, server.open_streams())),
                Node::Pd(_) => None,
            })
            .collect();
        let all = self.shared.lock();
        let (audit, backed_up) = (&all.storage.audit, &all.storage.backed_up);
        let per_region = audit.per_region();
        let incomplete = |(share, right)| {
            let keys = data::region(share, per_region);
            let (first, last) = (data::key(keys.start), data::key(keys.end - 1));
            format!("{right} of {per_region} keys from {} to {}", first.escape_ascii(), last.escape_ascii())
        };
        let shares = &all.cluster.shares;
        Observed {
            keys_ingested: audit.right(),
            keys_wrong: audit.wrong(),
            keys_total: audit.total(),
            regions_incomplete: audit.incomplete().map(incomplete).take(NAMED).collect(),
            ranges_backed_up: shares
                .iter()
                .filter(|(start, end)| backed_up.covers(start, end))
                .map(|(start, _)| hex(start))
                .collect(),
            ranges: shares.iter().map(|(start, _)| hex(start)).collect(),
            rows: all.storage.raw.most() + all.storage.mvcc.written(),
            open_streams,
        }
    }

    /// What changed by itself since the last call, in words (leaders moved, a store came back), with times of `clock`.
    pub fn take_changes(&self) -> Vec<(u64, String)> {
        self.shared.lock().cluster.take_changes()
    }

    /// Answers calls otherwise than with the truth, until the guard drops.
    pub fn script(&self, script: Script) -> Result<Guard, BadScript> {
        self.shared.answers.set(script)
    }

    /// The scripts that are set.
    pub fn answers(&self) -> &Answers {
        &self.shared.answers
    }

    /// The calls that its nodes have seen.
    pub fn journal(&self) -> &Journal {
        &self.shared.journal
    }

    /// Stops every node. No process is down in the eyes of the others: all go at once.
    pub fn shutdown(&self) {
        for server in self.servers().of.values_mut() {
            server.stop();
        }
    }
}

/// What a node answers at one of its ports.
fn door(shared: &Arc<Shared>, node: Node, view: ViewId, health: &Health, port: Port) -> Door {
    let (routes, http) = match node {
        Node::Pd(member) => {
            let member = pd::Member::new(shared.clone(), member, view);
            let routes = Routes::new(pd::service(member.clone()))
                .add_service(pd::keyspace_service(member.clone()))
                .add_service(pd::kv_service(member.clone()))
                .add_service(pd::cluster_service(member.clone()));
            (routes, Some(pd::http_routes(member)))
        }
        Node::Store(store) => {
            let routes = Routes::new(kv::service(shared.clone(), store))
                .add_service(import::service(shared.clone(), store))
                .add_service(backup::service(shared.clone(), store));
            (routes, None)
        }
    };
    Door::new(port, shared.gate(node), routes.add_service(health.service()), http)
}

/// The port of the node that is the `i`th.
fn reserve(net: &Net, addresses: &Addresses, i: usize, node: Node) -> io::Result<Port> {
    let at = SocketAddr::new(addresses.listen, addresses.port(i)?);
    net.reserve(at)
        .map_err(|error| io::Error::new(error.kind(), format!("`{node}` cannot have `{at}`: {error}")))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The bytes that [`hex`] has made into this.
pub(crate) fn unhex(text: &str) -> Option<bytes::Bytes> {
    let nibble = |digit: &u8| char::from(*digit).to_digit(16).map(|nibble| nibble as u8);
    let pair = |pair: &[u8]| Some(nibble(pair.first()?)? << 4 | nibble(pair.get(1)?)?);
    text.as_bytes().chunks(2).map(pair).collect::<Option<Vec<u8>>>().map(bytes::Bytes::from)
}
