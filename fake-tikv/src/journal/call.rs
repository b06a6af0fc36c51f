//! One call as it goes: who handles it notes here what it knows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use prost::Message;
use tonic::Status;

use super::{Filter, Journal, Outcome, Step};
use crate::answer::detail;
use crate::methods::{METHODS, Methods};
use crate::proto::errorpb;
use crate::spec::Node;

/// One call, as it goes.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) number: u64,
    pub(super) at_ms: u64,
    pub(super) node: Node,
    pub(super) method: u16,
    pub(super) in_batch: bool,
    pub(super) flow: Flow,
    pub(super) region: AtomicU64,
    pub(super) script: AtomicU64,
    pub(super) refused: OnceLock<&'static str>,
    pub(super) end: OnceLock<(u64, Outcome)>,
}

/// What has gone through a call.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    pub(crate) messages_in: AtomicU64,
    pub(crate) messages_out: AtomicU64,
}

impl Flow {
    pub(super) fn took(&self, message: &impl Message) {
        self.messages_in.fetch_add(1, Ordering::Relaxed);
        self.bytes_in.fetch_add(message.encoded_len() as u64, Ordering::Relaxed);
    }
    fn gave(&self, message: &impl Message) {
        self.messages_out.fetch_add(1, Ordering::Relaxed);
        self.bytes_out.fetch_add(message.encoded_len() as u64, Ordering::Relaxed);
    }
}

impl Seen {
    pub(super) fn matches(&self, filter: &Filter) -> bool {
        let method = METHODS.get(usize::from(self.method));
        filter.method.is_none_or(|methods| methods == Methods::All || methods.mean(method))
            && filter.node.is_none_or(|node| node == self.node)
            && self.at_ms >= filter.since
            && filter.until.is_none_or(|until| self.at_ms < until)
            && filter.outcome.as_ref().is_none_or(|outcome| self.outcome().1.to_string() == *outcome)
    }
    pub(super) fn outcome(&self) -> (Option<u64>, Outcome) {
        self.end.get().map_or((None, Outcome::Open), |(at, outcome)| (Some(*at), *outcome))
    }
}

/// A call on its way; one that drops without an end is gone.
#[derive(Debug)]
pub(crate) struct Call {
    pub(super) seen: Arc<Seen>,
    pub(super) journal: Journal,
}

impl Call {
    pub(crate) fn flow(&self) -> &Flow {
        &self.seen.flow
    }
    /// It met a script.
    pub(crate) fn met(&self, script: u64) {
        self.seen.script.store(script, Ordering::Relaxed);
    }
    /// It has ended with this status; only the first end counts.
    pub(crate) fn ended(&self, outcome: Outcome) {
        let seen = &self.seen;
        if seen.end.get().is_some() {
            return;
        }
        let outcome = match (outcome, seen.refused.get()) {
            (Outcome::Ok, Some(detail)) => Outcome::RegionError(detail),
            (outcome, _) => outcome,
        };
        let now = self.journal.0.clock.ms();
        if seen.end.set((now, outcome)).is_err() {
            return;
        }
        let mut ring = self.journal.ring();
        let counted = ring.totals.entry((seen.node, seen.method)).or_default();
        *counted.outcomes.entry(outcome).or_default() += 1;
        counted.bytes_in += seen.flow.bytes_in.load(Ordering::Relaxed);
        counted.bytes_out += seen.flow.bytes_out.load(Ordering::Relaxed);
        let took = now - seen.at_ms;
        if counted.slowest.is_none_or(|(slowest, _)| took > slowest) {
            counted.slowest = Some((took, seen.at_ms));
        }
        drop(ring);
        self.journal.tell(seen, Step::Ended(outcome));
    }
    /// It has ended with this answer.
    pub(crate) fn answered(&self, answer: &Result<impl Message, Status>) {
        match answer {
            Ok(message) => {
                self.flow().gave(message);
                self.ended(Outcome::Ok);
            }
            Err(status) => self.ended(Outcome::Status(i32::from(status.code()) as u8)),
        }
    }
    /// What handlers find with [`note_region`] and the like.
    pub(crate) fn noted(&self) -> Noted {
        Noted { seen: self.seen.clone(), journal: self.journal.clone() }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.ended(Outcome::Gone);
    }
}

/// A call, for whoever knows what is in it.
#[derive(Clone, Debug)]
pub(crate) struct Noted {
    seen: Arc<Seen>,
    journal: Journal,
}

tokio::task_local! {
    /// The call that is being handled.
    pub(crate) static CURRENT: Noted;
}

/// The call that is being handled names this region.
pub(crate) fn note_region(region: u64) {
    let _not_in_a_call = CURRENT.try_with(|Noted { seen, journal }| {
        if seen.region.swap(region, Ordering::Relaxed) == 0 {
            journal.tell(seen, Step::Named);
        }
    });
}

/// The call that is being handled is answered with this region error.
pub(crate) fn note_refused(error: &errorpb::Error) {
    let _not_in_a_call = CURRENT.try_with(|noted| noted.seen.refused.set(detail(error)));
}

/// The call that is being handled met a script.
pub(crate) fn note_script(id: u64) {
    let _not_in_a_call = CURRENT.try_with(|noted| noted.seen.script.store(id, Ordering::Relaxed));
}
