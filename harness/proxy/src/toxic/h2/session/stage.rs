//! A session as what stands on the way, in one direction.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::{Session, Way};
use crate::ledger::Tally;
use crate::toxic::Kind;
use crate::toxic::stage::{End, Next, Piece, Stage};

#[derive(Debug)]
struct OneWay {
    session: Session,
    way: Way,
}

impl Session {
    pub(super) fn stage(&self, way: Way) -> Box<dyn Stage> {
        Box::new(OneWay { session: self.clone(), way })
    }
}

impl Stage for OneWay {
    fn takes(&self) -> bool {
        self.session.lock().takes(self.way)
    }

    fn held(&self) -> usize {
        self.session.lock().held(self.way)
    }

    fn push(&mut self, piece: Piece, now: Instant, _: &Tally) {
        self.session.lock().push(self.way, piece, now);
    }

    fn next(&mut self, now: Instant, _: &Tally) -> Next {
        self.session.lock().next(self.way, now)
    }

    /// It is no toxic's: its toxics are changed by [`Session::keep`].
    fn update(&mut self, _: &Kind, _: Instant) {}

    fn dissolve(self: Box<Self>) -> Result<VecDeque<Piece>, End> {
        unreachable!("a session is as old as its connection")
    }
}
