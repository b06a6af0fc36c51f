//! `limit_data`: so many bytes go on, then both sides are sent a FIN.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::Kind;
use super::stage::{End, Held, Next, Piece, Stage};
use crate::ledger::Tally;

/// How many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitData {
    /// Of this direction, counted from when the toxic met the connection.
    pub bytes: u64,
}

#[derive(Debug)]
struct Limited {
    limit: u64,
    passed: u64,
    held: Held,
    /// Its end has gone on.
    ended: bool,
    lost: bool,
}

impl LimitData {
    pub(super) fn stage(self) -> Box<dyn Stage> {
        Box::new(Limited { limit: self.bytes, passed: 0, held: Held::default(), ended: false, lost: false })
    }
}

impl Limited {
    fn end(&mut self, tally: &Tally) -> Next {
        self.ended = true;
        self.lost = self.held.bytes() > 0;
        tally.bytes(self.held.bytes());
        tally.closed(1);
        Next::Piece(Piece::End(End::Close))
    }
}

impl Stage for Limited {
    fn takes(&self) -> bool {
        self.held.takes()
    }

    fn held(&self) -> usize {
        self.held.bytes()
    }

    fn push(&mut self, piece: Piece, _: Instant, tally: &Tally) {
        if self.ended {
            self.lost = true;
            tally.bytes(piece.weight());
        } else {
            self.held.push(piece);
        }
    }

    /// The end comes with the last byte that goes on, whether or not another one follows; with a limit of 0, in place of the first.
    fn next(&mut self, _: Instant, tally: &Tally) -> Next {
        if self.ended {
            return Next::Idle(None);
        }
        let left = self.limit.saturating_sub(self.passed);
        if left == 0 && self.passed > 0 {
            return self.end(tally);
        }
        match self.held.pop() {
            Some(data @ Piece::Data(_)) if left == 0 => {
                self.held.unpop(data);
                self.end(tally)
            }
            Some(Piece::Data(mut bytes)) => {
                let goes = bytes.split_to(usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len()));
                if !bytes.is_empty() {
                    self.held.unpop(Piece::Data(bytes));
                }
                self.passed += goes.len() as u64;
                Next::Piece(Piece::Data(goes))
            }
            Some(end) => Next::Piece(end),
            None => Next::Idle(None),
        }
    }

    fn update(&mut self, kind: &Kind, _: Instant) {
        if let Kind::LimitData(limit) = kind {
            self.limit = limit.bytes;
        }
    }

    fn dissolve(self: Box<Self>) -> Result<VecDeque<Piece>, End> {
        if self.lost { Err(End::Close) } else { Ok(self.held.into_pieces()) }
    }
}
