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

#[derive(Debug)]
struct Shaped {
    bandwidth: Bandwidth,
    held: Held,
    /// What is on the line, and when it will have been sent.
    sending: Option<(Bytes, Instant)>,
    /// When the line was free last; what it could have sent since then is saved up, as far as the burst goes.
    free: Option<Instant>,
}

impl Bandwidth {
    pub(super) fn stage(self) -> Box<dyn Stage> {
        Box::new(Shaped { bandwidth: self, held: Held::default(), sending: None, free: None })
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
    fn send(&mut self, slice: Bytes, now: Instant) {
        let saved = self.bandwidth.time(self.bandwidth.burst);
        let earliest = now.checked_sub(saved).unwrap_or(now);
        let start = self.free.map_or(earliest, |free| free.max(earliest));
        let sent = start + self.bandwidth.time(slice.len() as u64);
        self.sending = Some((slice, sent));
    }
}

impl Stage for Shaped {
    fn takes(&self) -> bool {
        self.held.takes()
    }

    fn held(&self) -> usize {
        self.held.bytes() + self.sending.as_ref().map_or(0, |(slice, _)| slice.len())
    }

    fn push(&mut self, piece: Piece, _: Instant, _: &Tally) {
        self.held.push(piece);
    }

    /// A slice goes on when it has been sent in full.
    fn next(&mut self, now: Instant, tally: &Tally) -> Next {
        if self.sending.is_none() && self.bandwidth.rate > 0 {
            match self.held.pop() {
                Some(Piece::Data(mut bytes)) => {
                    let slice = bytes.split_to(bytes.len().min(self.bandwidth.slice()));
                    if !bytes.is_empty() {
                        self.held.unpop(Piece::Data(bytes));
                    }
                    self.send(slice, now);
                }
                Some(end) => return Next::Piece(end),
                None => return Next::Idle(None),
            }
        }
        match self.sending.take_if(|(_, sent)| *sent <= now) {
            Some((slice, sent)) => {
                self.free = Some(sent);
                tally.delayed(1);
                Next::Piece(Piece::Data(slice))
            }
            None => Next::Idle(self.sending.as_ref().map(|(_, sent)| *sent)),
        }
    }

    /// What is on the line is sent at the new rate.
    fn update(&mut self, kind: &Kind, now: Instant) {
        let Kind::Bandwidth(bandwidth) = kind else { return };
        self.bandwidth = *bandwidth;
        if let Some((slice, _)) = self.sending.take() {
            self.held.unpop(Piece::Data(slice));
        }
        self.free = Some(now);
    }

    fn dissolve(mut self: Box<Self>) -> Result<VecDeque<Piece>, End> {
        if let Some((slice, _)) = self.sending.take() {
            self.held.unpop(Piece::Data(slice));
        }
        Ok(self.held.into_pieces())
    }
}
