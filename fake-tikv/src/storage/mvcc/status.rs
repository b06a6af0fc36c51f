//! What became of a transaction, asked at its primary key.

use bytes::Bytes;

use super::changes::Changes;
use super::error::Error;
use super::lock::Lock;
use super::record::Fate;
use super::rollback::Trace;
use super::{Mvcc, Ts};

/// Who asks, and what may be done about the transaction.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the request, and all combinations are legal"
)]
pub(crate) struct Question {
    pub(crate) start_ts: Ts,
    /// The asker's own; the last of all for one who reads the latest.
    pub(crate) caller_start_ts: Ts,
    pub(crate) current_ts: Ts,
    pub(crate) rollback_if_not_exist: bool,
    /// An async commit is to be treated as if it were none.
    pub(crate) force_sync_commit: bool,
    /// The lock in the asker's way only reserves its key.
    pub(crate) resolving_reservation: bool,
    pub(crate) verify_is_primary: bool,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Committed(Ts),
    RolledBack,
    /// Its owner was silent too long: rolled back just now.
    Expired,
    /// The same, of a mere reservation, which leaves no record.
    ReservationExpired,
    /// It was not there: rolled back just now.
    Missing,
    /// It was not there, and that is all.
    MissingLeft,
    Locked {
        lock: Box<Lock>,
        pushed: bool,
    },
}

impl Mvcc {
    pub(crate) fn check_status(
        &self,
        changes: &mut Changes,
        primary: &Bytes,
        asked: &Question,
    ) -> Result<Status, Error> {
        let Some(lock) = self.own_lock(primary, asked.start_ts) else {
            return self.check_missing(changes, primary, asked);
        };
        if asked.verify_is_primary && lock.primary != *primary {
            // a change that names this key is right, so this reservation is a stray one
            if !asked.resolving_reservation && lock.is_reservation() {
                changes.unlock(primary);
                return self.check_missing(changes, primary, asked);
            }
            return Err(Error::PrimaryMismatch { key: primary.clone(), lock: Box::new(lock.clone()) });
        }
        if lock.is_reservation() {
            let left_over = match self.fate(primary, asked.start_ts) {
                Fate::Committed(commit_ts) => Some(Status::Committed(commit_ts)),
                Fate::RolledBack => Some(Status::RolledBack),
                Fate::Unknown { .. } => None,
            };
            if let Some(status) = left_over {
                changes.unlock(primary);
                return Ok(status);
            }
        }
        // an async commit can be complete without its primary knowing
        if lock.async_commit() && !asked.force_sync_commit {
            return Ok(Status::Locked { lock: Box::new(lock.clone()), pushed: false });
        }
        if lock.expired(asked.current_ts) {
            if asked.resolving_reservation && lock.is_reservation() {
                changes.unlock(primary);
                return Ok(Status::ReservationExpired);
            }
            self.roll_back_lock(changes, primary, lock, Trace::Collapsible);
            return Ok(Status::Expired);
        }
        Ok(push(changes, primary, lock.clone(), asked))
    }

    fn check_missing(
        &self,
        changes: &mut Changes,
        primary: &Bytes,
        asked: &Question,
    ) -> Result<Status, Error> {
        let start_ts = asked.start_ts;
        match self.fate(primary, start_ts) {
            Fate::Committed(commit_ts) => Ok(Status::Committed(commit_ts)),
            Fate::RolledBack => Ok(Status::RolledBack),
            Fate::Unknown { .. } if !asked.rollback_if_not_exist => {
                Err(Error::TxnNotFound { start_ts, key: primary.clone() })
            }
            Fate::Unknown { .. } if asked.resolving_reservation => Ok(Status::MissingLeft),
            Fate::Unknown { .. } => {
                self.roll_back_missing(changes, primary, start_ts, Trace::Protected);
                Ok(Status::Missing)
            }
        }
    }
}

/// Makes a living transaction commit after the asker has read, where it allows that.
fn push(changes: &mut Changes, primary: &Bytes, mut lock: Lock, asked: &Question) -> Status {
    let caller = asked.caller_start_ts;
    if lock.min_commit_ts != 0 && caller != Ts::MAX && caller >= lock.min_commit_ts {
        lock.min_commit_ts = caller.saturating_add(1);
        if asked.current_ts != Ts::MAX {
            lock.min_commit_ts = lock.min_commit_ts.max(asked.current_ts);
        }
        changes.lock(primary, lock.clone());
    }
    let pushed = caller == Ts::MAX || (caller != 0 && lock.min_commit_ts > caller);
    Status::Locked { lock: Box::new(lock), pushed }
}
