//! `timeout`: nothing gets through, and the connection is closed after a while, counted from when the toxic met it.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::Kind;
use super::stage::{End, Next, Piece, Stage};
use crate::ledger::Tally;

/// How long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout {
    /// From the toxic's meeting with a connection to its close; zero is never.
    pub timeout: Duration,
}

#[derive(Debug)]
struct Silent {
    timeout: Duration,
    since: Option<Instant>,
    lost: bool,
}

impl Timeout {
    pub(super) fn stage(self) -> Box<dyn Stage> {
        Box::new(Silent { timeout: self.timeout, since: None, lost: false })
    }
}

impl Stage for Silent {
    fn takes(&self) -> bool {
        true
    }

    fn held(&self) -> usize {
        0
    }

    fn push(&mut self, piece: Piece, _: Instant, tally: &Tally) {
        self.lost = true;
        tally.bytes(piece.weight());
    }

    fn next(&mut self, now: Instant, _: &Tally) -> Next {
        self.since.get_or_insert(now);
        Next::Idle(self.deadline().map(|(at, _)| at))
    }

    fn deadline(&self) -> Option<(Instant, End)> {
        let since = self.since.filter(|_| !self.timeout.is_zero())?;
        Some((since.checked_add(self.timeout)?, End::Close))
    }

    fn update(&mut self, kind: &Kind, _: Instant) {
        if let Kind::Timeout(timeout) = kind {
            self.timeout = timeout.timeout;
        }
    }

    /// A stream with a hole in it is of no use to anybody.
    fn dissolve(self: Box<Self>) -> Result<VecDeque<Piece>, End> {
        if self.lost { Err(End::Close) } else { Ok(VecDeque::new()) }
    }
}
