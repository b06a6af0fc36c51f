//! The second phase.

use bytes::Bytes;

use super::changes::Changes;
use super::error::Error;
use super::record::Fate;
use super::{Mvcc, Ts};

impl Mvcc {
    /// Commits a transaction's lock. To do so again changes nothing.
    pub(crate) fn commit(
        &self,
        changes: &mut Changes,
        key: &Bytes,
        start_ts: Ts,
        commit_ts: Ts,
    ) -> Result<(), Error> {
        if commit_ts <= start_ts {
            return Err(Error::InvalidTxnTso { start_ts, commit_ts });
        }
        let Some(lock) = self.own_lock(key, start_ts) else {
            return match self.fate(key, start_ts) {
                Fate::Committed(_) => Ok(()),
                _ => Err(Error::TxnLockNotFound { start_ts, commit_ts, key: key.clone() }),
            };
        };
        if commit_ts < lock.min_commit_ts {
            let min_commit_ts = lock.min_commit_ts;
            return Err(Error::CommitTsExpired { start_ts, commit_ts, key: key.clone(), min_commit_ts });
        }
        changes.write(key, commit_ts, lock.clone().into_write(commit_ts));
        changes.unlock(key);
        Ok(())
    }
}
