//! Pieces on their way, each with its time. None overtakes another: whatever is behind a late one waits for it.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::stage::{CAPACITY, Held, Next, Piece};

/// The most bytes on their way at once: about the largest window that Linux opens by itself, so that a long line is as
/// fast as a short one until a real one would not be.
const WINDOW: usize = 4 << 20;
/// Longer than any run; a delay beyond it cannot be added to an [`Instant`] everywhere.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A line from one end to the other.
#[derive(Debug)]
pub(crate) struct Line {
    held: Held,
    /// When each piece may go on; these never fall.
    due: VecDeque<Instant>,
    /// The time as it was handed in last.
    now: Option<Instant>,
}

// === impl Line ===

impl Default for Line {
    fn default() -> Self {
        Self { held: Held::up_to(WINDOW), due: VecDeque::new(), now: None }
    }
}

impl Line {
    /// What has arrived and is not fetched is bounded as everywhere else.
    pub(crate) fn takes(&self) -> bool {
        let under_way = self.due.front() > self.now.as_ref();
        self.held.takes() && (under_way || self.held.bytes() < CAPACITY)
    }

    pub(crate) fn held(&self) -> usize {
        self.held.bytes()
    }

    /// A piece that takes so long, or longer if those before it do. Whether it is late at all.
    pub(crate) fn push(&mut self, piece: Piece, delay: Duration, now: Instant) -> bool {
        self.now = Some(now);
        let due = now + delay.min(FOREVER);
        let due = self.due.back().map_or(due, |last| due.max(*last));
        self.due.push_back(due);
        self.held.push(piece);
        due > now
    }

    pub(crate) fn next(&mut self, now: Instant) -> Next {
        self.now = Some(now);
        match self.due.front() {
            Some(due) if *due <= now => {
                self.due.pop_front();
                Next::Piece(self.held.pop().expect("each piece has its time"))
            }
            due => Next::Idle(due.copied()),
        }
    }

    /// Nothing takes longer than `most` from now.
    pub(crate) fn hasten(&mut self, most: Duration, now: Instant) {
        let limit = now + most.min(FOREVER);
        self.due.iter_mut().for_each(|due| *due = limit.min(*due));
    }

    pub(crate) fn into_pieces(self) -> VecDeque<Piece> {
        self.held.into_pieces()
    }
}
