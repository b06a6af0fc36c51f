//! What a cluster is to be, what it has seen.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// What cluster to start. All durations are used as they are: scale them before.
#[derive(Clone, Debug)]
pub struct Spec {
    /// PD members.
    pub pd: u32,
    /// Stores.
    pub stores: u32,
    /// Regions, each with three peers (fewer with fewer stores) in an order of its own.
    pub regions: u32,
    /// Keys in each region, evenly spread; what a client has to ingest or back up.
    pub keys_per_region: u32,
    /// SETTINGS_MAX_CONCURRENT_STREAMS of a store; TiKV's default is 1024 (server.grpc-concurrent-stream).
    pub max_concurrent_streams: u32,
    /// A store pings after so long without reading anything (TiKV: 10 s).
    pub keepalive_time: Duration,
    /// A store closes a connection whose ping is not answered for so long (TiKV: 3 s).
    pub keepalive_timeout: Duration,
    /// The PD member that leads at the start; drawn by the seed if none is said, or one that there is not.
    pub pd_leader: Option<u32>,
    /// After so long without a leader the region elects another (raft election timeout, 10 s).
    pub election: Duration,
    /// Divides the times that nobody can set: a store's heartbeat (10 s), after how long without one PD calls it Disconnected
    /// (20 s) and Down (30 min), how often it replaces a peer then (4 s). 1: the real ones.
    pub scale: u32,
    /// How fast stores work.
    pub speed: Speed,
    /// In which order a region lists its peers.
    pub peer_order: PeerOrder,
    /// Peers' order, leaders, ids.
    pub seed: u64,
    /// What the stores hold, and how regions know a key.
    pub mode: Mode,
    /// Where a new cluster's regions begin.
    pub borders: Borders,
    /// How many calls the journal keeps one by one, the latest.
    pub journal: usize,
}

impl Default for Spec {
    /// One PD member, three stores, one region, TiKV's defaults, no delays, nothing to ingest.
    fn default() -> Self {
        Self {
            pd: 1,
            stores: 3,
            regions: 1,
            keys_per_region: 0,
            max_concurrent_streams: 1024,
            keepalive_time: Duration::from_secs(10),
            keepalive_timeout: Duration::from_secs(3),
            pd_leader: None,
            election: Duration::from_secs(10),
            scale: 1,
            speed: Speed::default(),
            peer_order: PeerOrder::default(),
            seed: 0,
            mode: Mode::default(),
            borders: Borders::default(),
            journal: 10_000,
        }
    }
}

/// What the stores hold, and how regions know a key. As in a real cluster, one cluster has one mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Raw keys of API V1, which regions know as they are.
    #[default]
    Raw,
    /// The same, with times to live (storage.enable-ttl).
    RawTtl,
    /// Transactional keys of API V1, which regions know memcomparable.
    Txn,
    /// API V2: keyspaces, raw and transactional keys side by side, times to live.
    V2,
}

/// Where a new cluster's regions begin; the first always begins where the key space does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Borders {
    /// An equal share of the data set in each region.
    #[default]
    DataSet,
    /// Evenly over what the first two bytes of a client's key can be (four, with more than 65,536 regions). In
    /// V2: of a transactional key in keyspace 0.
    Even,
    /// At these keys, as clients name them: one fewer than there are regions.
    At(Vec<Bytes>),
}

/// In which order a region lists its peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PeerOrder {
    /// Each region in an order of its own, from the seed.
    #[default]
    Shuffled,
    /// The same, but this store's peer is always the first.
    First(u64),
}

/// How fast stores work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Speed {
    /// One batch of ImportSST/Write.
    pub write_batch: Duration,
    /// One Ingest or MultiIngest.
    pub ingest: Duration,
    /// Backup of one region.
    pub backup_region: Duration,
}

/// Why there cannot be such a cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// Nothing to talk to.
    #[error(
        "a cluster needs a PD member, a store and a region: `{pd}`, `{stores}` and `{regions}` were asked for"
    )]
    Nothing {
        /// PD members.
        pd: u32,
        /// Stores.
        stores: u32,
        /// Regions.
        regions: u32,
    },
    /// Keys that do not divide the key space into so many regions.
    #[error("{regions} regions need {} different keys in order to begin at, after the first: {keys} were given", .regions - 1)]
    Borders {
        /// Regions.
        regions: u32,
        /// Different keys in order, from the first on.
        keys: usize,
    },
}

impl Spec {
    /// Whether there can be such a cluster.
    pub fn check(&self) -> Result<(), SpecError> {
        let Self { pd, stores, regions, .. } = *self;
        if pd == 0 || stores == 0 || regions == 0 {
            return Err(SpecError::Nothing { pd, stores, regions });
        }
        if let Borders::At(keys) = &self.borders {
            let ordered = keys.windows(2).take_while(|pair| pair[0] < pair[1]).count();
            let right = keys.first().map_or(0, |first| if first.is_empty() { 0 } else { ordered + 1 });
            if keys.len() + 1 != regions as usize || right != keys.len() {
                return Err(SpecError::Borders { regions, keys: right });
            }
        }
        Ok(())
    }
}

/// Where nodes listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The address that every node binds.
    pub listen: IpAddr,
    /// The port of the first PD member; the others follow it, then the stores. 0: any free ports.
    pub first_port: u16,
    /// What PD tells clients instead of `listen`.
    pub advertise: Option<IpAddr>,
}

impl Default for Addresses {
    /// Any free ports of 127.0.0.1.
    fn default() -> Self {
        Self { listen: Ipv4Addr::LOCALHOST.into(), first_port: 0, advertise: None }
    }
}

impl Addresses {
    /// The port of the node that is the `i`th.
    pub(crate) fn port(&self, i: usize) -> std::io::Result<u16> {
        if self.first_port == 0 {
            return Ok(0);
        }
        u16::try_from(usize::from(self.first_port) + i).map_err(|_| {
            let message =
                format!("there is no port {}: start at a lower one", usize::from(self.first_port) + i);
            std::io::Error::new(std::io::ErrorKind::InvalidInput, message)
        })
    }
    /// What PD tells clients of a node that listens here.
    pub(crate) fn told(&self, listens: std::net::SocketAddr) -> std::net::SocketAddr {
        std::net::SocketAddr::new(self.advertise.unwrap_or(listens.ip()), listens.port())
    }
}

/// One node of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Node {
    /// A PD member, from 0.
    Pd(u32),
    /// A store, by its id, from 1.
    Store(u64),
}

/// `pd-0`, `tikv-2`.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Pd(i) => write!(f, "pd-{i}"),
            Node::Store(id) => write!(f, "tikv-{id}"),
        }
    }
}

/// As it is shown.
impl std::str::FromStr for Node {
    type Err = NoNode;
    fn from_str(text: &str) -> Result<Self, NoNode> {
        let pd = text.strip_prefix("pd-").and_then(|id| id.parse().ok()).map(Node::Pd);
        let store = text.strip_prefix("tikv-").and_then(|id| id.parse().ok()).map(Node::Store);
        pd.or(store).ok_or_else(|| NoNode(text.into()))
    }
}

/// A text that names no node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no node: nodes are `pd-0`, `pd-1`, … and `tikv-1`, `tikv-2`, …")]
pub struct NoNode(String);

impl TryFrom<String> for Node {
    type Error = NoNode;
    fn try_from(text: String) -> Result<Self, NoNode> {
        text.parse()
    }
}
impl From<Node> for String {
    fn from(node: Node) -> Self {
        node.to_string()
    }
}

/// What the cluster has seen of the work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Keys ingested at least once.
    pub keys_ingested: u64,
    /// Keys ingested with other data than the data set's, or outside their region.
    pub keys_wrong: u64,
    /// All keys there are to ingest.
    pub keys_total: u64,
    /// The first few regions with keys that are not ingested, in words.
    pub regions_incomplete: Vec<String>,
    /// The start keys (lower-case hex) of ranges whose backup stores have completed and sent, sorted.
    pub ranges_backed_up: Vec<String>,
    /// The start keys (lower-case hex) of all ranges, sorted: the regions that the cluster began with, whatever has
    /// become of them.
    pub ranges: Vec<String>,
    /// Rows that clients have put, raw and transactional: keys, each once.
    pub rows: u64,
    /// Streams open at each store now, by store id.
    pub open_streams: Vec<(u64, u64)>,
}
