//! `latency`: each chunk goes on later, in order. Chunks travel side by side: a burst is late once, not once a chunk.

use std::collections::VecDeque;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::chance::{Chance, Distribution};
use super::line::Line;
use super::stage::{End, Next, Piece, Stage};
use super::{Invalid, Kind, invalid};
use crate::ledger::Tally;

/// How late.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Latency {
    /// The mean.
    pub latency: Duration,
    /// How far chunks depart from it, each by a draw of its own. What would be before its time goes on at once.
    pub jitter: Duration,
    /// How these departures are spread.
    pub distribution: Distribution,
    /// How much a departure resembles the last one, 0 to 1.
    pub correlation: f64,
}

#[derive(Debug)]
struct Late {
    latency: Latency,
    chance: Chance,
    line: Line,
}

impl Latency {
    /// Always the same.
    pub fn of(latency: Duration) -> Self {
        Self { latency, ..Self::default() }
    }

    pub(super) fn check(&self) -> Result<(), Invalid> {
        invalid::share("correlation", self.correlation)
    }

    pub(super) fn stage(self, random: ChaCha8Rng) -> Box<dyn Stage> {
        Box::new(Late { latency: self, chance: Chance::new(random), line: Line::default() })
    }

    fn delay(&self, chance: &mut Chance) -> Duration {
        if self.jitter.is_zero() {
            return self.latency;
        }
        let departure = chance.departure(self.distribution, self.correlation) * self.jitter.as_secs_f64();
        let by = Duration::try_from_secs_f64(departure.abs()).unwrap_or(Duration::MAX);
        if departure < 0.0 { self.latency.saturating_sub(by) } else { self.latency.saturating_add(by) }
    }
}

impl Stage for Late {
    fn takes(&self) -> bool {
        self.line.takes()
    }

    fn held(&self) -> usize {
        self.line.held()
    }

    fn push(&mut self, piece: Piece, now: Instant, tally: &Tally) {
        let delay = self.latency.delay(&mut self.chance);
        tally.delayed(usize::from(self.line.push(piece, delay, now)));
    }

    fn next(&mut self, now: Instant, _: &Tally) -> Next {
        self.line.next(now)
    }

    /// What is on its way comes no later than it would if it were sent now.
    fn update(&mut self, kind: &Kind, now: Instant) {
        let Kind::Latency(latency) = kind else { return };
        self.latency = *latency;
        self.line.hasten(latency.latency.saturating_add(latency.jitter), now);
    }

    fn dissolve(self: Box<Self>) -> Result<VecDeque<Piece>, End> {
        Ok(self.line.into_pieces())
    }
}
