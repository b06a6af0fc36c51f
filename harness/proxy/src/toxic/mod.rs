//! Toxics: what each is, and what it does to one direction of one connection.
//!
//! A toxic is data ([`Toxic`]). On each connection that it touches it becomes a [`Stage`] in one direction or both: a
//! machine without sockets and clocks, which is handed what arrives and the time, and asked what may go on.
//! [`Chain`](chain::Chain) strings them together in the order in which the toxics were added. Two kinds have no stage
//! and stand at the door: [`Kind::Refuse`] and [`Kind::ConnectHang`]. Those of [`h2`] share one stage a direction.
//!
//! One toxic, one file: its parameters, its stage, its tests. What several are made of:
//!
//! * [`chance`]: seeded draws, correlated and not
//! * [`stage`]: what a stage is; pieces that wait; a stage that begins later
//! * [`line`]: pieces on their way, each with its time
//! * [`chain`]: the stages of one direction

pub mod bandwidth;
pub(crate) mod blackhole;
pub(crate) mod chain;
pub mod chance;
pub mod corrupt;
pub mod h2;
pub(crate) mod half_open;
pub mod invalid;
pub mod latency;
pub mod limit_data;
pub(crate) mod line;
pub mod loss;
#[cfg(test)]
mod machine;
pub(crate) mod noop;
pub mod reorder;
pub mod reset_peer;
pub mod slicer;
pub mod slow_close;
pub(crate) mod stage;
pub(crate) mod stall_read;
pub mod timeout;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

pub use bandwidth::Bandwidth;
pub use chance::Distribution;
pub use corrupt::Corrupt;
pub use h2::H2;
pub use invalid::Invalid;
pub use latency::Latency;
pub use limit_data::LimitData;
pub use loss::Loss;
pub use reorder::Reorder;
pub use reset_peer::ResetPeer;
pub use slicer::Slicer;
pub use slow_close::SlowClose;
pub use timeout::Timeout;

use self::stage::{After, Stage, Stages};
use crate::ledger::{Cause, Tally};

/// A direction, by Toxiproxy's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stream {
    /// From the client to the node.
    Upstream,
    /// From the node to the client.
    #[default]
    Downstream,
}

/// Something wrong with a link.
#[derive(Clone, Debug, PartialEq)]
pub struct Toxic {
    /// What.
    pub kind: Kind,
    /// In which direction; of no consequence to kinds that concern the whole connection (see [`Kind`]).
    pub stream: Stream,
    /// The share of connections that it touches, 0 to 1. Each connection draws its luck once and keeps it: a change of
    /// the share touches more of them or fewer, never others.
    pub toxicity: f64,
    /// Which of these it touches.
    pub only: Only,
}

/// What a toxic is limited to. The default is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Only {
    /// The connection with this number on its link, from 1.
    pub connection: Option<u64>,
    /// Connections from this address; any port if it is 0.
    pub client: Option<SocketAddr>,
    /// Nothing is done to a direction before so many bytes have passed after the toxic met it. What acts on new
    /// connections knows no such limit.
    pub after_bytes: u64,
    /// The toxic is taken out after this time, counted from when it was added.
    pub during: Option<Duration>,
}

/// What a toxic does. In a direction, if nothing else is said.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Nothing.
    Noop,
    /// Late, in order.
    Latency(Latency),
    /// No faster than a rate.
    Bandwidth(Bandwidth),
    /// The FIN, or the RST, comes late.
    SlowClose(SlowClose),
    /// What is sent is thrown away; the connection ends after a while.
    Timeout(Timeout),
    /// RST to both sides.
    ResetPeer(ResetPeer),
    /// In small pieces.
    Slicer(Slicer),
    /// FIN to both sides after so many bytes.
    LimitData(LimitData),
    /// Silence, without an end; what is held goes on when the toxic is taken out.
    Blackhole,
    /// Nothing is read from the sender, whose buffers fill.
    StallRead,
    /// Both directions: nothing is read, as if the other side's process were stopped; new connections are accepted
    /// and nothing more. All goes on where it was when the toxic is taken out.
    Freeze,
    /// The whole connection: the node's end is closed, the client's stays open and silent. RST, as a host answers that has
    /// started anew, when the toxic is taken out.
    HalfOpen,
    /// New connections are refused. With a toxicity below 1, or for some connections only, they are accepted and reset: which
    /// they are is known no earlier.
    Refuse,
    /// New connections hang: their SYNs are dropped. Where that cannot be done (outside of the sim and of Linux, with a
    /// toxicity below 1, or for some connections only) they are accepted and stay silent.
    ConnectHang,
    /// Segments are lost and sent again later; those behind them wait.
    Loss(Loss),
    /// Segments are overtaken, which a TCP receiver sees as a delay of those behind them.
    Reorder(Reorder),
    /// Bytes arrive altered.
    Corrupt(Corrupt),
    /// What is done to HTTP/2. It acts before all toxics that know bytes only, whatever the order.
    H2(H2),
}

/// One connection as a toxic meets it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meeting {
    /// The connection's number on its link.
    pub(crate) connection: u64,
    pub(crate) client: SocketAddr,
    /// The link's seed, split by connection and toxic.
    pub(crate) seed: [u8; 32],
}

/// A toxic on its link.
#[derive(Clone, Debug)]
pub(crate) struct InForce {
    /// Its number on the link, from 1, in the order in which toxics were added.
    pub(crate) id: u64,
    /// How often it was changed.
    pub(crate) revision: u64,
    pub(crate) toxic: Toxic,
    /// Whose it is, and whose the evidence.
    pub(crate) cause: Cause,
    pub(crate) tally: Arc<Tally>,
    pub(crate) since: Instant,
    /// Its time is over.
    pub(crate) over: bool,
}

// === impl Toxic ===

impl Toxic {
    /// `kind` on every connection, downstream.
    pub fn new(kind: Kind) -> Self {
        Self { kind, stream: Stream::default(), toxicity: 1.0, only: Only::default() }
    }

    /// The same, from the client to the node.
    #[must_use]
    pub fn upstream(self) -> Self {
        Self { stream: Stream::Upstream, ..self }
    }

    /// The same on a clock that runs `by` times as fast (at least 1).
    pub fn scaled(&self, by: u32) -> Self {
        let by = by.max(1);
        let only = Only { during: self.only.during.map(|during| during / by), ..self.only };
        Self { kind: self.kind.clone().scaled(by), only, ..self.clone() }
    }

    /// What is wrong with it, if anything.
    pub fn check(&self) -> Result<(), Invalid> {
        invalid::share("toxicity", self.toxicity)?;
        if self.kind.door().is_some() && self.only.after_bytes > 0 {
            return Err(Invalid::NoBytesYet { kind: self.kind.name() });
        }
        self.kind.check()
    }

    /// What it does to every new connection at the door.
    pub(crate) fn door(&self) -> Option<Door> {
        let everybody = self.toxicity >= 1.0 && self.only.connection.is_none() && self.only.client.is_none();
        self.kind.door().filter(|_| everybody)
    }

    /// Whether it touches this connection.
    pub(crate) fn touches(&self, met: &Meeting) -> bool {
        met.luck().0 < self.toxicity && self.only.admits(met)
    }

    /// What it does to the bytes of a connection that it touches.
    pub(crate) fn stages(&self, met: &Meeting) -> Stages {
        let Stages { up, down } = self.kind.stages(self.stream, met.luck().1);
        let later = |stage: Box<dyn Stage>| -> Box<dyn Stage> {
            match self.only.after_bytes {
                0 => stage,
                bytes => Box::new(After::new(bytes, stage)),
            }
        };
        Stages { up: up.map(later), down: down.map(later) }
    }
}

/// What a toxic does to new connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Refuse,
    Hang,
}

impl Kind {
    /// Its name, as Toxiproxy writes it: `reset_peer`.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Noop => "noop",
            Kind::Latency(_) => "latency",
            Kind::Bandwidth(_) => "bandwidth",
            Kind::SlowClose(_) => "slow_close",
            Kind::Timeout(_) => "timeout",
            Kind::ResetPeer(_) => "reset_peer",
            Kind::Slicer(_) => "slicer",
            Kind::LimitData(_) => "limit_data",
            Kind::Blackhole => "blackhole",
            Kind::StallRead => "stall_read",
            Kind::Freeze => "freeze",
            Kind::HalfOpen => "half_open",
            Kind::Refuse => "refuse",
            Kind::ConnectHang => "connect_hang",
            Kind::Loss(_) => "loss",
            Kind::Reorder(_) => "reorder",
            Kind::Corrupt(_) => "corrupt",
            Kind::H2(what) => what.name(),
        }
    }

    fn check(&self) -> Result<(), Invalid> {
        match self {
            Kind::Latency(latency) => latency.check(),
            Kind::Slicer(slicer) => slicer.check(),
            Kind::Loss(loss) => loss.check(),
            Kind::Reorder(reorder) => reorder.check(),
            Kind::Corrupt(corrupt) => corrupt.check(),
            _ => Ok(()),
        }
    }

    fn scaled(self, by: u32) -> Self {
        match self {
            Kind::Latency(of) => {
                Kind::Latency(Latency { latency: of.latency / by, jitter: of.jitter / by, ..of })
            }
            Kind::Bandwidth(of) => {
                Kind::Bandwidth(Bandwidth { rate: of.rate.saturating_mul(u64::from(by)), ..of })
            }
            Kind::SlowClose(of) => Kind::SlowClose(SlowClose { delay: of.delay / by }),
            Kind::Timeout(of) => Kind::Timeout(Timeout { timeout: of.timeout / by }),
            Kind::ResetPeer(of) => Kind::ResetPeer(ResetPeer { timeout: of.timeout / by }),
            Kind::Slicer(of) => Kind::Slicer(Slicer { delay: of.delay / by, ..of }),
            Kind::Loss(of) => Kind::Loss(Loss { timeout: of.timeout / by, ..of }),
            Kind::Reorder(of) => Kind::Reorder(Reorder { delay: of.delay / by, ..of }),
            Kind::H2(of) => Kind::H2(of.scaled(by)),
            kind => kind,
        }
    }

    fn door(&self) -> Option<Door> {
        match self {
            Kind::Refuse => Some(Door::Refuse),
            Kind::ConnectHang => Some(Door::Hang),
            _ => None,
        }
    }

    /// `random` is the stages' own.
    fn stages(&self, stream: Stream, random: ChaCha8Rng) -> Stages {
        let stage: Box<dyn Stage> = match *self {
            Kind::Noop => Box::new(noop::Passing::default()),
            Kind::Latency(latency) => latency.stage(random),
            Kind::Bandwidth(bandwidth) => bandwidth.stage(),
            Kind::SlowClose(slow) => slow.stage(),
            Kind::Timeout(timeout) => timeout.stage(),
            Kind::ResetPeer(reset) => reset.stage(),
            Kind::Slicer(slicer) => slicer.stage(random),
            Kind::LimitData(limit) => limit.stage(),
            Kind::Blackhole => Box::new(blackhole::Silent::default()),
            Kind::StallRead => Box::new(stall_read::Stalled::default()),
            Kind::Freeze => {
                let stalled = || -> Box<dyn Stage> { Box::new(stall_read::Stalled::default()) };
                return Stages { up: Some(stalled()), down: Some(stalled()) };
            }
            Kind::HalfOpen => Box::new(half_open::Cut::default()),
            Kind::Refuse | Kind::ConnectHang | Kind::H2(_) => return Stages::default(),
            Kind::Loss(loss) => loss.stage(random),
            Kind::Reorder(reorder) => reorder.stage(random),
            Kind::Corrupt(corrupt) => corrupt.stage(random),
        };
        match stream {
            Stream::Upstream => Stages { up: Some(stage), down: None },
            Stream::Downstream => Stages { up: None, down: Some(stage) },
        }
    }
}

impl Meeting {
    /// The connection's luck with the toxic, and what the toxic's own draws are made from.
    fn luck(&self) -> (f64, ChaCha8Rng) {
        let mut random = ChaCha8Rng::from_seed(self.seed);
        (random.random(), random)
    }
}

impl Only {
    fn admits(&self, met: &Meeting) -> bool {
        let same = |ip: IpAddr| ip.to_canonical() == met.client.ip().to_canonical();
        self.connection.is_none_or(|number| number == met.connection)
            && self
                .client
                .is_none_or(|at| same(at.ip()) && (at.port() == 0 || at.port() == met.client.port()))
    }
}

impl InForce {
    /// When it is to be taken out.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.since.checked_add(self.toxic.only.during?).filter(|_| !self.over)
    }
}
