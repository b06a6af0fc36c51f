//! `reset_peer`: RST to both sides, of idle connections too, after a while, counted from when the toxic met them.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::Kind;
use super::noop::Passing;
use super::stage::{End, Next, Piece, Stage};
use crate::ledger::Tally;

/// When.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResetPeer {
    /// From the toxic's meeting with a connection to its reset; until then all goes through.
    pub timeout: Duration,
}

#[derive(Debug)]
struct Doomed {
    timeout: Duration,
    since: Option<Instant>,
    passing: Passing,
}

impl ResetPeer {
    pub(super) fn stage(self) -> Box<dyn Stage> {
        Box::new(Doomed { timeout: self.timeout, since: None, passing: Passing::default() })
    }
}

impl Stage for Doomed {
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
        self.since.get_or_insert(now);
        match self.passing.next(now, tally) {
            Next::Idle(_) => Next::Idle(self.deadline().map(|(at, _)| at)),
            piece @ Next::Piece(_) => piece,
        }
    }

    fn deadline(&self) -> Option<(Instant, End)> {
        Some((self.since?.checked_add(self.timeout)?, End::Reset))
    }

    fn update(&mut self, kind: &Kind, _: Instant) {
        if let Kind::ResetPeer(reset) = kind {
            self.timeout = reset.timeout;
        }
    }

    fn dissolve(self: Box<Self>) -> Result<VecDeque<Piece>, End> {
        Box::new(self.passing).dissolve()
    }
}
