//! Why there is no timestamp.

use tonic::{Code, Status};

use crate::client::ctx::CtxError;

/// Why a request got no timestamp, in pd/client's words.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TsoError {
    /// The caller's context ended, or the client's.
    #[error(transparent)]
    Ctx(CtxError),
    /// No stream could be opened while the batch waited for one.
    #[error("[PD:client:ErrClientCreateTSOStream]create TSO stream failed, retry timeout")]
    Create,
    /// The stream ended, and nobody said why.
    #[error("[PD:client:ErrClientTSOStreamClosed]encountered TSO stream being closed unexpectedly")]
    StreamClosed,
    /// The stream ended with a status; that of a request which took too long is `Canceled`.
    #[error("rpc error: code = {code:?} desc = {message}")]
    Rpc {
        /// gRPC's code.
        code: Code,
        /// What was said.
        message: String,
    },
    /// The answer is for another number of requests.
    #[error("[pd] tso length in rpc response is incorrect")]
    Length,
    /// The timestamps go back. pd/client panics over it.
    #[error("[tso] timestamp fallback: the first of a batch is {first}, the last before it was {last}")]
    Fallback {
        /// The last timestamp of the batch before.
        last: u64,
        /// The first timestamp of this batch.
        first: u64,
    },
}

/// What a member says that does not lead, somewhere in its message (pd/client: `errs.NotLeaderErr` and others).
const NOT_LEADER: [&str; 3] = ["is not leader", "mismatch leader id", "is not served"];

impl TsoError {
    /// Whether another member may lead by now (pd/client: `IsLeaderChange`).
    pub fn is_leader_change(&self) -> bool {
        match self {
            Self::StreamClosed => true,
            Self::Rpc { message, .. } => NOT_LEADER.iter().any(|words| message.contains(words)),
            _ => false,
        }
    }
}

impl From<Status> for TsoError {
    fn from(status: Status) -> Self {
        Self::Rpc { code: status.code(), message: status.message().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_leads_no_more_says_so_and_a_time_limit_does_not() {
        let not_leader = "generate timestamp failed, requested pd is not leader of cluster";
        assert!(TsoError::from(Status::unknown(not_leader)).is_leader_change());
        assert!(TsoError::StreamClosed.is_leader_change());
        assert!(!TsoError::from(Status::cancelled("context canceled")).is_leader_change());
        assert!(!TsoError::Create.is_leader_change());
    }
}
