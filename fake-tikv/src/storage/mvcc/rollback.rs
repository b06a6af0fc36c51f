//! The way back.

use bytes::Bytes;

use super::changes::Changes;
use super::error::Error;
use super::lock::Lock;
use super::record::Fate;
use super::write::{Kind, Write};
use super::{Mvcc, Ts};

/// What is left behind for a prewrite that comes late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trace {
    /// A record that a later rollback of another transaction may replace.
    Collapsible,
    /// A record that stays, whatever comes.
    Protected,
}

impl Mvcc {
    /// Rolls a transaction back at a key, whether it is there or not; with a time, only if its lock has expired by then.
    pub(crate) fn cleanup(
        &self,
        changes: &mut Changes,
        key: &Bytes,
        start_ts: Ts,
        now: Option<Ts>,
        trace: Trace,
    ) -> Result<(), Error> {
        if let Some(lock) = self.own_lock(key, start_ts) {
            if now.is_some_and(|now| !lock.expired(now)) {
                return Err(Error::locked(key, lock));
            }
            self.roll_back_lock(changes, key, lock, trace);
            return Ok(());
        }
        match self.fate(key, start_ts) {
            Fate::Committed(commit_ts) => Err(Error::Committed { start_ts, commit_ts, key: key.clone() }),
            Fate::RolledBack => Ok(()),
            Fate::Unknown { .. } => {
                self.roll_back_missing(changes, key, start_ts, trace);
                Ok(())
            }
        }
    }

    /// Rolls a lock back.
    pub(super) fn roll_back_lock(&self, changes: &mut Changes, key: &Bytes, lock: &Lock, trace: Trace) {
        // the primary key of a pessimistic transaction decides for keys that are locked, but not prewritten
        let decides = lock.is_pessimistic() && lock.primary == *key;
        if let Fate::Unknown { overlapped } = self.fate(key, lock.start_ts) {
            let record = if decides { Trace::Protected } else { Trace::Collapsible };
            note(changes, key, lock.start_ts, record, overlapped);
        }
        if trace == Trace::Collapsible {
            self.collapse_before(changes, key, lock.start_ts);
        }
        changes.unlock(key);
    }

    /// Rolls back what is not there, so that it cannot come any more.
    pub(super) fn roll_back_missing(&self, changes: &mut Changes, key: &Bytes, start_ts: Ts, trace: Trace) {
        let Fate::Unknown { overlapped } = self.fate(key, start_ts) else { return };
        if trace == Trace::Collapsible {
            self.collapse_before(changes, key, start_ts);
        } else if overlapped.is_none() {
            self.mark_under_lock(changes, key, start_ts);
        }
        note(changes, key, start_ts, trace, overlapped);
    }

    /// Another transaction's lock may be committed at the very timestamp of a rollback: its version has to say both.
    fn mark_under_lock(&self, changes: &mut Changes, key: &Bytes, start_ts: Ts) {
        let Some(lock) = self.lock(key) else { return };
        // only async commit gives commit timestamps that are not the oracle's
        if lock.start_ts != start_ts && lock.async_commit() && start_ts >= lock.min_commit_ts {
            let mut lock = lock.clone();
            lock.rolled_back.push(start_ts);
            changes.lock(key, lock);
        }
    }

    /// The latest record before a timestamp goes if it is a mere rollback: one is enough to keep late prewrites out.
    pub(super) fn collapse_before(&self, changes: &mut Changes, key: &Bytes, start_ts: Ts) {
        let before = self.versions(key, start_ts.saturating_sub(1)).next();
        if let Some((ts, _)) = before.filter(|(_, write)| write.kind == Kind::Rollback && !write.protected) {
            changes.remove(key, ts);
        }
    }
}

/// Writes the rollback down, on the version that has its timestamp if there is one.
pub(super) fn note(
    changes: &mut Changes,
    key: &Bytes,
    start_ts: Ts,
    trace: Trace,
    overlapped: Option<&Write>,
) {
    let protected = trace == Trace::Protected;
    match overlapped {
        None => changes.write(key, start_ts, Write::rollback(start_ts, protected)),
        Some(write) if protected => {
            changes.write(key, start_ts, Write { rolled_back: true, ..write.clone() });
        }
        Some(_) => {}
    }
}
