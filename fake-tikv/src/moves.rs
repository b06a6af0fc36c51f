//! What can be done to a running cluster. What changes by itself is told by [`Cluster::take_changes`].

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use unstuck_net::Port;

use crate::cluster::error::MoveError;
use crate::cluster::partition::Direction;
use crate::cluster::region::Region;
use crate::cluster::store::Process;
use crate::spec::Node;
use crate::start::Cluster;

/// Processes.
impl Cluster {
    /// Ends a node's process: its listener, connections and handlers go; its data stay. Leaders move after the election time.
    ///
    /// The sockets close as soon as the runtime runs: nothing of the node runs before that.
    pub fn stop(&self, node: Node) {
        if let Some(server) = self.servers().of.get_mut(&node) {
            server.stop();
            let all = &mut *self.shared.lock();
            all.cluster.stop(node);
            if let Node::Store(store) = node {
                all.storage.uploads.forget_mode(store);
            }
        }
    }

    /// Whether a node's process may start: a tombstone's may not, because PD would not have it.
    pub fn may_start(&self, node: Node) -> Result<(), MoveError> {
        self.shared.lock().cluster.may_start(node)
    }

    /// Starts a stopped node again on its old address, with its data. A running one is left alone, and one that
    /// [may not start](Cluster::may_start) stays stopped.
    pub fn restart(&self, node: Node) {
        let stopped = {
            let cluster = &mut self.shared.lock().cluster;
            let refused = cluster.may_start(node).err();
            if let Some(refused) = &refused {
                cluster.say(format!("{node} does not start: {refused}"));
            }
            refused.is_none() && cluster.process(node).is_some_and(|process| !process.up())
        };
        let servers = &mut *self.servers();
        if let Some(server) = servers.of.get_mut(&node).filter(|_| stopped) {
            let shared = self.shared.clone();
            server.restart(move |error| {
                shared.lock().cluster.say(format!("{node} cannot listen again: {error}"));
            });
            self.shared.lock().cluster.restart(node);
            if let Some(health) = servers.health.get(&node) {
                health.set(true);
            }
        }
    }

    /// A node's process stands still, as on SIGSTOP: the kernel accepts connections and takes bytes up to its buffers, nobody
    /// answers. It leads until the others have elected another, and believes so until it [resumes](Cluster::resume).
    pub fn freeze(&self, node: Node) {
        if let Some(server) = self.servers().of.get_mut(&node) {
            let mut all = self.shared.lock();
            if all.cluster.process(node).is_some_and(Process::up) {
                server.freeze();
                all.cluster.freeze(node);
            }
        }
    }

    /// A frozen process goes on where it was. One that is not frozen is left alone.
    pub fn resume(&self, node: Node) {
        if let Some(server) = self.servers().of.get_mut(&node) {
            self.shared.lock().cluster.resume(node);
            server.resume();
        }
    }

    /// From now on PD tells clients this address for the node (a proxy's).
    pub fn advertise(&self, node: Node, addr: SocketAddr) {
        self.shared.lock().cluster.advertise(node, addr);
    }

    /// Lets a node say that it serves, or that it does not, to whoever asks its health service. Nothing else changes:
    /// it goes on answering. A node that was restarted says again that it serves.
    pub fn set_serving(&self, node: Node, serving: bool) {
        if let Some(health) = self.servers().health.get(&node) {
            health.set(serving);
        }
    }

    /// A free port, reserved for a store to move to.
    pub fn place(&self, store: u64) -> io::Result<Place> {
        let (port, told) = self.another_port(Node::Store(store))?;
        Ok(Place { store, port, told })
    }

    /// A store's process ends and starts again elsewhere, with its data. Connects to the old address are refused; PD tells
    /// clients the new one from the store's next heartbeat on.
    pub fn move_to(&self, place: Place) -> io::Result<()> {
        let Place { store, port, told } = place;
        let node = Node::Store(store);
        let unknown = || io::Error::new(io::ErrorKind::NotFound, MoveError::NoNode(node));
        match self.may_start(node) {
            Err(MoveError::NoNode(_)) => return Err(unknown()),
            Err(refused) => return Err(io::Error::new(io::ErrorKind::InvalidInput, refused)),
            Ok(()) => {}
        }
        self.stop(node);
        {
            let mut servers = self.servers();
            let server = servers.of.get_mut(&node).ok_or_else(unknown)?;
            let left = server.move_to(port);
            servers.left.extend(left);
        }
        self.restart(node);
        self.shared.lock().cluster.change_address(store, told);
        Ok(())
    }

    /// A store [moves](Cluster::move_to) to any free port. Returns where it listens now.
    pub fn change_address(&self, store: u64) -> io::Result<SocketAddr> {
        let place = self.place(store)?;
        let listens = place.addr();
        self.move_to(place).map(|()| listens)
    }
}

/// A port that is reserved for a store.
#[derive(Debug)]
#[must_use = "the port is free again when this drops"]
pub struct Place {
    store: u64,
    port: Port,
    told: SocketAddr,
}

impl Place {
    /// Whose it is.
    pub fn store(&self) -> u64 {
        self.store
    }
    /// Where the store will listen.
    pub fn addr(&self) -> SocketAddr {
        self.port.addr()
    }
    /// The same, of which PD is to tell clients this address (a proxy's).
    pub fn told_as(self, told: SocketAddr) -> Self {
        Self { told, ..self }
    }
}

/// A region as it is now, with keys as regions know them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionInfo {
    /// Its id.
    pub id: u64,
    /// Where it begins.
    pub start: Bytes,
    /// Where it ends; empty at the end of the key space.
    pub end: Bytes,
    /// The store whose peer leads; none while an election runs.
    pub leader: Option<u64>,
    /// The stores that have a peer.
    pub stores: Vec<u64>,
}

/// Regions.
impl Cluster {
    /// All regions in key order.
    pub fn regions(&self) -> Vec<RegionInfo> {
        let all = self.shared.lock();
        let info = |region: &Region| RegionInfo {
            id: region.meta.id,
            start: region.meta.start_key.clone(),
            end: region.meta.end_key.clone(),
            leader: region.group.leader(),
            stores: region.group.members().to_vec(),
        };
        all.cluster.regions.iter().map(info).collect()
    }
    /// Divides regions at keys, as clients name them. Returns the ids of all parts of the regions that held the keys.
    pub fn split(&self, keys: &[Bytes]) -> Result<Vec<u64>, MoveError> {
        let cluster = &mut self.shared.lock().cluster;
        let mut parts = Vec::new();
        for key in keys {
            let key = self.shared.mode.region_key(key);
            let region = cluster.regions.find(&key).map_or(0, |region| region.meta.id);
            parts.extend(cluster.split(region, &[key])?);
        }
        parts.sort_unstable();
        parts.dedup();
        Ok(parts)
    }
    /// Merges a region into its neighbour, which keeps its id. The source's peers move to the target's stores first.
    pub fn merge(&self, source: u64, target: u64) -> Result<(), MoveError> {
        self.shared.lock().cluster.merge(source, target)
    }
    /// A region's leader hands its lead over to the peer on a store.
    pub fn transfer_leader(&self, region: u64, store: u64) -> Result<(), MoveError> {
        self.shared.lock().cluster.transfer_leader(region, store)
    }
    /// The PD leader hands its lead over to another member.
    pub fn transfer_pd_leader(&self, member: u32) -> Result<(), MoveError> {
        self.shared.lock().cluster.transfer_pd_leader(member)
    }
    /// Adds a peer of a region on a store.
    pub fn add_peer(&self, region: u64, store: u64) -> Result<(), MoveError> {
        self.shared.lock().cluster.add_peer(region, store)
    }
    /// Removes a region's peer from a store. A leader hands its lead over first.
    pub fn remove_peer(&self, region: u64, store: u64) -> Result<(), MoveError> {
        self.shared.lock().cluster.remove_peer(region, store)
    }
    /// Moves a region's peer to another store.
    pub fn move_peer(&self, region: u64, from: u64, to: u64) -> Result<(), MoveError> {
        self.shared.lock().cluster.move_peer(region, from, to)
    }
    /// Gives a region's peers to the stores with the fewest, and its lead to one of them, by the seed.
    pub fn scatter(&self, region: u64) -> Result<(), MoveError> {
        self.shared.lock().cluster.scatter(region)
    }
}

/// Stores, and what is between nodes.
impl Cluster {
    /// A free port, and an id that nothing has, for a store to [join](Cluster::join).
    pub fn new_place(&self) -> io::Result<Place> {
        let id = self.shared.lock().cluster.alloc_id();
        self.place(id)
    }
    /// A store joins, empty: PD moves nothing to it unless it is asked to.
    pub fn join(&self, place: Place) -> io::Result<()> {
        let Place { store, port, told } = place;
        self.shared.lock().cluster.add_store(store, told);
        self.launch(Node::Store(store), port)
    }
    /// A store [joins](Cluster::join) on a free port. Returns its id and address.
    pub fn add_store(&self) -> io::Result<(u64, SocketAddr)> {
        let place = self.new_place()?;
        let joined = (place.store(), place.addr());
        self.join(place).map(|()| joined)
    }
    /// A store is to leave: PD moves its peers elsewhere, a few at a time, and then calls it a tombstone. Its process goes on
    /// until it is [stopped](Cluster::stop).
    pub fn offline(&self, store: u64) -> Result<(), MoveError> {
        self.shared.lock().cluster.offline(store)
    }
    /// A store that was to leave stays after all.
    pub fn cancel_offline(&self, store: u64) -> Result<(), MoveError> {
        self.shared.lock().cluster.cancel_offline(store)
    }
    /// A store without peers leaves for ever, its process with it.
    pub fn tombstone(&self, store: u64) -> Result<(), MoveError> {
        self.shared.lock().cluster.tombstone(store)?;
        if let Some(server) = self.servers().of.get_mut(&Node::Store(store)) {
            server.stop();
        }
        Ok(())
    }
    /// Packets between each of these nodes and each of those are lost from now on: heartbeats stop, and leads move after the
    /// election time. Clients are not concerned. Returns how many pairs of nodes, which heard each other, no longer do.
    pub fn partition(&self, a: &[Node], b: &[Node], lost: Direction) -> Result<usize, MoveError> {
        self.shared.lock().cluster.partition(a, b, lost)
    }
    /// Packets between these nodes arrive again. Returns how many pairs of nodes hear each other again.
    pub fn heal(&self, a: &[Node], b: &[Node], lost: Direction) -> Result<usize, MoveError> {
        self.shared.lock().cluster.heal(a, b, lost)
    }
}
