//! What can go wrong with a job, and which of it is worth another try.

use fake_tikv::proto::import_sstpb;
use tonic::{Code, Status};

use super::revision::Revision;
use crate::client::ctx::CtxError;

/// Why a step of a job failed.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Error {
    /// The context's own error, as Go's `ctx.Err()` gives it: not a status.
    #[error("{0}")]
    Context(#[from] CtxError),
    /// `io.EOF` from a send whose reason nobody asked for.
    #[error("EOF")]
    Eof,
    /// A status, from the peer or from the gRPC client.
    #[error("rpc error: code = {:?} desc = {}", .0.code(), .0.message())]
    Rpc(Status),
    /// No peer answered as the leader.
    #[error(
        "[Lightning:KV:ErrNoLeader]write to tikv with no leader returned, region '{region}', leader: {leader}"
    )]
    NoLeader {
        /// The region.
        region: u64,
        /// The peer that was thought to lead; 0 if none was known.
        leader: u64,
    },
    /// The limiter will not wait past the deadline.
    #[error("rate: Wait(n={0}) would exceed context deadline")]
    LimitBeyondDeadline(usize),
    /// The write's deadline passed.
    #[error("write too slow, maybe gRPC is blocked forever")]
    WriteTooSlow,
    /// A region error in a store's answer to Ingest, under the name that it gets in logs.
    #[error("[Lightning:KV:{name}]{message}")]
    Ingest {
        /// `ErrKVNotLeader`, …
        name: &'static str,
        /// The store's words.
        message: String,
    },
    /// The store has no space left.
    #[error("non-retryable error: {0}")]
    DiskFull(String),
    /// PD's regions do not cover the range, or PD does not answer.
    #[error("[PD:batchScanRegion]batch scan regions failed: {0}")]
    Scan(String),
    /// Any of the above, with the peer that it happened with.
    #[error("peer {peer}, store {store}, region {region}, epoch {epoch}, {doing}: {cause}")]
    At {
        /// The peer.
        peer: u64,
        /// Its store.
        store: u64,
        /// Its region.
        region: u64,
        /// The region's epoch as the client knows it.
        epoch: String,
        /// `when open write stream`, …
        doing: &'static str,
        /// What happened.
        cause: Box<Error>,
    },
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        Self::Rpc(status)
    }
}

impl Error {
    /// What `error` in a store's answer to Write means. `TiKV` itself tells the same as a status of code `Unknown`, with
    /// these words in its text; both are taken alike.
    pub(super) fn answered(error: &import_sstpb::Error) -> Self {
        match &error.store_error {
            Some(store) if store.disk_full.is_some() => Self::DiskFull(error.message.clone()),
            _ => Self::Rpc(Status::unknown(&error.message)),
        }
    }
    fn cause(&self) -> &Self {
        match self {
            Self::At { cause, .. } => cause.cause(),
            other => other,
        }
    }

    /// Whether the job is worth another try; if not, the import fails. Source: `isRetryableImportTiKVError`, which is
    /// `common.IsRetryableError` plus `io.EOF`.
    pub(super) fn retryable(&self, revision: Revision) -> bool {
        match self.cause() {
            // tidb 61326: a deadline in this form was taken for the user's
            Self::Context(_) | Self::DiskFull(_) | Self::Scan(_) => false,
            Self::Eof | Self::NoLeader { .. } | Self::WriteTooSlow | Self::Ingest { .. } => true,
            Self::LimitBeyondDeadline(_) => revision.retries_refused_limit(),
            Self::Rpc(status) => retryable_status(status),
            Self::At { .. } => unreachable!("a cause is not annotated"),
        }
    }

    /// Whether the store asks for the same write again: then there is no need to look for the region anew.
    pub(super) fn asks_for_the_same_write(&self) -> bool {
        let Self::Rpc(status) = self.cause() else { return false };
        let text = status.message();
        text.contains("please retry write later") || text.contains("RequestTooNew")
    }
}

fn retryable_status(status: &Status) -> bool {
    match status.code() {
        Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => true,
        Code::Unknown => !status.message().contains("DiskSpaceNotEnough"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use fake_tikv::proto::errorpb;

    use super::*;

    fn at(cause: Error) -> Error {
        let epoch = "conf_ver:1 version:1".to_owned();
        Error::At {
            peer: 1,
            store: 2,
            region: 3,
            epoch,
            doing: "when open write stream",
            cause: Box::new(cause),
        }
    }

    /// Which revisions retry: as-reported, fix-48355, fixed.
    fn retries(error: &Error) -> [bool; 3] {
        Revision::ALL.map(|revision| error.retryable(revision))
    }

    #[test]
    fn transport_errors_are_retried_and_cancellation_is_not() {
        assert_eq!(retries(&at(Status::unavailable("refused").into())), [true; 3]);
        assert_eq!(retries(&at(Status::deadline_exceeded("context deadline exceeded").into())), [true; 3]);
        assert_eq!(retries(&at(Error::Eof)), [true; 3]);
        assert_eq!(retries(&Error::NoLeader { region: 1, leader: 0 }), [true; 3]);
        assert_eq!(retries(&at(Status::cancelled("context canceled").into())), [false; 3]);
        assert_eq!(retries(&at(Status::internal("bad frame").into())), [false; 3]);
        assert_eq!(retries(&CtxError::Canceled.into()), [false; 3]);
    }

    #[test]
    fn a_bare_deadline_fails_the_import_and_its_cause_does_not() {
        assert_eq!(retries(&CtxError::DeadlineExceeded.into()), [false; 3]);
        assert_eq!(retries(&Error::WriteTooSlow), [true; 3]);
        assert_eq!(retries(&Error::LimitBeyondDeadline(1)), [false, false, true]);
    }

    fn answer(message: &str, store_error: Option<errorpb::Error>) -> Error {
        at(Error::answered(&import_sstpb::Error { message: message.to_owned(), store_error }))
    }

    #[test]
    fn a_full_disk_fails_the_import() {
        assert_eq!(retries(&at(Status::unknown("DiskSpaceNotEnough").into())), [false; 3]);
        let full = Some(errorpb::DiskFull::default());
        let full = errorpb::Error { disk_full: full, ..errorpb::Error::default() };
        assert_eq!(retries(&answer("no space left", Some(full))), [false; 3]);
    }

    #[test]
    fn a_store_that_asks_for_the_same_write_gets_it() {
        let too_new = answer("RequestTooNew: region 1", None);
        assert!(too_new.asks_for_the_same_write());
        assert_eq!(retries(&too_new), [true; 3]);
        let too_old = answer("RequestTooOld: region 1", None);
        assert!(!too_old.asks_for_the_same_write());
        assert_eq!(retries(&too_old), [true; 3]);
        assert!(!at(Status::unavailable("refused").into()).asks_for_the_same_write());
    }

    #[test]
    fn an_annotated_error_reads_like_the_originals() {
        let error = at(Status::unavailable("connection refused").into());
        assert_eq!(
            error.to_string(),
            "peer 1, store 2, region 3, epoch conf_ver:1 version:1, when open write stream: \
             rpc error: code = Unavailable desc = connection refused"
        );
    }
}
