//! What a lock's owner does to keep it.

use bytes::Bytes;

use super::changes::Changes;
use super::error::Error;
use super::{Mvcc, Ts};

impl Mvcc {
    /// Makes a lock live at least so long, in milliseconds from its start; returns how long it lives.
    pub(crate) fn heart_beat(
        &self,
        changes: &mut Changes,
        key: &Bytes,
        start_ts: Ts,
        ttl: u64,
    ) -> Result<u64, Error> {
        let lock =
            self.own_lock(key, start_ts).ok_or_else(|| Error::TxnNotFound { start_ts, key: key.clone() })?;
        if lock.ttl < ttl {
            let mut lock = lock.clone();
            lock.ttl = ttl;
            changes.lock(key, lock);
        }
        Ok(lock.ttl.max(ttl))
    }
}
