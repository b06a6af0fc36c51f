//! `slow_close`: the end of a direction comes late; its bytes do not.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::Kind;
use super::line::Line;
use super::stage::{End, Next, Piece, Stage};
use crate::ledger::Tally;

/// How late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlowClose {
    /// From the sender's FIN or RST until it goes on.
    pub delay: Duration,
}

#[derive(Debug)]
struct Lingering {
    delay: Duration,
    line: Line,
}

impl SlowClose {
    pub(super) fn stage(self) -> Box<dyn Stage> {
        Box::new(Lingering { delay: self.delay, line: Line::default() })
    }
}

impl Stage for Lingering {
    fn takes(&self) -> bool {
        self.line.takes()
    }

    fn held(&self) -> usize {
        self.line.held()
    }

    fn push(&mut self, piece: Piece, now: Instant, tally: &Tally) {
        let delay = if let Piece::End(_) = piece { self.delay } else { Duration::ZERO };
        tally.delayed(usize::from(self.line.push(piece, delay, now)));
    }

    fn next(&mut self, now: Instant, _: &Tally) -> Next {
        self.line.next(now)
    }

    fn update(&mut self, kind: &Kind, now: Instant) {
        let Kind::SlowClose(slow) = kind else { return };
        self.delay = slow.delay;
        self.line.hasten(slow.delay, now);
    }

    fn dissolve(self: Box<Self>) -> Result<VecDeque<Piece>, End> {
        Ok(self.line.into_pieces())
    }
}
