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
use crate::spec::{Node, Observed, Spec};
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
    net: Net,
    shared: Arc<Shared>,
    servers: Arc<Mutex<BTreeMap<Node, Server>>>,
    health: Arc<BTreeMap<Node, Health>>,
    nodes: Arc<[(Node, SocketAddr)]>,
}

impl Cluster {
    /// Starts every node on a free port. When this returns, all of them accept.
    #[expect(clippy::unused_async, reason = "a cluster in containers will have to wait")]
    pub async fn start(net: &Net, clock: Clock, spec: Spec) -> io::Result<Self> {
        if spec.pd == 0 || spec.stores == 0 || spec.regions == 0 {
            let message = "a cluster needs a PD member, a store and a region";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let members = (0..spec.pd).map(Node::Pd);
        let stores = (1..=u64::from(spec.stores)).map(Node::Store);
        let ports = members
            .chain(stores)
            .map(|node| Ok((node, net.reserve(net.any())?)))
            .collect::<io::Result<Vec<_>>>()?;
        let nodes: Arc<[_]> = ports.iter().map(|(node, port)| (*node, port.addr())).collect();
        let state = State::new(&spec, nodes.iter().copied());
        let storage = Storage::new(spec.regions, spec.keys_per_region);
        let shared = Arc::new(Shared::new(clock, &spec, state, storage));
        let store_limits = Limits {
            max_concurrent_streams: spec.max_concurrent_streams,
            stream_window: STREAM_WINDOW,
            keepalive_time: spec.keepalive_time,
            keepalive_timeout: spec.keepalive_timeout,
        };
        let (mut servers, mut health) = (BTreeMap::new(), BTreeMap::new());
        for (node, port) in ports {
            let limits = match node {
                Node::Pd(_) => PD_LIMITS,
                Node::Store(_) => store_limits,
            };
            let own = Health::new();
            let mut server = Server::new(door(&shared, node, ViewId::default(), &own, port), limits);
            server.start()?;
            servers.insert(node, server);
            health.insert(node, own);
        }
        let (servers, health) = (Arc::new(Mutex::new(servers)), Arc::new(health));
        Ok(Self { net: net.clone(), shared, servers, health, nodes })
    }

    fn servers(&self) -> MutexGuard<'_, BTreeMap<Node, Server>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every node with the address it listens on: PD members, then stores.
    pub fn nodes(&self) -> Vec<(Node, SocketAddr)> {
        self.nodes.to_vec()
    }

    /// From now on PD tells clients this address for the node (a proxy's).
    pub fn advertise(&self, node: Node, addr: SocketAddr) {
        self.shared.lock().cluster.advertise(node, addr);
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

    /// Ends a node's process: its listener, connections and handlers go; its data stay. Leaders move after the election time.
    ///
    /// The sockets close as soon as the runtime runs: nothing of the node runs before that.
    pub fn stop(&self, node: Node) {
        if let Some(server) = self.servers().get_mut(&node) {
            server.stop();
            self.shared.lock().cluster.stop(node);
        }
    }

    /// Starts a stopped node again on its old address, with its data. A running one is left alone.
    pub fn restart(&self, node: Node) {
        let stopped = self.shared.lock().cluster.process(node).is_some_and(|process| !process.up);
        if let Some(server) = self.servers().get_mut(&node).filter(|_| stopped) {
            let shared = self.shared.clone();
            server.restart(move |error| {
                shared.lock().cluster.say(format!("{node} cannot listen again: {error}"));
            });
            self.shared.lock().cluster.restart(node);
            self.set_serving(node, true);
        }
    }

    /// Lets a node say that it serves, or that it does not, to whoever asks its health service. Nothing else changes:
    /// it goes on answering. A node that was restarted says again that it serves.
    pub fn set_serving(&self, node: Node, serving: bool) {
        if let Some(health) = self.health.get(&node) {
            health.set(serving);
        }
    }

    /// What it has seen of the work.
    pub fn observed(&self) -> Observed {
        let open_streams = self
            .servers()
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
        let regions = || all.cluster.regions.iter().map(|region| &region.meta);
        Observed {
            keys_ingested: audit.right(),
            keys_wrong: audit.wrong(),
            keys_total: audit.total(),
            regions_incomplete: audit.incomplete().map(incomplete).take(NAMED).collect(),
            ranges_backed_up: regions()
                .filter(|region| backed_up.covers(&region.start_key, &region.end_key))
                .map(|region| hex(&region.start_key))
                .collect(),
            ranges: regions().map(|region| hex(&region.start_key)).collect(),
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
        for server in self.servers().values_mut() {
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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
