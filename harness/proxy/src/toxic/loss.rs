//! `loss`: what a lossy network does to a TCP connection. No byte is ever missing: a lost segment comes again after the
//! retransmission timeout, after twice as long if that is lost too, and those behind it wait.

use std::collections::VecDeque;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::chance::Chance;
use super::line::Line;
use super::stage::{End, Next, Piece, SEGMENT, Stage};
use super::{Invalid, Kind, invalid};
use crate::ledger::Tally;

/// How much is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// The share of segments, and of their retransmissions, 0 to 1.
    pub rate: f64,
    /// How much a segment's luck resembles the last one's, 0 to 1: losses come in runs.
    pub correlation: f64,
    /// From a loss to its retransmission; doubled each time.
    pub timeout: Duration,
}

/// The least timeout of Linux (`TCP_RTO_MIN`), which is that of every connection in one place.
const FIRST: Duration = Duration::from_millis(200);
/// The longest timeout of Linux (`TCP_RTO_MAX`).
const LONGEST: Duration = Duration::from_secs(120);
/// How often Linux sends a segment again (`tcp_retries2`). It would give up then; here it gets through.
const RETRIES: u32 = 15;

#[derive(Debug)]
struct Lossy {
    loss: Loss,
    chance: Chance,
    line: Line,
}

impl Default for Loss {
    fn default() -> Self {
        Self { rate: 0.0, correlation: 0.0, timeout: FIRST }
    }
}

impl Loss {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        invalid::share("rate", self.rate)?;
        invalid::share("correlation", self.correlation)
    }

    pub(super) fn stage(self, random: ChaCha8Rng) -> Box<dyn Stage> {
        Box::new(Lossy { loss: self, chance: Chance::new(random), line: Line::default() })
    }

    /// How long it takes until a segment gets through.
    fn delay(&self, chance: &mut Chance) -> Duration {
        let (mut delay, mut timeout) = (Duration::ZERO, self.timeout);
        for _ in 0..RETRIES {
            if !chance.happens(self.rate, self.correlation) {
                break;
            }
            delay = delay.saturating_add(timeout);
            timeout = timeout.saturating_mul(2).min(LONGEST.max(self.timeout));
        }
        delay
    }
}

impl Stage for Lossy {
    fn takes(&self) -> bool {
        self.line.takes()
    }

    fn held(&self) -> usize {
        self.line.held()
    }

    fn push(&mut self, piece: Piece, now: Instant, tally: &Tally) {
        for segment in piece.cut(SEGMENT) {
            let delay = self.loss.delay(&mut self.chance);
            tally.delayed(usize::from(self.line.push(segment, delay, now)));
        }
    }

    fn next(&mut self, now: Instant, _: &Tally) -> Next {
        self.line.next(now)
    }

    /// What waits to be sent again waits on, unless nothing is lost any more.
    fn update(&mut self, kind: &Kind, now: Instant) {
        let Kind::Loss(loss) = kind else { return };
        self.loss = *loss;
        if loss.rate <= 0.0 {
            self.line.hasten(Duration::ZERO, now);
        }
    }

    fn dissolve(self: Box<Self>) -> Result<VecDeque<Piece>, End> {
        Ok(self.line.into_pieces())
    }
}
