//! Transactions as TiKV keeps them: Percolator over many versions of a key. Pure state; keys are the client's.
//!
//! ```text
//! prewrite ──► lock ── commit ──► version, at its commit timestamp
//!               └───── rollback ─► rollback record, at the transaction's start timestamp
//! ```
//!
//! * [`lock`], [`write`]: what a key can hold
//! * [`error`]: why a key could not be read or written
//! * [`changes`]: what an action changes, all or nothing
//! * [`record`]: what became of a transaction at a key
//! * [`read`]: a key, or a range of them, as of a timestamp
//! * [`prewrite`], [`commit`], [`rollback`]: the two phases, and the way back
//! * [`safe`]: what replicas can answer too
//! * [`pessimistic`]: locks before the first phase
//! * [`status`], [`secondaries`], [`resolve`]: what others do about a lock that is in their way
//! * [`heart_beat`]: what its owner does to keep it
//! * [`waits`]: who waits for whom, and when nobody can go on
//! * [`collect`]: versions that nobody reads any more

pub(crate) mod changes;
mod collect;
pub(crate) mod commit;
pub(crate) mod error;
pub(crate) mod heart_beat;
pub(crate) mod lock;
pub(crate) mod pessimistic;
pub(crate) mod prewrite;
pub(crate) mod read;
pub(crate) mod record;
pub(crate) mod resolve;
pub(crate) mod rollback;
pub(crate) mod safe;
pub(crate) mod secondaries;
pub(crate) mod status;
#[cfg(test)]
mod tests;
pub(crate) mod waits;
pub(crate) mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Included, Unbounded};

use bytes::Bytes;

use self::lock::Lock;
use self::waits::Waits;
use self::write::{Versions, Write};

/// A timestamp of PD's oracle: milliseconds since 1970, then 18 bits that count within one.
pub(crate) type Ts = u64;

/// Bits of a timestamp below its milliseconds.
const LOGICAL_BITS: u32 = 18;

/// The milliseconds of a timestamp.
pub(crate) fn physical(ts: Ts) -> u64 {
    ts >> LOGICAL_BITS
}

/// All transactional keys of the cluster: what raft makes the peers of each region agree on.
#[derive(Debug, Default)]
pub(crate) struct Mvcc {
    keys: BTreeMap<Bytes, Record>,
    /// The keys that are locked.
    locked: BTreeSet<Bytes>,
    /// The latest that anybody has read at: what commits at a timestamp that no client chose has to commit later.
    ///
    /// A store has its own, which it brings up to date when it begins to lead; one for all is the upper bound of both.
    max_ts: Ts,
    /// What keys, locks and versions take.
    bytes: u64,
    /// Keys that were ever written.
    written: u64,
    /// Locks went since somebody asked.
    released: bool,
    pub(crate) waits: Waits,
}

/// What one key holds.
#[derive(Debug, Default)]
struct Record {
    lock: Option<Lock>,
    versions: Versions,
    written: bool,
}

impl Mvcc {
    /// Somebody reads at this timestamp. The last timestamp of all stands for "whatever is there" and counts as none.
    pub(crate) fn read_at(&mut self, ts: Ts) {
        if ts != Ts::MAX {
            self.max_ts = self.max_ts.max(ts);
        }
    }
    pub(crate) fn lock(&self, key: &[u8]) -> Option<&Lock> {
        self.keys.get(key)?.lock.as_ref()
    }
    /// The lock that a transaction holds on a key.
    pub(crate) fn own_lock(&self, key: &[u8], start_ts: Ts) -> Option<&Lock> {
        self.lock(key).filter(|lock| lock.start_ts == start_ts)
    }
    /// The versions of a key, latest first, from a commit timestamp downwards.
    pub(crate) fn versions(&self, key: &[u8], from: Ts) -> impl Iterator<Item = (Ts, &Write)> {
        self.keys.get(key).into_iter().flat_map(move |record| record.versions.down_from(from))
    }
    /// The locks in a range, whose empty end is the end of the key space.
    pub(crate) fn locks<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
    ) -> impl Iterator<Item = (&'a Bytes, &'a Lock)> {
        let sane = end.is_empty() || start < end;
        let to = if end.is_empty() || !sane { Unbounded } else { Excluded(end) };
        self.locked
            .range::<[u8], _>((Included(start), to))
            .take_while(move |_| sane)
            .filter_map(|key| Some((key, self.lock(key)?)))
    }
    /// The keys in a range.
    fn range<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
    ) -> impl DoubleEndedIterator<Item = (&'a Bytes, &'a Record)> {
        let (from, to) = match (start < end, end.is_empty()) {
            (_, true) => (Included(start), Unbounded),
            (true, _) => (Included(start), Excluded(end)),
            // an empty range, in a form that a map bears
            (false, _) => (Included(start), Excluded(start)),
        };
        self.keys.range::<[u8], _>((from, to))
    }
    /// Whether locks went since this was last asked.
    pub(crate) fn take_released(&mut self) -> bool {
        std::mem::take(&mut self.released)
    }
    /// Bytes of all keys, locks and versions.
    /// How many keys were ever written, and committed.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}
