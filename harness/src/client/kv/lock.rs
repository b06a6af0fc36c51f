//! Somebody else's lock: is its transaction over? Then the lock goes the transaction's way. Client-go's `LockResolver`.

use std::time::Duration;

use fake_tikv::proto::kvrpcpb::{CheckTxnStatusRequest, LockInfo, ResolveLockRequest};

use super::backoff::{Backoffer, Kind};
use super::command::{Answer, Command};
use super::error::Error;
use super::raw::TIMEOUT;
use super::txn::{Client, of_key};
use crate::probe::frame;

/// Bits of a timestamp's logical part; the rest are milliseconds.
const LOGICAL_BITS: u32 = 18;

/// What became of a transaction.
enum Status {
    /// It may go on until its lock's time is over.
    Alive,
    /// Committed at this timestamp; rolled back at 0.
    Over(u64),
}

impl Client {
    /// Whether the lock is gone afterwards; false while its transaction may go on.
    pub(super) async fn resolve(
        &self,
        backoffer: &mut Backoffer,
        lock: &LockInfo,
        caller_start_ts: u64,
    ) -> Result<bool, Error> {
        let status = Box::pin(self.status(backoffer, lock, caller_start_ts));
        let commit_version = match frame("LockResolver.getTxnStatus", status).await? {
            Status::Alive => return Ok(false),
            Status::Over(commit_version) => commit_version,
        };
        let request = ResolveLockRequest {
            start_version: lock.lock_version,
            commit_version,
            keys: vec![lock.key.clone()],
            ..ResolveLockRequest::default()
        };
        let resolving = Box::pin(self.send(backoffer, &lock.key, Command::ResolveLock(request), TIMEOUT));
        match frame("LockResolver.resolveLock", resolving).await? {
            Answer::ResolveLock(answer) => answer.error.as_ref().map_or(Ok(true), |error| Err(of_key(error))),
            _ => Err(Error::strange()),
        }
    }

    /// Asks the primary. One that has no trace of a transaction whose time is over is told to roll it back.
    async fn status(
        &self,
        backoffer: &mut Backoffer,
        lock: &LockInfo,
        caller_start_ts: u64,
    ) -> Result<Status, Error> {
        let mut rollback_if_not_exist = false;
        loop {
            let current_ts = self.timestamp(backoffer).await?;
            let request = CheckTxnStatusRequest {
                primary_key: lock.primary_lock.clone(),
                lock_ts: lock.lock_version,
                caller_start_ts,
                current_ts,
                rollback_if_not_exist,
                ..CheckTxnStatusRequest::default()
            };
            let asked =
                self.send(backoffer, &lock.primary_lock, Command::CheckTxnStatus(request), TIMEOUT).await?;
            let Answer::CheckTxnStatus(answer) = asked else { return Err(Error::strange()) };
            match &answer.error {
                None if answer.lock_ttl > 0 => return Ok(Status::Alive),
                None => return Ok(Status::Over(answer.commit_version)),
                Some(error) if error.txn_not_found.is_none() => return Err(of_key(error)),
                Some(_) if expired(lock, current_ts) => rollback_if_not_exist = true,
                // another key may have been locked before the primary
                Some(_) => self.pause(backoffer, Kind::TxnNotFound, "its primary is not there yet").await?,
            }
        }
    }
}

fn expired(lock: &LockInfo, now: u64) -> bool {
    let ms = |timestamp: u64| Duration::from_millis(timestamp >> LOGICAL_BITS);
    ms(now) >= ms(lock.lock_version) + Duration::from_millis(lock.lock_ttl)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_expires_after_its_time() {
        let lock = LockInfo { lock_version: 1_000 << LOGICAL_BITS, lock_ttl: 3_000, ..LockInfo::default() };
        assert!(!expired(&lock, (3_999 << LOGICAL_BITS) + 7));
        assert!(expired(&lock, 4_000 << LOGICAL_BITS));
    }
}
