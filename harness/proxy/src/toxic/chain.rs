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

/// In the place of a toxic's number, which counts from 1.
const LEADING: u64 = 0;

/// A stage with whom it credits.
#[derive(Debug)]
struct Slot {
    /// The toxic's number on its link.
    toxic: u64,
    /// How often the toxic had been changed.
    revision: u64,
    stage: Box<dyn Stage>,
    tally: Arc<Tally>,
    /// With what waits behind it, if it stalls.
    credited: bool,
}

impl Slot {
    fn take(&mut self, piece: Piece, now: Instant) {
        if let Piece::Data(bytes) = &piece {
            self.tally.seen(bytes.len());
        }
        self.stage.push(piece, now, &self.tally);
    }
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

    /// Adds a stage, in the place that its toxic has among the others.
    pub(crate) fn add(&mut self, toxic: &InForce, mut stage: Box<dyn Stage>, now: Instant) {
        stage.begin(now);
        let at = self.slots.partition_point(|slot| slot.toxic < toxic.id);
        let tally = Arc::clone(&toxic.tally);
        self.slots
            .insert(at, Slot { toxic: toxic.id, revision: toxic.revision, stage, tally, credited: false });
    }

    /// Adds a stage at the sender's end. It is no toxic's and stays as long as the connection.
    pub(crate) fn lead(&mut self, stage: Box<dyn Stage>) {
        let tally = Arc::default();
        self.slots.insert(0, Slot { toxic: LEADING, revision: 0, stage, tally, credited: false });
    }

    /// Takes out the stages whose toxic is not among `toxics`, which are sorted, and brings the others up to date.
    pub(crate) fn keep(&mut self, toxics: &[Arc<InForce>], now: Instant) {
        let mut at = 0;
        while at < self.slots.len() {
            let slot = &mut self.slots[at];
            match toxics.binary_search_by_key(&slot.toxic, |toxic| toxic.id) {
                Ok(found) => {
                    let toxic = &toxics[found];
                    if toxic.revision > slot.revision {
                        slot.revision = toxic.revision;
                        slot.stage.update(&toxic.toxic.kind, now);
                    }
                    at += 1;
                }
                Err(_) if slot.toxic == LEADING => at += 1,
                Err(_) => self.take_out(at, now),
            }
        }
    }

    /// Whether the toxic with this number has a stage here.
    pub(crate) fn has(&self, toxic: u64) -> bool {
        self.slots.binary_search_by_key(&toxic, |slot| slot.toxic).is_ok()
    }

    /// What the stage holds goes on to those behind it.
    fn take_out(&mut self, at: usize, now: Instant) {
        let gone = self.slots.remove(at);
        match gone.stage.dissolve() {
            Ok(pieces) => match self.slots.get_mut(at) {
                Some(behind) => {
                    for piece in pieces {
                        behind.take(piece, now);
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

    /// Whom to credit if something waits at the sender: each stage that stalls, once.
    pub(crate) fn uncredited_stalls(&self) -> bool {
        self.slots.iter().any(|slot| slot.stage.stalls() && !slot.credited)
    }

    /// Something waits: how much it is cannot be known without taking it.
    pub(crate) fn credit_stalls(&mut self) {
        for slot in self.slots.iter_mut().filter(|slot| slot.stage.stalls() && !slot.credited) {
            slot.credited = true;
            slot.tally.bytes(1);
        }
    }

    /// Takes in what comes from the sender.
    pub(crate) fn push(&mut self, piece: Piece, now: Instant) {
        match self.slots.first_mut() {
            Some(first) => first.take(piece, now),
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
                            behind.take(piece, now);
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
