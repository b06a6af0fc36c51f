//! What became of an async commit, asked at the keys that are not its primary.

use bytes::Bytes;

use super::changes::Changes;
use super::lock::Lock;
use super::record::Fate;
use super::rollback::Trace;
use super::{Mvcc, Ts};

/// What its secondary keys say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Secondaries {
    /// All are there. Who asks at all keys may commit.
    Locked(Vec<(Bytes, Lock)>),
    Committed(Ts),
    RolledBack,
}

impl Mvcc {
    /// Looks at the keys; one that is not there is kept from coming.
    pub(crate) fn check_secondaries<'a>(
        &self,
        changes: &mut Changes,
        keys: impl IntoIterator<Item = &'a Bytes>,
        start_ts: Ts,
    ) -> Secondaries {
        let mut locks = Vec::new();
        for key in keys {
            let lock = self.own_lock(key, start_ts);
            if let Some(lock) = lock.filter(|lock| !lock.is_reservation()) {
                locks.push((key.clone(), lock.clone()));
                continue;
            }
            if lock.is_some() {
                changes.unlock(key);
            }
            return match self.fate(key, start_ts) {
                Fate::Committed(commit_ts) => Secondaries::Committed(commit_ts),
                Fate::RolledBack => Secondaries::RolledBack,
                Fate::Unknown { .. } => {
                    self.roll_back_missing(changes, key, start_ts, Trace::Protected);
                    self.collapse_before(changes, key, start_ts);
                    Secondaries::RolledBack
                }
            };
        }
        Secondaries::Locked(locks)
    }
}
