//! Why a key could not be read or written.

use bytes::Bytes;

use super::Ts;
use super::lock::Lock;

/// Why a write met another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conflict {
    Optimistic,
    PessimisticRetry,
    SelfRolledBack,
    RcCheckTs,
    LazyUniquenessCheck,
}

/// What a client has claimed about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Assertion {
    Exist,
    NotExist,
}

/// The kinds have TiKV's names: clients read some of them in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    KeyIsLocked {
        key: Bytes,
        lock: Box<Lock>,
    },
    WriteConflict {
        start_ts: Ts,
        conflict_start_ts: Ts,
        conflict_commit_ts: Ts,
        key: Bytes,
        primary: Bytes,
        reason: Conflict,
    },
    AlreadyExist {
        key: Bytes,
    },
    CommitTsExpired {
        start_ts: Ts,
        commit_ts: Ts,
        key: Bytes,
        min_commit_ts: Ts,
    },
    TxnNotFound {
        start_ts: Ts,
        key: Bytes,
    },
    TxnLockNotFound {
        start_ts: Ts,
        commit_ts: Ts,
        key: Bytes,
    },
    AssertionFailed {
        start_ts: Ts,
        key: Bytes,
        assertion: Assertion,
        existing_start_ts: Ts,
        existing_commit_ts: Ts,
    },
    PrimaryMismatch {
        key: Bytes,
        lock: Box<Lock>,
    },
    PessimisticLockNotFound {
        start_ts: Ts,
        key: Bytes,
    },
    PessimisticLockRolledBack {
        start_ts: Ts,
        key: Bytes,
    },
    LockTypeNotMatch {
        start_ts: Ts,
        key: Bytes,
        pessimistic: bool,
    },
    LockIfExistsFailed {
        start_ts: Ts,
        key: Bytes,
    },
    Committed {
        start_ts: Ts,
        commit_ts: Ts,
        key: Bytes,
    },
    InvalidTxnTso {
        start_ts: Ts,
        commit_ts: Ts,
    },
    /// A request that makes no sense, in words.
    Other(&'static str),
}

impl Error {
    pub(crate) fn locked(key: &Bytes, lock: &Lock) -> Self {
        Self::KeyIsLocked { key: key.clone(), lock: Box::new(lock.clone()) }
    }
}
