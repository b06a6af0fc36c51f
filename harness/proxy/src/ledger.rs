//! What each fault and each toxic touched on one link. It only grows, and is readable while they act and after it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use unstuck_record::Evidence;

/// Who is to be credited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// A fault, by its index in the plan.
    Fault(usize),
    /// A toxic that was added by itself, by its number on the link.
    Toxic(u64),
    /// [`Proxy::switch_off`](crate::Proxy::switch_off).
    Switch,
}

/// Tallies by cause. The lock is held for one look-up and is never taken while nothing is in force.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    of: Mutex<BTreeMap<Cause, Arc<Tally>>>,
}

/// What one cause touched.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    bytes: AtomicU64,
    delayed: AtomicU64,
    closed: AtomicU64,
    refused: AtomicU64,
    seen_bytes: AtomicU64,
    seen_chunks: AtomicU64,
    met: AtomicU64,
    left: AtomicU64,
    passed_by: AtomicU64,
}

/// What a toxic has met. Counters are read without a lock, each by itself: two of them may be an instant apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// Bytes that were handed to it.
    pub bytes: u64,
    /// Chunks that were handed to it.
    pub chunks: u64,
    /// Connections that it touched.
    pub connections: u64,
    /// Of these, those that it touches now.
    pub live: u64,
    /// Of `connections`, those that it can do nothing to, because it knows HTTP/2 and they are not, or not any more, or
    /// nobody has read them from their first byte.
    pub passed_by: u64,
}

impl Met {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes + other.bytes,
            chunks: self.chunks + other.chunks,
            connections: self.connections + other.connections,
            live: self.live + other.live,
            passed_by: self.passed_by + other.passed_by,
        }
    }
}

impl Ledger {
    pub(crate) fn get(&self, cause: Cause) -> Evidence {
        self.lock().get(&cause).map(|tally| tally.evidence()).unwrap_or_default()
    }

    /// Nobody asks for `cause` any more.
    pub(crate) fn forget(&self, cause: Cause) {
        self.lock().remove(&cause);
    }

    /// The tally of `cause`, for one who credits it often.
    pub(crate) fn tally(&self, cause: Cause) -> Arc<Tally> {
        Arc::clone(self.lock().entry(cause).or_default())
    }

    /// Bytes held back or dropped. A FIN or an RST counts as one byte, as it does in TCP's sequence numbers.
    pub(crate) fn bytes(&self, causes: &[Cause], count: usize) {
        self.each(causes, |tally| tally.bytes(count));
    }

    /// Connections closed or reset.
    pub(crate) fn closed(&self, causes: &[Cause], count: usize) {
        self.each(causes, |tally| tally.closed(count));
    }

    /// Connects refused or left hanging.
    pub(crate) fn refused(&self, causes: &[Cause], count: usize) {
        self.each(causes, |tally| tally.refused(count));
    }

    fn each(&self, causes: &[Cause], credit: impl Fn(&Tally)) {
        for cause in causes {
            credit(&self.tally(*cause));
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Cause, Arc<Tally>>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Tally ===

impl Tally {
    /// Bytes held back, dropped or altered.
    pub(crate) fn bytes(&self, count: usize) {
        add(&self.bytes, count);
    }

    /// Chunks delayed.
    pub(crate) fn delayed(&self, count: usize) {
        add(&self.delayed, count);
    }

    /// Connections closed or reset.
    pub(crate) fn closed(&self, count: usize) {
        add(&self.closed, count);
    }

    /// Connects refused or left hanging.
    pub(crate) fn refused(&self, count: usize) {
        add(&self.refused, count);
    }

    /// A chunk of so many bytes is handed to it.
    pub(crate) fn seen(&self, bytes: usize) {
        add(&self.seen_bytes, bytes);
        add(&self.seen_chunks, 1);
    }

    /// A connection is touched.
    pub(crate) fn meet(&self) {
        add(&self.met, 1);
    }

    /// It is not touched any more.
    pub(crate) fn leave(&self) {
        add(&self.left, 1);
    }

    /// A connection cannot be touched.
    pub(crate) fn pass_by(&self) {
        add(&self.passed_by, 1);
    }

    pub(crate) fn met(&self) -> Met {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        // in this order, so that nobody leaves who has not met
        let left = get(&self.left);
        let connections = get(&self.met);
        Met {
            bytes: get(&self.seen_bytes),
            chunks: get(&self.seen_chunks),
            connections,
            passed_by: get(&self.passed_by),
            live: connections.saturating_sub(left),
        }
    }

    pub(crate) fn evidence(&self) -> Evidence {
        Evidence {
            bytes: self.bytes.load(Ordering::Relaxed),
            delayed: self.delayed.load(Ordering::Relaxed),
            closed: self.closed.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            ..Evidence::default()
        }
    }
}

fn add(to: &AtomicU64, count: usize) {
    if count > 0 {
        to.fetch_add(count as u64, Ordering::Relaxed);
    }
}
