//! One toxic at work on one direction of one connection.

use std::collections::VecDeque;
use std::fmt::Debug;

use bytes::Bytes;
use tokio::time::Instant;

use super::Kind;
use crate::ledger::Tally;

/// The most bytes that a stage holds before it takes nothing more, give or take one piece.
pub(crate) const CAPACITY: usize = 64 << 10;

/// What travels through a chain, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Bytes, at least one.
    Data(Bytes),
    /// The last piece.
    End(End),
}

/// How a direction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The sender's FIN: the other direction goes on.
    Fin,
    /// The sender's RST.
    Rst,
    /// A toxic closes the connection: FIN to both sides.
    Close,
    /// A toxic resets the connection: RST to both sides.
    Reset,
}

/// What a stage has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// This goes on now.
    Piece(Piece),
    /// Nothing before this time, or, without one, before it is handed something.
    Idle(Option<Instant>),
}

/// A machine without sockets or clocks. Time is only ever handed to it, and never falls.
///
/// A stage that alters nothing keeps the order and loses nothing. Whatever it does to the bytes it credits to the tally.
pub(crate) trait Stage: Debug + Send {
    /// Whether it may be handed data. Ends may be handed to it always; behind a FIN there may come an RST, and nothing else.
    fn takes(&self) -> bool;

    /// Bytes that it has taken in and not handed on. An end counts as one.
    fn held(&self) -> usize;

    /// Takes in what comes from the sender's side.
    fn push(&mut self, piece: Piece, now: Instant, tally: &Tally);

    /// What may go on to the receiver's side. Asked again until it is idle, unless the receiver's side is full.
    fn next(&mut self, now: Instant, tally: &Tally) -> Next;

    /// When the whole connection is to end, whatever is in the way, and how.
    fn deadline(&self) -> Option<(Instant, End)> {
        None
    }

    /// The toxic has other parameters, of the same kind. What the stage holds stays.
    fn update(&mut self, kind: &Kind, now: Instant);

    /// The toxic is gone: what is held goes on at once. `Err` if bytes were lost, so that the connection has to end.
    fn dissolve(self: Box<Self>) -> Result<VecDeque<Piece>, End>;
}

/// What a toxic does to one connection.
#[derive(Debug, Default)]
pub(crate) struct Stages {
    pub(crate) up: Option<Box<dyn Stage>>,
    pub(crate) down: Option<Box<dyn Stage>>,
}

/// Pieces that wait, bounded by [`CAPACITY`].
#[derive(Debug, Default)]
pub(crate) struct Held {
    pieces: VecDeque<Piece>,
    bytes: usize,
}

/// A stage that begins after so many bytes.
#[derive(Debug)]
pub(crate) struct After {
    left: u64,
    /// What had come before it begins.
    before: Held,
    stage: Box<dyn Stage>,
}

// === impl Piece ===

impl Piece {
    /// A FIN or an RST counts as one byte, as in TCP's sequence numbers.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Piece::Data(bytes) => bytes.len(),
            Piece::End(_) => 1,
        }
    }
}

// === impl Held ===

impl Held {
    pub(crate) fn takes(&self) -> bool {
        self.bytes < CAPACITY
    }

    pub(crate) fn push(&mut self, piece: Piece) {
        self.bytes += piece.weight();
        self.pieces.push_back(piece);
    }

    pub(crate) fn pop(&mut self) -> Option<Piece> {
        let piece = self.pieces.pop_front()?;
        self.bytes -= piece.weight();
        Some(piece)
    }

    /// Puts back what was left of a piece.
    pub(crate) fn unpop(&mut self, piece: Piece) {
        self.bytes += piece.weight();
        self.pieces.push_front(piece);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn into_pieces(self) -> VecDeque<Piece> {
        self.pieces
    }
}

// === impl After ===

impl After {
    pub(crate) fn new(bytes: u64, stage: Box<dyn Stage>) -> Self {
        Self { left: bytes, before: Held::default(), stage }
    }
}

impl Stage for After {
    fn takes(&self) -> bool {
        if self.left > 0 { self.before.takes() } else { self.stage.takes() }
    }

    fn held(&self) -> usize {
        self.before.bytes() + self.stage.held()
    }

    fn push(&mut self, piece: Piece, now: Instant, tally: &Tally) {
        match piece {
            Piece::Data(mut bytes) if self.left > 0 => {
                let count = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
                self.left -= count as u64;
                self.before.push(Piece::Data(bytes.split_to(count)));
                if !bytes.is_empty() {
                    self.stage.push(Piece::Data(bytes), now, tally);
                }
            }
            Piece::End(_) if self.left > 0 => self.before.push(piece),
            _ => self.stage.push(piece, now, tally),
        }
    }

    fn next(&mut self, now: Instant, tally: &Tally) -> Next {
        match self.before.pop() {
            Some(piece) => Next::Piece(piece),
            None if self.left > 0 => Next::Idle(None),
            None => self.stage.next(now, tally),
        }
    }

    fn deadline(&self) -> Option<(Instant, End)> {
        if self.left > 0 { None } else { self.stage.deadline() }
    }

    fn update(&mut self, kind: &Kind, now: Instant) {
        self.stage.update(kind, now);
    }

    fn dissolve(self: Box<Self>) -> Result<VecDeque<Piece>, End> {
        let mut pieces = self.before.into_pieces();
        if self.left == 0 {
            pieces.extend(self.stage.dissolve()?);
        }
        Ok(pieces)
    }
}
