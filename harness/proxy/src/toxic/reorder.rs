//! `reorder`: what a network that swaps packets does to a TCP connection. The receiver sorts them, so that all a program
//! sees is that what was overtaken comes late, and everything behind it with it.

use std::collections::VecDeque;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::chance::Chance;
use super::line::Line;
use super::stage::{End, Next, Piece, SEGMENT, Stage};
use super::{Invalid, Kind, invalid};
use crate::ledger::Tally;

/// How much is overtaken.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reorder {
    /// The share of segments, 0 to 1.
    pub rate: f64,
    /// How much a segment's luck resembles the last one's, 0 to 1.
    pub correlation: f64,
    /// How late an overtaken segment is.
    pub delay: Duration,
}

#[derive(Debug)]
struct Overtaken {
    reorder: Reorder,
    chance: Chance,
    line: Line,
}

impl Reorder {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        invalid::share("rate", self.rate)?;
        invalid::share("correlation", self.correlation)
    }

    pub(super) fn stage(self, random: ChaCha8Rng) -> Box<dyn Stage> {
        Box::new(Overtaken { reorder: self, chance: Chance::new(random), line: Line::default() })
    }
}

impl Stage for Overtaken {
    fn takes(&self) -> bool {
        self.line.takes()
    }

    fn held(&self) -> usize {
        self.line.held()
    }

    fn push(&mut self, piece: Piece, now: Instant, tally: &Tally) {
        for segment in piece.cut(SEGMENT) {
            let Reorder { rate, correlation, delay } = self.reorder;
            let delay = if self.chance.happens(rate, correlation) { delay } else { Duration::ZERO };
            tally.delayed(usize::from(self.line.push(segment, delay, now)));
        }
    }

    fn next(&mut self, now: Instant, _: &Tally) -> Next {
        self.line.next(now)
    }

    fn update(&mut self, kind: &Kind, now: Instant) {
        let Kind::Reorder(reorder) = kind else { return };
        self.reorder = *reorder;
        self.line.hasten(reorder.delay, now);
    }

    fn dissolve(self: Box<Self>) -> Result<VecDeque<Piece>, End> {
        Ok(self.line.into_pieces())
    }
}
