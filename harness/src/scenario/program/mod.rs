//! A program as the client under test: what `client:` says of it, resolved. Texts may hold placeholders
//! ([`placeholder`]), which only a run can fill.

pub mod placeholder;
mod read;

use std::time::Duration;

pub(crate) use read::read;

use super::client_ref::ClientRef;

/// The revision of a program that gives none.
pub const REVISION: &str = "program";

/// A program as the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// What it is called in selectors and reports.
    pub name: String,
    /// Which version or build it is.
    pub revision: String,
    /// The line of `client:` in its file, from 1.
    pub line: u32,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Environment variables besides the harness's own.
    pub env: Vec<(String, String)>,
    /// Where it runs; `None`: an empty folder that is gone afterwards.
    pub work_dir: Option<String>,
    /// When it counts as started, and how long that may take.
    pub ready: Option<(Ready, Duration)>,
    /// Where its progress is read.
    pub progress: Progress,
    /// Where its dumps come from, and when.
    pub dump: Dump,
    /// How it is asked to end.
    pub shutdown: Shutdown,
    /// Its longest timer.
    pub longest_timer: Duration,
    /// The longest it waits between two attempts.
    pub backoff_cap: Duration,
    /// Whether its work is done when the progress reaches the total, rather than at exit code 0.
    pub completes_by_progress: bool,
    /// By how much the durations of the cases are divided.
    pub scale: u32,
    /// How many of it run at once.
    pub copies: u32,
    /// When it is ended and started again.
    pub restarts: Restarts,
    /// Programs that run beside it.
    pub beside: Vec<Program>,
}

/// When a program is ended and started again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restarts {
    /// Since its first start, in order.
    pub at: Vec<Duration>,
    /// The signal that ends it.
    pub signal: Signal,
    /// How long it is away.
    pub pause: Duration,
}

/// When a program counts as started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    /// This address accepts.
    Port(String),
    /// This URL answers 200.
    Http(String),
    /// A line of this stream matches.
    Said(Stream, String),
}

/// A stream that a program prints to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// `stdout`
    pub fn name(self) -> &'static str {
        match self {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        }
    }
}

/// Where a program's progress is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The source.
    pub source: Source,
    /// How much there is to do, if that is known.
    pub total: Option<u64>,
    /// What is counted.
    pub unit: String,
    /// How often a source that must be asked is asked.
    pub every: Duration,
}

/// A source of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// What the cluster has seen.
    Cluster(Seen),
    /// A Prometheus metric at a URL; a name, perhaps with labels.
    Metric {
        /// Where it is served.
        url: String,
        /// `rows_total{kind="a"}`
        metric: String,
    },
    /// A number in a JSON document.
    Json {
        /// Where it is served.
        url: String,
        /// The JSON pointer to it.
        pointer: String,
    },
    /// The last line of a stream that matches; group `done`, perhaps `total`.
    Said(Stream, String),
    /// The last line of a file that matches.
    File {
        /// The file.
        path: String,
        /// With a group `done`, perhaps `total`.
        regex: String,
    },
}

/// What of the work a cluster sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Rows put, keys ingested and ranges backed up.
    Work,
    /// Rows put: keys, raw and transactional, each once.
    Rows,
    /// Keys ingested.
    Keys,
    /// Ranges backed up.
    Ranges,
    /// Bytes that passed the proxies.
    Bytes,
}

/// Where dumps come from; the kinds are tried in the order of the fields until one gives a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump {
    /// Go's net/http/pprof at this address, in this form (`debug=1`, `debug=2`).
    pub pprof: Option<(String, u32)>,
    /// A command that prints it.
    pub command: Option<Vec<String>>,
    /// A file that holds the latest.
    pub file: Option<String>,
    /// A signal that makes the program print it.
    pub signal: Option<(Signal, Stream)>,
    /// How often.
    pub every: Duration,
    /// How long one dump may take.
    pub within: Duration,
    /// Parts of the names of functions in which a task may wait for ever.
    pub idle: Vec<String>,
}

impl Dump {
    /// Whether there is any source.
    pub fn any(&self) -> bool {
        self.pprof.is_some() || self.command.is_some() || self.file.is_some() || self.signal.is_some()
    }
}

/// A signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "POSIX's names")]
pub enum Signal {
    Term,
    Int,
    Hup,
    Kill,
    Quit,
    Abrt,
    Usr1,
    Usr2,
}

impl Signal {
    /// Every one, with its name.
    pub const ALL: [(&'static str, Signal); 8] = [
        ("TERM", Signal::Term),
        ("INT", Signal::Int),
        ("HUP", Signal::Hup),
        ("KILL", Signal::Kill),
        ("QUIT", Signal::Quit),
        ("ABRT", Signal::Abrt),
        ("USR1", Signal::Usr1),
        ("USR2", Signal::Usr2),
    ];
    /// `TERM`
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, signal)| *signal == self).map_or("", |(name, _)| name)
    }
    /// Whether a program that prints a dump on it goes on.
    pub fn is_survived(self) -> bool {
        !matches!(self, Signal::Quit | Signal::Abrt | Signal::Kill)
    }
}

/// How a program is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// The signal, to its whole process group.
    pub signal: Signal,
    /// How long it has to end before the group is killed.
    pub grace: Duration,
}

impl Program {
    /// How the choice of clients names it.
    pub fn as_ref(&self) -> ClientRef {
        ClientRef { name: self.name.clone(), revision: self.revision.clone() }
    }
}
