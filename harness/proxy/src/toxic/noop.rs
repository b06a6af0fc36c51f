//! `noop`: passes everything on.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::Kind;
use super::stage::{End, Held, Next, Piece, Stage};
use crate::ledger::Tally;

/// Hands on what it is handed.
#[derive(Debug, Default)]
pub(crate) struct Passing {
    held: Held,
}

impl Stage for Passing {
    fn takes(&self) -> bool {
        self.held.takes()
    }

    fn held(&self) -> usize {
        self.held.bytes()
    }

    fn push(&mut self, piece: Piece, _: Instant, _: &Tally) {
        self.held.push(piece);
    }

    fn next(&mut self, _: Instant, _: &Tally) -> Next {
        self.held.pop().map_or(Next::Idle(None), Next::Piece)
    }

    fn update(&mut self, _: &Kind, _: Instant) {}

    fn dissolve(self: Box<Self>) -> Result<VecDeque<Piece>, End> {
        Ok(self.held.into_pieces())
    }
}
