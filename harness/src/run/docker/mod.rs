//! The docker world: each node is reached through a container of its own alone, so that a kernel does to its connections what it
//! does to those of a paused, killed, disconnected machine. A program under test is a container too.
//!
//! What is a node's: its container with its address, its kernel's sockets, and a process that can be paused and killed, which
//! relays. What is the cluster's: its state and services, in the harness's own process, for the record and the verdict read
//! them. Between both stands the link's proxy, as in the world `tcp`.
//!
//! * `engine`: Docker's command
//! * `network`: addresses
//! * `sockets`: what a kernel says of its connections
//! * `syn`: SYNs that are lost
//! * `node`: a node's container
//! * `suffered`: a fault on some of them

mod engine;
mod network;
mod node;
mod sockets;
mod suffered;
mod syn;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fake_tikv::Node;
use unstuck_record::Evidence;

use self::engine::docker;
use self::network::Network;
use self::node::{Container, IMAGE};
use self::sockets::Socket;
pub(super) use self::suffered::Suffered;
use crate::client::outside::Inside;
use crate::fault::ContainerFault;

/// Is told what the engine has refused.
pub(super) type Tell = Arc<dyn Fn(String) + Send + Sync>;

/// The containers of one run. Cheap to clone; all of them are gone when the last one drops.
#[derive(Clone)]
pub(super) struct Containers(Arc<Inner>);

struct Inner {
    /// By the node that each is in front of, as nodes come to be.
    of: Mutex<BTreeMap<Node, usize>>,
    touched: Mutex<BTreeMap<usize, Evidence>>,
    // in the order in which they go: no network with a container on it
    containers: Vec<Container>,
    network: Network,
    inside: Inside,
    folder: PathBuf,
}

// === impl Containers ===

impl Containers {
    /// Containers for so many PD members and stores, all of which accept when this returns.
    pub(super) fn start(pd: usize, stores: usize) -> io::Result<Self> {
        engine::sweep()?;
        let network = Network::create()?;
        // programs under test have folders that begin alike
        let folder = std::env::temp_dir().join(format!("{}-nodes", network.name));
        std::fs::create_dir(&folder)?;
        let inside = Inside::new(IMAGE, &network.name, network.clients());
        let (of, touched) = (Mutex::default(), Mutex::default());
        let mut inner = Inner { of, touched, containers: vec![], network, inside, folder };
        let pd = (0..pd).map(|member| (format!("pd-{member}"), node::PD));
        let stores = (1..=stores).map(|store| (format!("tikv-{store}"), node::STORE));
        let start =
            |(name, port): (String, u16)| Container::start(&name, port, &inner.network, &inner.folder);
        let containers: io::Result<Vec<Container>> = std::thread::scope(|scope| {
            let started: Vec<_> = pd.chain(stores).map(|one| scope.spawn(|| start(one))).collect();
            // each is waited for, so that none is left behind when another fails
            let started: Vec<_> =
                started.into_iter().map(|one| one.join().expect("it does not panic")).collect();
            started.into_iter().collect()
        });
        inner.containers = containers?;
        Ok(Self(Arc::new(inner)))
    }

    /// The container in front of a node: to where it relays, and where clients find it.
    pub(super) fn front(&self, node: Node) -> (SocketAddr, SocketAddr) {
        let mut of = lock(&self.0.of);
        let next = of.iter().filter(|(other, _)| port(**other) == port(node)).count();
        let mut alike = self.0.containers.iter().enumerate().filter(|(_, one)| one.addr.port() == port(node));
        let index = of.get(&node).copied().or_else(|| Some(alike.nth(next)?.0));
        let index = index.expect("the plan says how many nodes there will be");
        of.insert(node, index);
        let container = &self.0.containers[index];
        (container.upstream.into(), container.addr.into())
    }

    /// Where programs under test are started.
    pub(super) fn inside(&self) -> &Inside {
        &self.0.inside
    }

    fn at(&self, index: usize) -> &Container {
        &self.0.containers[index]
    }

    /// Carries a fault out.
    pub(super) fn suffer(&self, fault: usize, what: ContainerFault, on: &[Node], tell: &Tell) -> Suffered {
        let mut undo = vec![];
        for index in on.iter().filter_map(|node| lock(&self.0.of).get(node).copied()) {
            match self.at(index).suffer(what, fault) {
                Ok((evidence, one)) => {
                    self.credit(fault, evidence);
                    undo.push((index, one));
                }
                Err(error) => tell(error.to_string()),
            }
        }
        Suffered::watched(self, fault, undo, tell)
    }

    /// What a fault has touched so far, as far as it has been looked at.
    pub(super) fn evidence(&self, fault: usize) -> Evidence {
        lock(&self.0.touched).get(&fault).copied().unwrap_or_default()
    }

    fn credit(&self, fault: usize, evidence: Evidence) {
        let mut touched = lock(&self.0.touched);
        let sum = touched.entry(fault).or_default();
        *sum = sum.plus(evidence);
    }

    /// The sockets of the clients: of programs in containers, and of this process.
    fn clients(&self) -> io::Result<Vec<Socket>> {
        let name = format!("name={}", self.0.inside.name(""));
        let mut all = sockets::of(std::process::id())?;
        for id in docker(&["ps", "--quiet", "--filter", &name])?.lines() {
            // one that has ended meanwhile has none
            all.extend(engine::pid(id).and_then(sockets::of).unwrap_or_default());
        }
        Ok(all)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // the engine takes its time for each
        std::thread::scope(|scope| {
            for container in self.containers.drain(..) {
                scope.spawn(move || drop(container));
            }
        });
        let _left_to_the_system = std::fs::remove_dir_all(&self.folder);
    }
}

impl std::fmt::Debug for Containers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Containers").field("network", &self.0.network).finish_non_exhaustive()
    }
}

/// The port of a node's container.
fn port(node: Node) -> u16 {
    match node {
        Node::Pd(_) => node::PD,
        Node::Store(_) => node::STORE,
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
