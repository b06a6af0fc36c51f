//! A cluster, said in one line.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use unstuck_net::{Clock, Net};

use crate::spec::{Addresses, Borders, Mode, Spec};
use crate::start::Cluster;

/// What a cluster is to be, said piece by piece; [`Cluster::builder`] begins one.
///
/// ```
/// use fake_tikv::{Cluster, Mode, Node};
/// use unstuck_net::{Net, sim};
///
/// sim::runtime(1).block_on(async {
///     let net = Net::Sim(sim::SimNet::new(sim::SimConfig::default()));
///     let cluster =
///         Cluster::builder().pd(3).stores(3).mode(Mode::Txn).regions(16).start(&net).await?;
///     assert_eq!(cluster.nodes().len(), 6);
///     cluster.stop(Node::Store(2));
///     cluster.restart(Node::Store(2));
///     cluster.shutdown();
///     Ok::<_, std::io::Error>(())
/// }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing starts before `start`"]
pub struct Builder {
    spec: Spec,
    addresses: Addresses,
    clock: Option<Clock>,
    wall: bool,
}

impl Cluster {
    /// One PD member, three stores, one region of raw keys, on free ports of 127.0.0.1.
    pub fn builder() -> Builder {
        Builder::from(Spec { borders: Borders::Even, ..Spec::default() })
    }
}

impl From<Spec> for Builder {
    fn from(spec: Spec) -> Self {
        Self { spec, addresses: Addresses::default(), clock: None, wall: false }
    }
}

impl Builder {
    /// PD members.
    pub fn pd(mut self, members: u32) -> Self {
        self.spec.pd = members;
        self
    }
    /// Stores.
    pub fn stores(mut self, stores: u32) -> Self {
        self.spec.stores = stores;
        self
    }
    /// What the stores hold, and how regions know a key.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.spec.mode = mode;
        self
    }
    /// Regions, evenly over the key space.
    pub fn regions(mut self, regions: u32) -> Self {
        (self.spec.regions, self.spec.borders) = (regions, Borders::Even);
        self
    }
    /// One region more than keys: regions begin at these keys, as clients name them, in any order.
    pub fn split_keys<K: Into<Bytes>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        let mut keys: Vec<Bytes> = keys.into_iter().map(Into::into).collect();
        keys.sort_unstable();
        keys.dedup();
        (self.spec.regions, self.spec.borders) = (keys.len() as u32 + 1, Borders::At(keys));
        self
    }
    /// Decides ids, the peers' order, leaders, elections.
    pub fn seed(mut self, seed: u64) -> Self {
        self.spec.seed = seed;
        self
    }
    /// After so long without a leader a region, and PD, elect another.
    pub fn election(mut self, election: Duration) -> Self {
        self.spec.election = election;
        self
    }
    /// The address that every node binds.
    pub fn listen(mut self, ip: IpAddr) -> Self {
        self.addresses.listen = ip;
        self
    }
    /// What PD tells clients instead of the address that nodes bind.
    pub fn advertise(mut self, ip: IpAddr) -> Self {
        self.addresses.advertise = Some(ip);
        self
    }
    /// The port of the first PD member; the others follow it, then the stores.
    pub fn first_port(mut self, port: u16) -> Self {
        self.addresses.first_port = port;
        self
    }
    /// The clock that timestamps and heartbeats tell. Without one it starts with the cluster, at
    /// [`EPOCH_MS`](unstuck_net::clock::EPOCH_MS).
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }
    /// Timestamps and heartbeats tell the time of the wall, for clients that compare them with a clock of their own. Not for
    /// the sim, where the time is virtual.
    pub fn wall_clock(mut self) -> Self {
        self.wall = true;
        self
    }

    /// Starts every node. When this returns, all of them accept. Call within a runtime.
    pub async fn start(self, net: &Net) -> io::Result<Cluster> {
        let clock = match self.clock {
            Some(clock) => clock,
            None if self.wall && !net.is_sim() => Clock::start_at_wall(),
            None => Clock::start(),
        };
        Cluster::start_at(net, clock, self.spec, self.addresses).await
    }
}
