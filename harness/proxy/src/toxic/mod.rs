//! Toxics: what each is, and what it does to one direction of one connection.
//!
//! A toxic is data ([`Toxic`]). On each connection that it is to touch it becomes a [`Stage`]: a machine without sockets
//! and clocks, which is handed what arrives and the time, and asked what may go on. [`Chain`](chain::Chain) strings them
//! together in the order in which the toxics were added.
//!
//! One toxic, one file: its parameters, its stage, its tests.

pub mod bandwidth;
pub(crate) mod chain;
pub mod latency;
pub mod noop;
pub mod reset_peer;
pub(crate) mod stage;
pub mod timeout;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub use bandwidth::Bandwidth;
pub use latency::Latency;
pub use reset_peer::ResetPeer;
pub use timeout::Timeout;

use self::stage::{After, Stage, Stages};
use crate::ledger::Tally;

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
    /// In which direction.
    pub stream: Stream,
    /// The share of connections that it touches, 0 to 1; drawn once per connection and direction, when the toxic meets it.
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
    /// Nothing is done to a direction before so many bytes have passed after the toxic met it.
    pub after_bytes: u64,
    /// The toxic is taken out after this time.
    pub during: Option<Duration>,
}

/// What a toxic does.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Nothing.
    Noop,
    /// Late, in order.
    Latency(Latency),
    /// No faster than a rate.
    Bandwidth(Bandwidth),
    /// Silence, then the end.
    Timeout(Timeout),
    /// RST to both sides.
    ResetPeer(ResetPeer),
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
#[derive(Debug)]
pub(crate) struct InForce {
    /// Its number on the link, from 1, in the order in which toxics were added.
    pub(crate) id: u64,
    /// How often it was changed.
    pub(crate) revision: u64,
    pub(crate) toxic: Toxic,
    pub(crate) tally: Arc<Tally>,
}

// === impl Toxic ===

impl Toxic {
    /// `kind` on every connection, downstream.
    pub fn new(kind: Kind) -> Self {
        Self { kind, stream: Stream::default(), toxicity: 1.0, only: Only::default() }
    }

    /// What it does to one connection, up and down; nothing if the draw or a limit passes the connection by.
    pub(crate) fn stages(&self, met: &Meeting) -> Stages {
        let mut draw = ChaCha8Rng::from_seed(met.seed);
        // drawn whatever the limits, so that a limit changes nobody else's luck
        let drawn = draw.random::<f64>() < self.toxicity;
        if !drawn || !self.only.admits(met) {
            return Stages::default();
        }
        let stage = self.kind.stage(draw);
        let stage: Box<dyn Stage> = match self.only.after_bytes {
            0 => stage,
            bytes => Box::new(After::new(bytes, stage)),
        };
        match self.stream {
            Stream::Upstream => Stages { up: Some(stage), down: None },
            Stream::Downstream => Stages { up: None, down: Some(stage) },
        }
    }
}

impl Kind {
    /// `random` is the stage's own.
    fn stage(&self, random: ChaCha8Rng) -> Box<dyn Stage> {
        match self {
            Kind::Noop => Box::new(noop::Passing::default()),
            Kind::Latency(latency) => latency.stage(random),
            Kind::Bandwidth(bandwidth) => bandwidth.stage(),
            Kind::Timeout(timeout) => timeout.stage(),
            Kind::ResetPeer(reset) => reset.stage(),
        }
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
