//! The toxics of one direction of one connection, in the order in which they were added.
//!
//! ```text
//!   from the sender ──► [ stage ] ──► [ stage ] ──► … ──► to the receiver
//! ```

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use super::InForce;
use super::stage::{End, Next, Piece, Stage};
use crate::ledger::Tally;

/// A stage with whom it credits.
#[derive(Debug)]
struct Slot {
    /// The toxic's number on its link.
    toxic: u64,
    /// How often the toxic had been changed.
    revision: u64,
    stage: Box<dyn Stage>,
    tally: Arc<Tally>,
}

/// Stages in order. Without any it holds nothing and everything goes past it.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    slots: Vec<Slot>,
    /// What the last stages left behind when they were taken out; goes on before anything else.
    left: VecDeque<Piece>,
    /// A stage was taken out that had lost bytes.
    broken: Option<End>,
}

impl Chain {
    /// Nothing is in the way, and nothing on it.
    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty() && self.left.is_empty() && self.broken.is_none()
    }

    /// Adds a stage at the receiver's end.
    pub(crate) fn add(&mut self, toxic: &InForce, stage: Box<dyn Stage>) {
        let tally = Arc::clone(&toxic.tally);
        self.slots.push(Slot { toxic: toxic.id, revision: toxic.revision, stage, tally });
    }

    /// Takes out the stages whose toxic is not among `toxics`, and brings the others up to date.
    pub(crate) fn keep(&mut self, toxics: &[Arc<InForce>], now: Instant) {
        let mut at = 0;
        while at < self.slots.len() {
            let slot = &mut self.slots[at];
            match toxics.iter().find(|toxic| toxic.id == slot.toxic) {
                Some(toxic) => {
                    if toxic.revision > slot.revision {
                        slot.revision = toxic.revision;
                        slot.stage.update(&toxic.toxic.kind, now);
                    }
                    at += 1;
                }
                None => self.take_out(at, now),
            }
        }
    }

    /// What the stage holds goes on to those behind it.
    fn take_out(&mut self, at: usize, now: Instant) {
        let gone = self.slots.remove(at);
        match gone.stage.dissolve() {
            Ok(pieces) => match self.slots.get_mut(at) {
                Some(behind) => {
                    for piece in pieces {
                        behind.stage.push(piece, now, &behind.tally);
                    }
                }
                None => self.left.extend(pieces),
            },
            Err(end) => {
                gone.tally.closed(1);
                self.broken.get_or_insert(end);
            }
        }
    }

    /// Whether it may be handed data.
    pub(crate) fn takes(&self) -> bool {
        let first_takes = self.slots.first().is_none_or(|first| first.stage.takes());
        first_takes && self.left.is_empty() && self.broken.is_none()
    }

    /// Takes in what comes from the sender.
    pub(crate) fn push(&mut self, piece: Piece, now: Instant) {
        match self.slots.first_mut() {
            Some(first) => first.stage.push(piece, now, &first.tally),
            None => self.left.push_back(piece),
        }
    }

    /// Bytes that it has taken in and not handed on.
    pub(crate) fn held(&self) -> usize {
        let left: usize = self.left.iter().map(Piece::weight).sum();
        left + self.slots.iter().map(|slot| slot.stage.held()).sum::<usize>()
    }

    /// When a stage wants to end the connection.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.slots.iter().filter_map(|slot| Some(slot.stage.deadline()?.0)).min()
    }

    /// The end of the connection that is due, whatever is in the way.
    pub(crate) fn ends(&self, now: Instant) -> Option<End> {
        let due = |slot: &Slot| {
            let (_, end) = slot.stage.deadline().filter(|(at, _)| *at <= now)?;
            slot.tally.closed(1);
            Some(end)
        };
        self.broken.or_else(|| self.slots.iter().find_map(due))
    }

    /// What may go on to the receiver, or when to ask again.
    pub(crate) fn next(&mut self, now: Instant) -> Next {
        if let Some(piece) = self.left.pop_front() {
            return Next::Piece(piece);
        }
        loop {
            let mut moved = false;
            let mut wake = self.deadline();
            // From the receiver's end, so that room opens up where it is wanted.
            for at in (0..self.slots.len()).rev() {
                let (before, behind) = self.slots.split_at_mut(at + 1);
                let slot = &mut before[at];
                let Some(behind) = behind.first_mut() else {
                    match slot.stage.next(now, &slot.tally) {
                        Next::Piece(piece) => return Next::Piece(piece),
                        Next::Idle(until) => wake = earlier(wake, until),
                    }
                    continue;
                };
                while behind.stage.takes() {
                    match slot.stage.next(now, &slot.tally) {
                        Next::Piece(piece) => {
                            behind.stage.push(piece, now, &behind.tally);
                            moved = true;
                        }
                        Next::Idle(until) => {
                            wake = earlier(wake, until);
                            break;
                        }
                    }
                }
            }
            if !moved {
                return Next::Idle(wake);
            }
        }
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}
