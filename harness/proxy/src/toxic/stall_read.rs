//! `stall_read`: nothing is taken off the sender, whose buffers fill. What had been taken before goes on. `freeze` is
//! this in both directions.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::Kind;
use super::noop::Passing;
use super::stage::{End, Next, Piece, Stage};
use crate::ledger::Tally;

#[derive(Debug, Default)]
pub(crate) struct Stalled {
    passing: Passing,
}

impl Stage for Stalled {
    fn takes(&self) -> bool {
        false
    }

    fn stalls(&self) -> bool {
        true
    }

    fn held(&self) -> usize {
        self.passing.held()
    }

    /// The stages before it have taken this earlier.
    fn push(&mut self, piece: Piece, now: Instant, tally: &Tally) {
        tally.bytes(piece.weight());
        self.passing.push(piece, now, tally);
    }

    fn next(&mut self, _: Instant, _: &Tally) -> Next {
        Next::Idle(None)
    }

    fn update(&mut self, _: &Kind, _: Instant) {}

    fn dissolve(self: Box<Self>) -> Result<VecDeque<Piece>, End> {
        Box::new(self.passing).dissolve()
    }
}
