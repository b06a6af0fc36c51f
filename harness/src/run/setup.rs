//! Everything that is fixed before the client starts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fake_tikv::{Mode, PeerOrder};
use unstuck_record::Expect;

use crate::client::{Client, Scale, Workload};
use crate::fault::Plan;

/// One case, ready to run.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The scenario file, as it is to be named in reports.
    pub file: String,
    /// The line of the case in it, from 1.
    pub line: u32,
    /// The case's name.
    pub case: String,
    /// What is under test.
    pub client: Arc<dyn Client>,
    /// Where.
    pub world: WorldKind,
    /// The Toxiproxy that takes the place of our own proxies, `http://127.0.0.1:8474`; on real sockets only.
    pub outer: Option<String>,
    /// By how much to shorten every duration; 1 in virtual time.
    pub scale: Scale,
    /// Every random choice follows from it.
    pub seed: u64,
    /// The cluster.
    pub cluster: ClusterSize,
    /// The job.
    pub workload: Workload,
    /// The faults, in real durations.
    pub plan: Plan,
    /// The scenario's `recoveryTime`.
    pub recovery: Duration,
    /// The scenario's `within`.
    pub within: Option<Duration>,
    /// What is expected.
    pub expect: Expect,
    /// The run of the matrix that the sizes are from, for the command that runs it again.
    pub variant: Option<String>,
    /// The command that runs it again, where that is not `unstuck run`.
    pub again: Option<String>,
    /// What a reader must know besides.
    pub notes: Vec<String>,
    /// Whether tokio's own trace is taken of a client that did not end. It can end the process: see `run::trace`.
    pub trace: bool,
}

/// Where a case runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorldKind {
    /// In virtual time, in memory.
    Sim,
    /// On real sockets, in real time.
    Tcp,
    /// The same, with a container for each node and for a program under test.
    Docker,
}

impl fmt::Display for WorldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WorldKind::Sim => "sim",
            WorldKind::Tcp => "tcp",
            WorldKind::Docker => "docker",
        })
    }
}

/// The size of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterSize {
    /// PD members.
    pub pd: u32,
    /// Stores.
    pub stores: u32,
    /// Keys in each region.
    pub keys_per_region: u32,
    /// Streams a connection to a store may have open at once.
    pub max_concurrent_streams: u32,
    /// What the stores hold.
    pub mode: Mode,
    /// In which order regions list their peers.
    pub peer_order: PeerOrder,
}

impl Default for ClusterSize {
    fn default() -> Self {
        Self {
            pd: 3,
            stores: 3,
            keys_per_region: 64,
            // TiKV's server.grpc-concurrent-stream
            max_concurrent_streams: 1024,
            mode: Mode::Raw,
            peer_order: PeerOrder::Shuffled,
        }
    }
}
