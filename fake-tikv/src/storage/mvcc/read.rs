//! A key, or a range of them, as of a timestamp.

use bytes::Bytes;

use super::error::{Conflict, Error};
use super::lock::{Holds, Lock};
use super::write::Kind;
use super::{Mvcc, Record, Ts};

/// What a reader must not miss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// What is prewritten and may yet be committed before its timestamp.
    Snapshot,
    /// Nothing: it takes what is committed.
    ReadCommitted,
    /// It takes what is committed, if nothing is newer.
    ReadCommittedIfLatest,
}

/// How to look at the keys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) ts: Ts,
    pub(crate) isolation: Isolation,
    /// Transactions whose locks are not in the way: rolled back, or committed later, if at all.
    pub(crate) resolved: &'a [Ts],
    /// Transactions that are committed before the reader's timestamp: their locks are as good as versions.
    pub(crate) committed: &'a [Ts],
}

/// Which part of a range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    pub(crate) limit: usize,
    pub(crate) reverse: bool,
    pub(crate) key_only: bool,
    /// Every so many keys one; zero and one are all.
    pub(crate) sample_step: usize,
}

/// What a read met: a key with its value, or the key that is in the way.
pub(crate) type Pair = Result<(Bytes, Bytes), Error>;

impl Mvcc {
    /// The value of a key.
    pub(crate) fn get(&self, key: &Bytes, view: &View<'_>) -> Result<Option<Bytes>, Error> {
        self.keys.get(key).map_or(Ok(None), |record| record.get(key, view))
    }

    /// The keys of a range that have a value, and those that are in the way.
    pub(crate) fn scan(&self, start: &[u8], end: &[u8], page: Page, view: &View<'_>) -> Vec<Pair> {
        let range = self.range(start, end);
        let met = |(key, record): (&Bytes, &Record)| match record.get(key, view) {
            Ok(None) => None,
            Ok(Some(value)) => Some(Ok((key.clone(), if page.key_only { Bytes::new() } else { value }))),
            Err(error) => Some(Err(error)),
        };
        let step = page.sample_step.max(1);
        if page.reverse {
            range.rev().filter_map(met).step_by(step).take(page.limit).collect()
        } else {
            range.filter_map(met).step_by(step).take(page.limit).collect()
        }
    }
}

impl Record {
    fn get(&self, key: &Bytes, view: &View<'_>) -> Result<Option<Bytes>, Error> {
        if let Some(lock) = &self.lock
            && view.meets(key, lock)
        {
            if view.committed.contains(&lock.start_ts) {
                return Ok((lock.holds == Holds::Change(Kind::Put)).then(|| lock.value.clone()));
            }
            return Err(match view.isolation {
                Isolation::ReadCommittedIfLatest => view.conflict(key, lock.start_ts, 0),
                _ => Error::locked(key, lock),
            });
        }
        if view.isolation == Isolation::ReadCommittedIfLatest {
            let latest = self.versions.down_from(Ts::MAX).find(|(_, write)| write.is_data());
            if let Some((commit_ts, write)) = latest.filter(|(ts, _)| *ts > view.ts) {
                return Err(view.conflict(key, write.start_ts, commit_ts));
            }
        }
        Ok(self.value_at(view.ts))
    }

    /// What is committed, as of a timestamp.
    pub(super) fn value_at(&self, ts: Ts) -> Option<Bytes> {
        let (_, write) = self.versions.down_from(ts).find(|(_, write)| write.is_data())?;
        (write.kind == Kind::Put).then(|| write.value.clone())
    }
}

impl View<'_> {
    /// Whether a lock may hide what the reader has to see.
    fn meets(&self, key: &Bytes, lock: &Lock) -> bool {
        if matches!(lock.holds, Holds::Reservation | Holds::Change(Kind::Lock))
            || self.resolved.contains(&lock.start_ts)
        {
            return false;
        }
        match self.isolation {
            Isolation::ReadCommitted => false,
            Isolation::ReadCommittedIfLatest => self.ts != Ts::MAX,
            Isolation::Snapshot => {
                // a read of the latest at the primary key comes before the commit that has not happened
                let latest = self.ts == Ts::MAX && lock.primary == *key && !lock.async_commit();
                lock.start_ts <= self.ts && lock.min_commit_ts <= self.ts && !latest
            }
        }
    }

    fn conflict(&self, key: &Bytes, conflict_start_ts: Ts, conflict_commit_ts: Ts) -> Error {
        Error::WriteConflict {
            start_ts: self.ts,
            conflict_start_ts,
            conflict_commit_ts,
            key: key.clone(),
            primary: Bytes::new(),
            reason: Conflict::RcCheckTs,
        }
    }
}
