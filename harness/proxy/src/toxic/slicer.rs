//! `slicer`: bytes go on in small pieces, with a pause between them if asked.

use std::collections::VecDeque;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::chance::Chance;
use super::stage::{End, Held, Next, Piece, Stage};
use super::{Invalid, Kind};
use crate::ledger::Tally;

/// How small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slicer {
    /// Bytes of a piece, at least 1.
    pub average_size: u64,
    /// How far sizes depart from it, evenly. No piece has less than a byte.
    pub size_variation: u64,
    /// Between two pieces.
    pub delay: Duration,
}

#[derive(Debug)]
struct Slicing {
    slicer: Slicer,
    chance: Chance,
    held: Held,
    /// When the next piece may go on.
    free: Option<Instant>,
    /// A piece waits for that. It is counted from there then, not from when the timer came: pauses are true on average.
    waiting: bool,
}

impl Default for Slicer {
    fn default() -> Self {
        Self { average_size: 1, size_variation: 0, delay: Duration::ZERO }
    }
}

impl Slicer {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        let is = || Invalid::OutOfRange { field: "average_size", is: "0".to_owned(), must: "at least 1" };
        (self.average_size > 0).then_some(()).ok_or_else(is)
    }

    pub(super) fn stage(self, random: ChaCha8Rng) -> Box<dyn Stage> {
        Box::new(Slicing {
            slicer: self,
            chance: Chance::new(random),
            held: Held::default(),
            free: None,
            waiting: false,
        })
    }
}

impl Slicing {
    fn size(&mut self) -> usize {
        let Slicer { average_size, size_variation, .. } = self.slicer;
        let least = average_size.saturating_sub(size_variation).max(1);
        let size = self.chance.between(least, average_size.saturating_add(size_variation).max(least));
        usize::try_from(size).unwrap_or(usize::MAX)
    }
}

impl Stage for Slicing {
    fn takes(&self) -> bool {
        self.held.takes()
    }

    fn held(&self) -> usize {
        self.held.bytes()
    }

    fn push(&mut self, piece: Piece, _: Instant, _: &Tally) {
        self.held.push(piece);
    }

    fn next(&mut self, now: Instant, tally: &Tally) -> Next {
        if let Some(free) = self.free.filter(|free| *free > now && self.held.bytes() > 0) {
            self.waiting = true;
            return Next::Idle(Some(free));
        }
        let from = self.free.filter(|_| self.waiting).unwrap_or(now);
        match self.held.pop() {
            Some(Piece::Data(mut bytes)) => {
                let slice = bytes.split_to(self.size().min(bytes.len()));
                if !bytes.is_empty() {
                    self.held.unpop(Piece::Data(bytes));
                }
                self.free = from.checked_add(self.slicer.delay);
                self.waiting = self.held.bytes() > 0;
                tally.delayed(1);
                Next::Piece(Piece::Data(slice))
            }
            Some(end) => Next::Piece(end),
            None => Next::Idle(None),
        }
    }

    fn update(&mut self, kind: &Kind, now: Instant) {
        let Kind::Slicer(slicer) = kind else { return };
        self.slicer = *slicer;
        self.free = self.free.min(now.checked_add(slicer.delay));
        self.waiting = false;
    }

    fn dissolve(self: Box<Self>) -> Result<VecDeque<Piece>, End> {
        Ok(self.held.into_pieces())
    }
}
