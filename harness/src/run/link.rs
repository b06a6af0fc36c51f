//! The client's links to the nodes: a proxy on each, and one more for each address that a node is to have.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fake_tikv::{Cluster, Node, Place};
use unstuck_net::Net;
use unstuck_record::Evidence;

use super::seed::split;
use super::setup::Setup;
use crate::fault::Rule;
use unstuck_proxy::{Guard, Proxy, Sink, Stats};

/// What proxies are made of.
pub(super) struct Proxies<'a> {
    pub(super) net: &'a Net,
    pub(super) setup: &'a Setup,
    pub(super) sink: Sink,
}

impl Proxies<'_> {
    fn start(&self, name: &str, life: usize, to: SocketAddr) -> io::Result<Proxy> {
        // the seed is what it was before links could have a second proxy
        let seed = if life == 0 { name.to_owned() } else { format!("{name}#{life}") };
        Proxy::start(self.net, name.to_owned(), to, split(self.setup.seed, &seed), Arc::clone(&self.sink))
    }
}

/// The link from the client to one node, wherever that listens.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) node: Node,
    pub(super) name: String,
    /// One for each address, in the order in which the node has them.
    proxies: Vec<Proxy>,
    lives: Arc<Lives>,
}

/// At which of its addresses a node is.
#[derive(Debug, Default)]
struct Lives {
    now: AtomicUsize,
    /// Where it goes next.
    places: Mutex<VecDeque<Place>>,
    /// What stays in force at addresses that it has left.
    left: Mutex<Vec<Guard>>,
}

impl Link {
    /// To a node that runs, and to the places where the plan has it come back.
    pub(super) fn to(
        node: Node,
        bound: SocketAddr,
        cluster: &Cluster,
        proxies: &Proxies<'_>,
    ) -> io::Result<Self> {
        let name = format!("{}->{node}", proxies.setup.client.name());
        let mut all = vec![proxies.start(&name, 0, bound)?];
        cluster.advertise(node, all[0].addr());
        let mut places = VecDeque::new();
        if let Node::Store(store) = node {
            for life in 1..=proxies.setup.plan.kills(node) {
                let place = cluster.place(store)?;
                let proxy = proxies.start(&name, life, place.addr())?;
                places.push_back(place.told_as(proxy.addr()));
                all.push(proxy);
            }
        }
        let lives = Arc::new(Lives { places: Mutex::new(places), ..Lives::default() });
        Ok(Self { node, name, proxies: all, lives })
    }

    /// To a store that is to join, and its place.
    pub(super) fn to_new(cluster: &Cluster, proxies: &Proxies<'_>) -> io::Result<(Self, Place)> {
        let place = cluster.new_place()?;
        let node = Node::Store(place.store());
        let name = format!("{}->{node}", proxies.setup.client.name());
        let proxy = proxies.start(&name, 0, place.addr())?;
        let place = place.told_as(proxy.addr());
        Ok((Self { node, name, proxies: vec![proxy], lives: Arc::default() }, place))
    }

    /// Where clients are told that the node is at first.
    pub(super) fn addr(&self) -> SocketAddr {
        self.proxies[0].addr()
    }

    fn now(&self) -> &Proxy {
        &self.proxies[self.lives.now.load(Ordering::Relaxed)]
    }

    pub(super) fn apply(&self, fault: usize, rule: Rule) -> Guard {
        self.now().apply(fault, rule)
    }

    /// Where the node goes next, if the plan has it go anywhere.
    pub(super) fn next_place(&self) -> Option<Place> {
        lock(&self.lives.places).pop_front()
    }

    /// Leaves a rule in force for ever: the node has left the address, and nobody takes it over.
    pub(super) fn leave(&self, guard: Guard) {
        lock(&self.lives.left).push(guard);
    }

    /// The node is at its next place.
    pub(super) fn arrived(&self) {
        self.lives.now.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn evidence(&self, fault: usize) -> Evidence {
        self.proxies.iter().map(|proxy| proxy.evidence(fault)).fold(Evidence::default(), Evidence::plus)
    }

    pub(super) fn stats(&self) -> Stats {
        self.proxies.iter().map(Proxy::stats).fold(Stats::default(), |sum, of| Stats {
            conns: sum.conns + of.conns,
            streams: sum.streams + of.streams,
            accepted: sum.accepted + of.accepted,
            up: sum.up + of.up,
            down: sum.down + of.down,
        })
    }

    pub(super) fn shutdown(&self) {
        self.proxies.iter().for_each(Proxy::shutdown);
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
