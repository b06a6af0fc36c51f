//! The client's links to the nodes: a proxy on each, and one more for each address that a node is to have.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fake_tikv::{Cluster, Node, Place};
use unstuck_net::Net;
use unstuck_proxy::{Proxy, Rule, Sink, Stats};
use unstuck_record::Evidence;

use super::between::{Between, InForce};
use super::docker::Containers;
use super::outer::Outer;
use super::seed::split;
use super::setup::Setup;

/// What proxies are made of.
pub(super) struct Proxies<'a> {
    pub(super) net: &'a Net,
    pub(super) setup: &'a Setup,
    pub(super) cluster: &'a Cluster,
    pub(super) sink: Sink,
    /// The Toxiproxy that stands in for ours.
    pub(super) outer: Option<&'a Arc<Outer>>,
    /// The containers in front of the nodes.
    pub(super) containers: Option<&'a Containers>,
}

impl Proxies<'_> {
    fn start(&self, node: Node, name: &str, life: usize, to: SocketAddr) -> io::Result<Between> {
        // the seed is what it was before links could have a second proxy
        let of_its_own = if life == 0 { name.to_owned() } else { format!("{name}#{life}") };
        if let Some(outer) = self.outer {
            let link = outer.link(&of_its_own, to)?;
            return Ok(Between::Theirs { link, cluster: self.cluster.clone(), node });
        }
        let seed = split(self.setup.seed, &of_its_own);
        let listen = self.containers.map_or(self.net.any(), |containers| containers.front(node).0);
        let sink = Arc::clone(&self.sink);
        let proxy = Proxy::start_at(self.net, listen, name.to_owned(), to.into(), seed, sink)?;
        if self.setup.plan.injections.iter().any(|injection| injection.rule.knows_http2()) {
            // connections that live when the fault comes are touched only if they were read from their first byte
            proxy.read_http2();
        }
        Ok(Between::Ours(proxy))
    }

    /// Where clients find a node that this leads to.
    fn told(&self, node: Node, between: &Between) -> SocketAddr {
        self.containers.map_or(between.addr(), |containers| containers.front(node).1)
    }
}

/// The link from the client to one node, wherever that listens.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) node: Node,
    pub(super) name: String,
    /// One for each address, in the order in which the node has them.
    proxies: Vec<Between>,
    /// Where clients are told that it is at first.
    addr: SocketAddr,
    lives: Arc<Lives>,
}

/// At which of its addresses a node is.
#[derive(Debug, Default)]
struct Lives {
    now: AtomicUsize,
    /// Where it goes next.
    places: Mutex<VecDeque<Place>>,
    /// What stays in force at addresses that it has left.
    left: Mutex<Vec<InForce>>,
}

impl Link {
    /// To a node that runs, and to the places where the plan has it come back.
    pub(super) fn to(node: Node, bound: SocketAddr, proxies: &Proxies<'_>) -> io::Result<Self> {
        let cluster = proxies.cluster;
        let name = format!("{}->{node}", proxies.setup.client.name());
        let mut all = vec![proxies.start(node, &name, 0, bound)?];
        let addr = proxies.told(node, &all[0]);
        cluster.advertise(node, addr);
        let mut places = VecDeque::new();
        // a container keeps its address
        if let (Node::Store(store), None) = (node, proxies.containers) {
            for life in 1..=proxies.setup.plan.kills(node) {
                let place = cluster.place(store)?;
                let proxy = proxies.start(node, &name, life, place.addr())?;
                places.push_back(place.told_as(proxy.addr()));
                all.push(proxy);
            }
        }
        let lives = Arc::new(Lives { places: Mutex::new(places), ..Lives::default() });
        Ok(Self { node, name, proxies: all, addr, lives })
    }

    /// To a store that is to join, and its place.
    pub(super) fn to_new(proxies: &Proxies<'_>) -> io::Result<(Self, Place)> {
        let place = proxies.cluster.new_place()?;
        let node = Node::Store(place.store());
        let name = format!("{}->{node}", proxies.setup.client.name());
        let proxy = proxies.start(node, &name, 0, place.addr())?;
        let addr = proxies.told(node, &proxy);
        let place = place.told_as(addr);
        Ok((Self { node, name, proxies: vec![proxy], addr, lives: Arc::default() }, place))
    }

    /// Where clients are told that the node is at first.
    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    fn now(&self) -> &Between {
        &self.proxies[self.lives.now.load(Ordering::Relaxed)]
    }

    pub(super) fn apply(&self, fault: usize, rule: &Rule) -> InForce {
        self.now().apply(fault, rule)
    }

    /// Where the node goes next, if the plan has it go anywhere.
    pub(super) fn next_place(&self) -> Option<Place> {
        lock(&self.lives.places).pop_front()
    }

    /// The node goes there only the next time.
    pub(super) fn keep_place(&self, place: Place) {
        lock(&self.lives.places).push_front(place);
    }

    /// Leaves a rule in force for ever: the node has left the address, and nobody takes it over.
    pub(super) fn leave(&self, guard: InForce) {
        lock(&self.lives.left).push(guard);
    }

    /// The node is at its next place.
    pub(super) fn arrived(&self) {
        self.lives.now.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn evidence(&self, fault: usize) -> Evidence {
        self.proxies.iter().map(|proxy| proxy.evidence(fault)).fold(Evidence::default(), Evidence::plus)
    }

    /// What all its proxies have carried.
    pub(super) fn stats(&self) -> Stats {
        let ours = self.proxies.iter().all(|proxy| proxy.ours().is_some());
        // those of others tell what the node knows, which is the same for each of its addresses
        let told = if ours { &self.proxies[..] } else { &self.proxies[..1] };
        told.iter().map(Between::stats).fold(Stats::default(), Stats::plus)
    }

    /// The proxy of ours that leads to the node's first address.
    pub(super) fn ours(&self) -> Option<&Proxy> {
        self.proxies[0].ours()
    }

    pub(super) fn shutdown(&self) {
        self.proxies.iter().for_each(Between::shutdown);
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
