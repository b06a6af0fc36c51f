//! `half_open`: the node's end is closed at once, the client's is left open and silent.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::Kind;
use super::noop::Passing;
use super::stage::{End, Next, Piece, Stage};
use crate::ledger::Tally;

#[derive(Debug, Default)]
pub(crate) struct Cut {
    since: Option<Instant>,
    passing: Passing,
}

impl Stage for Cut {
    fn begin(&mut self, now: Instant) {
        self.since = Some(now);
    }

    fn takes(&self) -> bool {
        self.passing.takes()
    }

    fn held(&self) -> usize {
        self.passing.held()
    }

    fn push(&mut self, piece: Piece, now: Instant, tally: &Tally) {
        self.passing.push(piece, now, tally);
    }

    fn next(&mut self, now: Instant, tally: &Tally) -> Next {
        self.passing.next(now, tally)
    }

    fn deadline(&self) -> Option<(Instant, End)> {
        Some((self.since?, End::HalfOpen))
    }

    fn update(&mut self, _: &Kind, _: Instant) {}

    fn dissolve(self: Box<Self>) -> Result<VecDeque<Piece>, End> {
        Box::new(self.passing).dissolve()
    }
}
