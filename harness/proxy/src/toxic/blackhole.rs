//! `blackhole`: nothing goes on, not even an end. A buffer's worth is taken off the sender, then nothing more; when the
//! toxic is taken out, all of it goes on.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::Kind;
use super::stage::{End, Held, Next, Piece, Stage};
use crate::ledger::Tally;

#[derive(Debug, Default)]
pub(crate) struct Silent {
    held: Held,
}

impl Stage for Silent {
    fn takes(&self) -> bool {
        self.held.takes()
    }

    fn held(&self) -> usize {
        self.held.bytes()
    }

    fn push(&mut self, piece: Piece, _: Instant, tally: &Tally) {
        tally.bytes(piece.weight());
        self.held.push(piece);
    }

    fn next(&mut self, _: Instant, _: &Tally) -> Next {
        Next::Idle(None)
    }

    fn update(&mut self, _: &Kind, _: Instant) {}

    fn dissolve(self: Box<Self>) -> Result<VecDeque<Piece>, End> {
        Ok(self.held.into_pieces())
    }
}
