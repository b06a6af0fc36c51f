//! `bandwidth`: no more bytes a second than a rate, and a burst if asked.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::Kind;
use super::stage::{End, Held, Next, Piece, Stage};
use crate::ledger::Tally;

/// How fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bandwidth {
    /// Bytes a second; at 0 nothing goes on.
    pub rate: u64,
    /// How many bytes may go on at once after a pause, beyond what the rate gives.
    pub burst: u64,
}

/// Small enough that a slow link trickles and does not spurt: as much as the rate gives in this time goes on at once.
const SLICE: Duration = Duration::from_millis(10);
/// What happens within the grain of a timer happens at once.
const GRAIN: Duration = Duration::from_millis(1);

/// A line that is either busy or free. Real timers are late: while there is something to send and somebody to take it, a
/// slice is sent when the one before it was to be sent, not when the timer came, so that the rate is true.
#[derive(Debug)]
struct Shaped {
    bandwidth: Bandwidth,
    held: Held,
    /// When each held piece came.
    came: VecDeque<Instant>,
    /// What is on the line, and when it will have been sent.
    sending: Option<(Bytes, Instant)>,
    /// When the line was free last; what it could have sent since then is saved up, as far as the burst goes.
    free: Option<Instant>,
    /// When somebody was ready to take something last.
    asked: Option<Instant>,
    /// A timer runs until `sending` is sent.
    waiting: bool,
    /// When there was room again, after there had been none.
    room: Option<Instant>,
}

impl Bandwidth {
    pub(super) fn stage(self) -> Box<dyn Stage> {
        Box::new(Shaped {
            bandwidth: self,
            held: Held::default(),
            came: VecDeque::new(),
            sending: None,
            free: None,
            asked: None,
            waiting: false,
            room: None,
        })
    }

    /// How long `bytes` take.
    fn time(self, bytes: u64) -> Duration {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.rate.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX / 4).min(u64::MAX / 4))
    }

    fn slice(self) -> usize {
        let bytes = u128::from(self.rate) * SLICE.as_nanos() / 1_000_000_000;
        usize::try_from(bytes).unwrap_or(usize::MAX).max(1)
    }
}

impl Shaped {
    /// When the line can have been free for what came at `came`.
    fn start(&self, came: Instant) -> Instant {
        let saved = self.bandwidth.time(self.bandwidth.burst);
        let earliest = came.checked_sub(saved).unwrap_or(came);
        self.free.map_or(earliest, |free| free.max(earliest))
    }

    fn unsend(&mut self, now: Instant) {
        if let Some((slice, _)) = self.sending.take() {
            self.held.unpop(Piece::Data(slice));
            self.came.push_front(now);
        }
    }
}

impl Stage for Shaped {
    fn takes(&self) -> bool {
        self.held.takes()
    }

    fn held(&self) -> usize {
        self.held.bytes() + self.sending.as_ref().map_or(0, |(slice, _)| slice.len())
    }

    fn push(&mut self, piece: Piece, now: Instant, _: &Tally) {
        // a sender that was kept waiting until now would have come when the line was free
        let kept = self.room.is_some_and(|room| now.duration_since(room) < GRAIN);
        self.came.push_back(self.free.filter(|free| kept && *free < now).unwrap_or(now));
        self.held.push(piece);
    }

    /// A slice goes on when it has been sent in full.
    fn next(&mut self, now: Instant, tally: &Tally) -> Next {
        let steady = self.waiting || self.asked.is_some_and(|asked| now.duration_since(asked) < GRAIN);
        (self.asked, self.waiting) = (Some(now), false);
        let full = !self.takes();
        if self.sending.is_none() && self.bandwidth.rate > 0 {
            let Some(piece) = self.held.pop() else { return Next::Idle(None) };
            let came = self.came.pop_front().expect("each piece came at some time");
            let Piece::Data(mut bytes) = piece else { return Next::Piece(piece) };
            let slice = bytes.split_to(bytes.len().min(self.bandwidth.slice()));
            if !bytes.is_empty() {
                self.held.unpop(Piece::Data(bytes));
                self.came.push_front(came);
            }
            let sent = self.start(if steady { came } else { now }) + self.bandwidth.time(slice.len() as u64);
            self.sending = Some((slice, sent));
        }
        if full && self.takes() {
            self.room = Some(now);
        }
        if let Some((slice, sent)) = self.sending.take_if(|(_, sent)| *sent <= now) {
            self.free = Some(sent);
            tally.delayed(1);
            return Next::Piece(Piece::Data(slice));
        }
        self.waiting = self.sending.is_some();
        Next::Idle(self.sending.as_ref().map(|(_, sent)| *sent))
    }

    /// What is on the line is sent at the new rate.
    fn update(&mut self, kind: &Kind, now: Instant) {
        let Kind::Bandwidth(bandwidth) = kind else { return };
        self.bandwidth = *bandwidth;
        self.unsend(now);
        self.free = Some(now);
        self.waiting = false;
    }

    fn dissolve(mut self: Box<Self>) -> Result<VecDeque<Piece>, End> {
        if let Some((slice, _)) = self.sending.take() {
            self.held.unpop(Piece::Data(slice));
        }
        Ok(self.held.into_pieces())
    }
}
