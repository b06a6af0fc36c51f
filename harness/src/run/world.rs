//! The world of one run: the cluster, and a proxy on every link between it and the client.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fake_tikv::{Cluster, Node, Place, Spec};
use unstuck_net::{Clock, Net};
use unstuck_proxy::Sink;
use unstuck_proxy::control::{Control, Exported, Limits};
use unstuck_proxy::registry::Registry;
use unstuck_record::{Event, Evidence, LinkInfo, LinkSample, PlannedFault};

use super::between::InForce;
use super::docker::{Containers, Suffered, Tell};
use super::holds::Holds;
use super::link::{Link, Proxies};
use super::nodes::{Acted, Target, Touched, act};
use super::outer::Outer;
use super::recorder::Recorder;
use super::seed::split;
use super::setup::Setup;
use super::status::Status;
use crate::client::{Inside, Workload};
use crate::fault::plan::PD_LEADER;
use crate::fault::{Injection, NodeEffect};

/// TiKV's own keepalive (server.grpc-keepalive-time, -timeout) and raft election timeout.
const STORE_KEEPALIVE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(3));
const ELECTION: Duration = Duration::from_secs(10);

/// Calls that are kept one by one, for `….calls.ndjson`; all are counted. More would not fit a core's cache: each call's place
/// is the oldest one's.
const CALLS: usize = 2_000;

/// A cluster behind proxies.
pub(super) struct World {
    pub(super) cluster: Cluster,
    links: Vec<Link>,
    /// In front of the nodes, in the docker world.
    containers: Option<Containers>,
    /// Is told what these have refused.
    tell: Tell,
    /// Toxiproxy's API over the links. In virtual time nobody outside could ask.
    control: Option<Api>,
    /// Where stores are to join.
    new: Mutex<VecDeque<Place>>,
    /// What faults on nodes touched.
    touched: Touched,
    holds: Holds,
}

/// Where links can be changed by hand.
#[derive(Debug)]
enum Api {
    Ours(Control),
    Theirs(Arc<Outer>),
}

/// A fault that is active until this drops.
#[derive(Debug)]
#[must_use = "the fault heals when this guard drops"]
pub(super) struct Active {
    _links: Vec<InForce>,
    _nodes: Vec<Acted>,
    _containers: Option<Suffered>,
}

impl World {
    pub(super) async fn start(
        net: &Net,
        clock: Clock,
        containers: Option<Containers>,
        setup: &Setup,
        recorder: &Recorder,
        status: &Arc<Status>,
    ) -> io::Result<Self> {
        let cluster = Cluster::start(net, clock, spec(setup)).await?;
        let sink_to = recorder.clone();
        let sink: Sink = Arc::new(move |event| sink_to.event(clock.ms(), event));
        let tell = tell(clock, recorder, status);
        let outer = match (&setup.outer, net) {
            (Some(base), Net::Tcp(_)) => Some(Outer::at(base, Arc::clone(&tell))?),
            _ => None,
        };
        let (outer_ref, containers_ref) = (outer.as_ref(), containers.as_ref());
        let proxies =
            Proxies { net, setup, cluster: &cluster, sink, outer: outer_ref, containers: containers_ref };
        let mut links = vec![];
        for (node, bound) in cluster.nodes() {
            links.push(Link::to(node, bound, &proxies)?);
        }
        let mut new = VecDeque::new();
        for _ in 0..setup.plan.joins() {
            let (link, place) = Link::to_new(&proxies)?;
            links.push(link);
            new.push_back(place);
        }
        let control = match (net, outer) {
            (Net::Sim(_), _) => None,
            (Net::Tcp(_), Some(outer)) => Some(Api::Theirs(outer)),
            (Net::Tcp(_), None) => Some(Api::Ours(control(net, clock, setup, recorder, status, &links)?)),
        };
        let holds = Holds::of(&cluster);
        Ok(Self {
            cluster,
            links,
            containers,
            tell,
            control,
            new: Mutex::new(new),
            touched: Touched::default(),
            holds,
        })
    }

    /// Where Toxiproxy's API is.
    pub(super) fn control(&self) -> Option<String> {
        self.control.as_ref().map(|api| match api {
            Api::Ours(control) => format!("http://{}", control.addr()),
            Api::Theirs(outer) => outer.base().to_owned(),
        })
    }

    /// Where programs under test are started, if not on this machine itself.
    pub(super) fn inside(&self) -> Option<&Inside> {
        self.containers.as_ref().map(Containers::inside)
    }

    /// The PD members as the client is to see them.
    pub(super) fn pd(&self) -> Vec<SocketAddr> {
        self.links.iter().filter(|link| matches!(link.node, Node::Pd(_))).map(Link::addr).collect()
    }

    pub(super) fn infos(&self) -> Vec<LinkInfo> {
        let info = |link: &Link| LinkInfo {
            name: link.name.clone(),
            node: node_name(link.node),
            addr: link.addr().to_string(),
        };
        self.links.iter().map(info).collect()
    }

    pub(super) fn planned(&self, injection: &Injection) -> PlannedFault {
        PlannedFault {
            kind: injection.kind.clone(),
            links: self.on(&injection.links).map(|link| link.name.clone()).collect(),
            nodes: injection.nodes.iter().chain(&injection.peers).map(|&node| node_name(node)).collect(),
            start_ms: injection.start.as_millis() as u64,
            end_ms: injection.end.as_millis() as u64,
            trigger: injection.trigger,
        }
    }

    pub(super) fn inject(&self, fault: usize, injection: &Injection) -> Active {
        let kill = injection.effect == Some(NodeEffect::Kill);
        let on_container = injection.effect.as_ref().and_then(NodeEffect::on_container);
        let suffered = self.containers.as_ref().zip(on_container);
        let suffered =
            suffered.map(|(containers, what)| containers.suffer(fault, what, &injection.nodes, &self.tell));
        let (mut links, mut elsewhere) = (vec![], BTreeMap::new());
        // what befalls the container needs no proxy that imitates it
        let links_of = if suffered.is_some() { &[][..] } else { &injection.links[..] };
        for link in self.on(links_of) {
            let guard = link.apply(fault, &injection.rule);
            match kill.then(|| link.next_place()).flatten() {
                Some(place) => {
                    link.leave(guard);
                    elsewhere.insert(link.node, place);
                }
                None => links.push(guard),
            }
        }
        let nodes = injection.effect.as_ref().map(|effect| {
            let join = if *effect == NodeEffect::Join { injection.nodes.len() } else { 0 };
            let mut new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
            let new = (0..join).filter_map(|_| new.pop_front()).collect();
            let link = |node: &Node| self.on(std::slice::from_ref(node)).next().cloned();
            let target =
                Target { nodes: &injection.nodes, peers: &injection.peers, link: &link, elsewhere, new };
            act(&self.cluster, (&self.holds, &self.touched), fault, effect, target)
        });
        Active { _links: links, _nodes: nodes.unwrap_or_default(), _containers: suffered }
    }

    /// What a fault touched so far, over all links.
    pub(super) fn evidence(&self, fault: usize) -> Evidence {
        let links = self.links.iter().map(|link| link.evidence(fault));
        let containers = self.containers.iter().map(|containers| containers.evidence(fault));
        links.chain(containers).fold(self.touched.of(fault), Evidence::plus)
    }

    pub(super) fn sample(&self, streams: &[(u64, u64)]) -> Vec<LinkSample> {
        let sample = |(index, link): (usize, &Link)| {
            let stats = link.stats();
            let at_store = streams.iter().find(|(store, _)| link.node == Node::Store(*store));
            LinkSample {
                link: index,
                conns: stats.conns,
                // a store knows those that it serves; elsewhere it is those that the proxy has read
                streams: at_store.map_or(stats.streams, |(_, open)| *open),
                up: stats.up,
                down: stats.down,
            }
        };
        let used = |sample: &LinkSample| sample.conns + sample.up + sample.down > 0;
        self.links.iter().enumerate().map(sample).filter(used).collect()
    }

    /// How many connections the client has made so far.
    pub(super) fn accepted(&self) -> u64 {
        self.links.iter().map(|link| link.stats().accepted).sum()
    }

    /// Ends every connection and process of it.
    pub(super) fn shutdown(&self) {
        for link in &self.links {
            link.shutdown();
        }
        self.cluster.shutdown();
    }

    fn on<'a>(&'a self, nodes: &'a [Node]) -> impl Iterator<Item = &'a Link> {
        nodes.iter().filter_map(|node| self.links.iter().find(|link| link.node == *node))
    }
}

/// What the Toxiproxy of others, or the engine, fails to do stands in the record.
fn tell(clock: Clock, recorder: &Recorder, status: &Arc<Status>) -> Tell {
    let (recorder, status) = (recorder.clone(), Arc::clone(status));
    Arc::new(move |what: String| {
        status.tell(clock.ms(), what.clone());
        recorder.event(clock.ms(), Event::ClusterChanged { what });
    })
}

/// Toxiproxy's API over the links, each under its name. What is done by hand stands in the record.
fn control(
    net: &Net,
    clock: Clock,
    setup: &Setup,
    recorder: &Recorder,
    status: &Arc<Status>,
    links: &[Link],
) -> io::Result<Control> {
    let registry = Registry::new(net, split(setup.seed, "control"), Arc::new(|_| {}));
    for proxy in links.iter().filter_map(Link::ours) {
        registry.register(proxy.clone()).expect("each link has a name of its own");
    }
    let (recorder, status) = (recorder.clone(), Arc::clone(status));
    let heard = Arc::new(move |what: &str| {
        let what = format!("by hand: {what}");
        status.tell(clock.ms(), what.clone());
        recorder.event(clock.ms(), Event::ClusterChanged { what });
    });
    let exported = Exported { proxies: true, runtime: false };
    Control::start(registry, net.any(), exported, Limits::default(), heard)
}

/// The name of a node in reports: `pd-0`, `tikv-1`.
pub fn node_name(node: Node) -> String {
    match node {
        Node::Pd(index) => format!("pd-{index}"),
        Node::Store(id) => format!("tikv-{id}"),
    }
}

fn spec(setup: &Setup) -> Spec {
    let scale = setup.scale;
    let scaled = Workload { duration: scale.span(setup.workload.duration), ..setup.workload.clone() };
    Spec {
        pd: setup.cluster.pd,
        stores: setup.cluster.stores,
        regions: setup.workload.regions,
        keys_per_region: setup.cluster.keys_per_region,
        max_concurrent_streams: setup.cluster.max_concurrent_streams,
        keepalive_time: scale.timer(STORE_KEEPALIVE.0),
        keepalive_timeout: scale.keepalive_timeout(STORE_KEEPALIVE.1),
        pd_leader: Some(PD_LEADER),
        election: scale.timer(ELECTION),
        scale: scale.by(),
        speed: setup.client.speed(&scaled, setup.cluster.stores),
        mode: setup.cluster.mode,
        peer_order: setup.cluster.peer_order,
        seed: split(setup.seed, "cluster"),
        journal: CALLS,
        ..Spec::default()
    }
}
