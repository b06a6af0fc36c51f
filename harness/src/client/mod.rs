//! What is under test, and what it is given.
//!
//! * [`ctx`]: cancellation and deadlines as Go has them
//! * [`grpc`]: a gRPC client with grpc-go's semantics, on the real h2
//! * `chan`: Go's unbuffered channel
//! * [`pd`]: PD clients over it
//! * [`lightning`], [`br`], [`kv`]: models of the reported clients, with their real constants
//! * [`load`]: who asks PD the same again and again, through models of its client
//! * [`program`]: any program; [`outside`]: what such a client needs besides
//! * [`own`]: an async function of your own
//! * [`connector`]: the case's network for tonic and hyper

pub mod br;
mod chan;
pub mod connector;
pub mod ctx;
pub mod grpc;
pub mod kv;
pub mod lightning;
pub mod load;
pub mod outside;
pub mod own;
pub mod pd;
pub mod program;
pub mod scale;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use fake_tikv::Observed;
use unstuck_net::Net;
use unstuck_record::Work;

use crate::probe::meter::Counts;
use crate::probe::{Joinable, Meter, Tasks};
pub use connector::Connector;
pub use outside::{Inside, Left, Outside};
pub use own::Own;
pub use program::Program;
pub use scale::Scale;

/// A client under test.
pub trait Client: Send + Sync + std::fmt::Debug {
    /// `lightning`
    fn name(&self) -> &str;
    /// `as-reported`
    fn revision(&self) -> &str;
    /// What its progress counts: `keys`, `ranges`.
    fn unit(&self) -> &str;
    /// The timers that the verdict must know, unscaled.
    fn timers(&self) -> Timers;
    /// How fast the stores must be for the workload to take about `workload.duration` without faults.
    fn speed(&self, workload: &Workload, stores: u32) -> fake_tikv::Speed;
    /// Whether it lives outside of our process: it needs real sockets, its durations are real, and it knows its tasks
    /// itself. Told by [`Outside::end`], it ends within this time.
    fn outside(&self) -> Option<Duration> {
        None
    }
    /// Whether it can run in virtual time, on a network in memory.
    fn runs_in_sim(&self) -> bool {
        self.outside().is_none()
    }
    /// The program that it is, if it is one.
    fn program(&self) -> Option<&crate::scenario::Program> {
        None
    }
    /// Does the whole job. Every task is spawned through `env.tasks`; when the returned future ends the job has
    /// ended, and tasks that are left are aborted.
    fn run(&self, env: Env) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;
    /// Units done once or more, and units to do. Called at every sample: cheap.
    fn progress(&self, seen: &Observed, counts: &Counts) -> (u64, u64);
    /// The work as the cluster knows it, at the end.
    fn audit(&self, seen: &Observed, counts: &Counts) -> Work;
}

/// The client of this name in this revision.
pub fn find(name: &str, revision: &str) -> Option<Box<dyn Client>> {
    use br::Br;
    use kv::{Kv, Load};
    use lightning::{Lightning, Revision};
    use load::{PdLoad, TsoLoad};
    Some(match (name, revision) {
        ("lightning", "as-reported") => Box::new(Lightning::new(Revision::AsReported)),
        ("lightning", "fix-48355") => Box::new(Lightning::new(Revision::Fix48355)),
        ("lightning", "fixed") => Box::new(Lightning::new(Revision::Fixed)),
        ("br", "as-reported") => Box::new(Br { revision: br::Revision::AsReported }),
        ("br", "tidb-53926") => Box::new(Br { revision: br::Revision::Tidb53926 }),
        ("br", "fixed") => Box::new(Br { revision: br::Revision::Fixed }),
        ("pd", revision) => Box::new(PdLoad::at(revision)?),
        ("tso", revision) => Box::new(TsoLoad::at(revision)?),
        ("raw_kv", revision) => Box::new(Kv { load: Load::Raw, revision: kv::Revision::named(revision)? }),
        ("txn_kv", revision) => Box::new(Kv { load: Load::Txn, revision: kv::Revision::named(revision)? }),
        _ => return None,
    })
}

/// Why a client gave up, as it says it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

/// The timers of a client that the verdict must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// Its longest timer: deadline, keepalive, retry.
    pub longest: Duration,
    /// The longest it backs off between two attempts.
    pub backoff_cap: Duration,
    /// How long one life of its work takes before a restart begins anew; a workload is ten of these per store.
    pub restart_period: Duration,
}

/// The size and shape of the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Regions, which are the units of work; of loads, the answers.
    pub regions: u32,
    /// Batches that are sent for one region (lightning).
    pub batches: u32,
    /// Bytes of one batch (lightning); 16 KiB is send-kv-size's default.
    pub batch_bytes: usize,
    /// Concurrent jobs (lightning: 32, twice range-concurrency's default; loads: callers).
    pub workers: u32,
    /// Connections to each store (lightning: 16, range-concurrency's default).
    pub connections: u32,
    /// What the job should take without faults, about. The stores' speed follows from it.
    pub duration: Duration,
}

/// What a client is given.
#[derive(Clone, Debug)]
pub struct Env {
    /// To connect with.
    pub net: Net,
    /// The PD members, as the client sees them: behind their proxies.
    pub pd: Vec<SocketAddr>,
    /// To spawn with.
    pub tasks: Tasks,
    /// To count with.
    pub meter: Meter,
    /// To log with.
    pub log: Log,
    /// Its own seed.
    pub seed: u64,
    /// By how much to shorten timers.
    pub scale: Scale,
    /// The job.
    pub workload: Workload,
    /// For a client outside of our process.
    pub outside: Outside,
}

impl Env {
    /// Dials over the case's network, for tonic's `connect_with_connector`.
    pub fn connector(&self) -> Connector {
        Connector::new(self.net.clone())
    }
    /// Starts a task of the client. Dumps name it; when the job ends it is aborted if it still runs.
    #[track_caller]
    pub fn spawn<F>(&self, name: impl Into<String>, future: F) -> Joinable<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tasks.spawn(name, future)
    }
}

/// Where the client's log lines go: into the record.
#[derive(Clone)]
pub struct Log(Arc<dyn Fn(String) + Send + Sync>);

impl Log {
    /// Hands each line to `sink`.
    pub fn new(sink: impl Fn(String) + Send + Sync + 'static) -> Self {
        Self(Arc::new(sink))
    }
    /// Logs a line.
    pub fn line(&self, text: impl Into<String>) {
        (self.0)(text.into());
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Log")
    }
}
