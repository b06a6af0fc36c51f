//! Locks, errors and views, as kvproto has them.

use bytes::Bytes;

use crate::cluster::admit::Refused;
use crate::cluster::region::min_end;
use crate::kv::command::On;
use crate::proto::deadlock::WaitForEntry;
use crate::proto::kvrpcpb::write_conflict::Reason;
use crate::proto::kvrpcpb::{
    AlreadyExist, AssertionFailed, CommitTsExpired, Context, IsolationLevel, KeyError, KvPair, LockInfo, Op,
    PrimaryMismatch, TxnNotFound, WriteConflict,
};
use crate::proto::{errorpb, kvrpcpb};
use crate::storage::mvcc::changes::Changes;
use crate::storage::mvcc::error::{Assertion, Conflict, Error};
use crate::storage::mvcc::lock::{Holds, Lock};
use crate::storage::mvcc::read::{Isolation, Pair, View};
use crate::storage::mvcc::waits::Wait;
use crate::storage::mvcc::write::Kind;
use crate::storage::sst::DISK;

/// A view of the keys as of a timestamp, as the context wants it.
pub(super) fn view(context: Option<&Context>, ts: u64) -> View<'_> {
    let Some(context) = context else {
        return View { ts, isolation: Isolation::Snapshot, resolved: &[], committed: &[] };
    };
    let isolation = match context.isolation_level() {
        IsolationLevel::Si => Isolation::Snapshot,
        IsolationLevel::Rc => Isolation::ReadCommitted,
        IsolationLevel::RcCheckTs => Isolation::ReadCommittedIfLatest,
    };
    View { ts, isolation, resolved: &context.resolved_locks, committed: &context.committed_locks }
}

/// The op of a version or a lock.
pub(super) fn op(kind: Kind) -> Op {
    match kind {
        Kind::Put => Op::Put,
        Kind::Delete => Op::Del,
        Kind::Lock => Op::Lock,
        Kind::Rollback => Op::Rollback,
    }
}

pub(super) fn lock_type(lock: &Lock) -> Op {
    match lock.holds {
        Holds::Change(kind) => op(kind),
        Holds::Reservation => Op::PessimisticLock,
    }
}

/// All that clients learn of a lock.
pub(crate) fn lock_info(key: &Bytes, lock: &Lock) -> LockInfo {
    LockInfo {
        primary_lock: lock.primary.clone(),
        lock_version: lock.start_ts,
        key: key.clone(),
        lock_ttl: lock.ttl,
        txn_size: lock.txn_size,
        lock_type: lock_type(lock).into(),
        lock_for_update_ts: lock.for_update_ts,
        use_async_commit: lock.async_commit(),
        min_commit_ts: lock.min_commit_ts,
        secondaries: lock.secondaries.clone().unwrap_or_default(),
        ..Default::default()
    }
}

/// The error with all that it carries.
pub(crate) fn key_error(error: &Error) -> KeyError {
    match error.clone() {
        Error::KeyIsLocked { key, lock } => {
            KeyError { locked: Some(lock_info(&key, &lock)), ..Default::default() }
        }
        Error::WriteConflict {
            start_ts,
            conflict_start_ts: conflict_ts,
            conflict_commit_ts,
            key,
            primary,
            reason,
        } => {
            let reason = match reason {
                Conflict::Optimistic => Reason::Optimistic,
                Conflict::PessimisticRetry => Reason::PessimisticRetry,
                Conflict::SelfRolledBack => Reason::SelfRolledBack,
                Conflict::RcCheckTs => Reason::RcCheckTs,
                Conflict::LazyUniquenessCheck => Reason::LazyUniquenessCheck,
            };
            let conflict = WriteConflict {
                start_ts,
                conflict_ts,
                conflict_commit_ts,
                key,
                primary,
                reason: reason.into(),
            };
            // old clients know only the text
            KeyError { conflict: Some(conflict), retryable: text(error), ..Default::default() }
        }
        Error::AlreadyExist { key } => {
            KeyError { already_exist: Some(AlreadyExist { key }), ..Default::default() }
        }
        Error::CommitTsExpired { start_ts, commit_ts: attempted_commit_ts, key, min_commit_ts } => {
            let expired = CommitTsExpired { start_ts, attempted_commit_ts, key, min_commit_ts };
            KeyError { commit_ts_expired: Some(expired), ..Default::default() }
        }
        Error::TxnNotFound { start_ts, key: primary_key } => {
            KeyError { txn_not_found: Some(TxnNotFound { start_ts, primary_key }), ..Default::default() }
        }
        Error::TxnLockNotFound { .. } => KeyError { retryable: text(error), ..Default::default() },
        Error::AssertionFailed { start_ts, key, assertion, existing_start_ts, existing_commit_ts } => {
            let assertion = match assertion {
                Assertion::Exist => kvrpcpb::Assertion::Exist,
                Assertion::NotExist => kvrpcpb::Assertion::NotExist,
            };
            let failed = AssertionFailed {
                start_ts,
                key,
                assertion: assertion.into(),
                existing_start_ts,
                existing_commit_ts,
            };
            KeyError { assertion_failed: Some(failed), ..Default::default() }
        }
        Error::PrimaryMismatch { key, lock } => {
            let mismatch = PrimaryMismatch { lock_info: Some(lock_info(&key, &lock)) };
            KeyError { primary_mismatch: Some(mismatch), ..Default::default() }
        }
        Error::PessimisticLockNotFound { .. }
        | Error::PessimisticLockRolledBack { .. }
        | Error::LockTypeNotMatch { .. }
        | Error::LockIfExistsFailed { .. }
        | Error::Committed { .. }
        | Error::InvalidTxnTso { .. }
        | Error::Other(_) => KeyError { abort: text(error), ..Default::default() },
    }
}

/// An error in the words of TiKV, which are the layers it passed and then its name with its fields.
fn text(error: &Error) -> String {
    format!("Error(Txn(Error(Mvcc(Error({error:?})))))")
}

/// One that waits. Clients compare the hashes of keys, and nothing else.
pub(crate) fn wait_entry(wait: &Wait, now: u64) -> WaitForEntry {
    WaitForEntry {
        txn: wait.txn,
        wait_for_txn: wait.holder,
        key_hash: hash(&wait.key),
        key: wait.key.clone(),
        resource_group_tag: wait.tag.clone(),
        wait_time: now.saturating_sub(wait.since),
    }
}

/// FNV-1a.
fn hash(key: &[u8]) -> u64 {
    key.iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What a read met. A key in the way is named within its error only.
pub(super) fn pair(met: Pair) -> KvPair {
    match met {
        Ok((key, value)) => KvPair { error: None, key, value },
        Err(error) => KvPair { error: Some(key_error(&error)), ..Default::default() },
    }
}

impl On<'_> {
    /// The client's keys from one to another, clipped to the region.
    pub(super) fn clipped(&self, start: &Bytes, end: &Bytes) -> (Bytes, Bytes) {
        let (first, last) = self.region_in_keys();
        (first.max(start.clone()), min_end(&last, end).clone())
    }

    /// The region's borders in the client's keys. A border that is no encoded key lies where its bytes do.
    fn region_in_keys(&self) -> (Bytes, Bytes) {
        let key = |border: &Bytes| self.mode.client_key(border).unwrap_or_else(|| border.clone());
        (key(&self.region.meta.start_key), key(&self.region.meta.end_key))
    }

    /// Carries changes out that take no more than a store's disk holds.
    pub(super) fn apply_new(&mut self, changes: Changes) -> Result<(), Refused> {
        if self.storage.mvcc.bytes() + changes.added() > DISK {
            let message = "disk full: no space left for transactions".to_owned();
            let full = errorpb::DiskFull { store_id: vec![self.store], reason: message.clone() };
            return Err(Box::new(errorpb::Error { message, disk_full: Some(full), ..Default::default() }));
        }
        self.storage.mvcc.apply(changes);
        Ok(())
    }
}
