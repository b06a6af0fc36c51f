//! `corrupt`: bytes arrive altered, in a way that no checksum of the network notices. Which ones and how follows from
//! the seed and their place in the direction, however they are cut into chunks.

use std::collections::VecDeque;

use bytes::BytesMut;
use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::chance::Chance;
use super::stage::{End, Held, Next, Piece, Stage};
use super::{Invalid, Kind, invalid};
use crate::ledger::Tally;

/// How much is altered.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Corrupt {
    /// The share of bytes, 0 to 1. An altered byte is never what it was.
    pub rate: f64,
}

#[derive(Debug)]
struct Altering {
    rate: f64,
    chance: Chance,
    /// How many bytes go by before the next to be altered.
    gap: u64,
    held: Held,
}

impl Corrupt {
    pub(super) fn check(self) -> Result<(), Invalid> {
        invalid::share("rate", self.rate)
    }

    pub(super) fn stage(self, random: ChaCha8Rng) -> Box<dyn Stage> {
        let mut chance = Chance::new(random);
        let gap = chance.gap(self.rate);
        Box::new(Altering { rate: self.rate, chance, gap, held: Held::default() })
    }
}

impl Stage for Altering {
    fn takes(&self) -> bool {
        self.held.takes()
    }

    fn held(&self) -> usize {
        self.held.bytes()
    }

    fn push(&mut self, piece: Piece, _: Instant, tally: &Tally) {
        let Piece::Data(bytes) = piece else { return self.held.push(piece) };
        let count = bytes.len() as u64;
        if self.gap >= count {
            self.gap -= count;
            return self.held.push(Piece::Data(bytes));
        }
        let mut bytes = BytesMut::from(bytes);
        let mut at = 0;
        while self.gap < count - at {
            at += self.gap;
            bytes[usize::try_from(at).expect("it is within the chunk")] ^= self.chance.byte();
            at += 1;
            self.gap = self.chance.gap(self.rate);
            tally.bytes(1);
        }
        self.gap -= count - at;
        self.held.push(Piece::Data(bytes.freeze()));
    }

    fn next(&mut self, _: Instant, _: &Tally) -> Next {
        self.held.pop().map_or(Next::Idle(None), Next::Piece)
    }

    fn update(&mut self, kind: &Kind, _: Instant) {
        let Kind::Corrupt(corrupt) = kind else { return };
        self.rate = corrupt.rate;
        self.gap = self.chance.gap(self.rate);
    }

    fn dissolve(self: Box<Self>) -> Result<VecDeque<Piece>, End> {
        Ok(self.held.into_pieces())
    }
}
