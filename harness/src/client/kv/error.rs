//! What a request can fail with, in client-go's words.

use tonic::Status;

use super::backoff::Kind;

/// Why a request failed for good.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Error {
    /// It has slept for as long as it may, most of it for this kind of reason.
    #[error("{} ({name}): {why}", text(*.kind))]
    OutOfPatience {
        /// The kind that took most of the time.
        kind: Kind,
        /// Its name.
        name: &'static str,
        /// What went wrong last.
        why: String,
    },
    /// An answer that no further attempt changes.
    #[error("{0}")]
    Final(String),
}

impl Error {
    /// An answer of another kind than its request.
    pub(super) fn strange() -> Self {
        Self::Final("an answer to another request".to_owned())
    }
}

/// Why a request has no answer from its store: it may or may not have been carried out.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum SendError {
    /// No stream to the store takes requests.
    #[error("no available connections")]
    NoConnections,
    /// The time for one answer is over.
    #[error("context deadline exceeded: wait recvLoop timeout")]
    Deadline,
    /// The stream, or the connection under it, ended.
    #[error("rpc error: code = {:?} desc = {}", .0.code(), .0.message())]
    Rpc(Status),
}

/// What the user reads; source: client-go `error/error.go`.
fn text(kind: Kind) -> &'static str {
    match kind {
        Kind::TikvRpc => "tikv server timeout",
        Kind::PdRpc => "pd server timeout",
        Kind::RegionMiss | Kind::RegionScheduling => "region unavailable",
        Kind::ServerBusy => "tikv server busy",
        Kind::DiskFull => "tikv disk full",
        Kind::RegionRecovery => "region is being online unsafe recovered",
        Kind::MaxTsNotSynced => "tikv max timestamp not synced",
        Kind::RegionNotInitialized => "tikv region not initialized",
        Kind::TxnLock | Kind::TxnLockFast | Kind::TxnNotFound => "resolve lock timeout",
    }
}
