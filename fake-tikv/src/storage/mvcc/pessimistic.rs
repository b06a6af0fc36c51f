//! Locks before the first phase: a pessimistic transaction reserves keys while it still reads.

use bytes::Bytes;

use super::changes::Changes;
use super::error::{Conflict, Error};
use super::lock::{Holds, Lock};
use super::write::{Kind, Write};
use super::{Mvcc, Ts};

/// What the keys of one request have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reserve<'a> {
    pub(crate) start_ts: Ts,
    pub(crate) primary: &'a Bytes,
    pub(crate) ttl: u64,
    /// The transaction has seen everything up to this.
    pub(crate) for_update_ts: Ts,
    pub(crate) min_commit_ts: Ts,
    /// The client wants the key's value.
    pub(crate) read: bool,
    /// A key without a value is not reserved.
    pub(crate) only_if_exists: bool,
    /// A key with a version that the transaction has not seen is reserved as well, and the client told.
    pub(crate) with_conflict: bool,
}

/// What the key holds below the reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Below {
    pub(crate) value: Option<Bytes>,
    /// When the version that the transaction has not seen was committed.
    pub(crate) conflict: Option<Ts>,
}

impl Mvcc {
    /// Reserves a key. To do so again only tells what the key holds, or lets the reservation see more.
    pub(crate) fn reserve(
        &self,
        changes: &mut Changes,
        txn: &Reserve<'_>,
        key: &Bytes,
        must_be_absent: bool,
    ) -> Result<Below, Error> {
        let start_ts = txn.start_ts;
        if txn.only_if_exists && !txn.read {
            return Err(Error::LockIfExistsFailed { start_ts, key: key.clone() });
        }
        match self.lock(key) {
            Some(lock) if lock.start_ts != start_ts => Err(Error::locked(key, lock)),
            Some(lock) if !lock.is_reservation() => {
                Err(Error::LockTypeNotMatch { start_ts, key: key.clone(), pessimistic: false })
            }
            Some(lock) => Ok(self.reserve_again(changes, txn, key, lock)),
            None => self.reserve_free(changes, txn, key, must_be_absent),
        }
    }

    fn reserve_again(&self, changes: &mut Changes, txn: &Reserve<'_>, key: &Bytes, lock: &Lock) -> Below {
        let seen = lock.for_update_ts;
        let conflict = (txn.with_conflict && txn.for_update_ts < seen).then_some(seen);
        if txn.for_update_ts > seen {
            changes.lock(key, txn.reservation(txn.for_update_ts, false));
        }
        Below { value: self.value_at(key, conflict.unwrap_or(txn.for_update_ts)), conflict }
    }

    fn reserve_free(
        &self,
        changes: &mut Changes,
        txn: &Reserve<'_>,
        key: &Bytes,
        must_be_absent: bool,
    ) -> Result<Below, Error> {
        let start_ts = txn.start_ts;
        if self.versions(key, start_ts).next().is_some_and(|(ts, write)| ts == start_ts && write.rolls_back())
        {
            return Err(Error::PessimisticLockRolledBack { start_ts, key: key.clone() });
        }
        let latest = self.versions(key, Ts::MAX).next();
        let conflict = latest.filter(|(commit_ts, _)| *commit_ts > txn.for_update_ts);
        if let Some((commit_ts, write)) = conflict
            && !txn.with_conflict
        {
            return Err(txn.conflict(key, commit_ts, write));
        }
        let exists = self.latest_data(key).filter(|(_, write)| write.kind == Kind::Put);
        // with a conflict the statement runs again, and checks again
        if must_be_absent && conflict.is_none() && exists.is_some() {
            return Err(Error::AlreadyExist { key: key.clone() });
        }
        let conflict = conflict.map(|(commit_ts, _)| commit_ts);
        if !txn.only_if_exists || exists.is_some() {
            changes.lock(key, txn.reservation(conflict.unwrap_or(txn.for_update_ts), conflict.is_some()));
        }
        Ok(Below { value: exists.map(|(_, write)| write.value.clone()), conflict })
    }

    /// Takes a reservation back, if it is no newer than the statement that gives it up. Leaves no record.
    pub(crate) fn give_up(&self, changes: &mut Changes, key: &Bytes, start_ts: Ts, for_update_ts: Ts) {
        let given_up = |lock: &Lock| lock.is_reservation() && lock.for_update_ts <= for_update_ts;
        if self.own_lock(key, start_ts).is_some_and(given_up) {
            changes.unlock(key);
        }
    }

    fn value_at(&self, key: &Bytes, ts: Ts) -> Option<Bytes> {
        self.keys.get(key)?.value_at(ts)
    }
}

impl Reserve<'_> {
    fn reservation(&self, for_update_ts: Ts, with_conflict: bool) -> Lock {
        Lock {
            holds: Holds::Reservation,
            primary: self.primary.clone(),
            start_ts: self.start_ts,
            ttl: self.ttl,
            for_update_ts,
            txn_size: 0,
            min_commit_ts: self.min_commit_ts,
            value: Bytes::new(),
            secondaries: None,
            rolled_back: Vec::new(),
            with_conflict,
        }
    }
    fn conflict(&self, key: &Bytes, commit_ts: Ts, write: &Write) -> Error {
        Error::WriteConflict {
            start_ts: self.start_ts,
            conflict_start_ts: write.start_ts,
            conflict_commit_ts: commit_ts,
            key: key.clone(),
            primary: self.primary.clone(),
            reason: Conflict::PessimisticRetry,
        }
    }
}
