//! When BR tries again, and after how long.

use std::time::Duration;

use tonic::{Code, Status};

use crate::client::ctx::CtxError;

/// Why one attempt of a store's backup ended.
#[derive(Clone, Debug)]
pub(super) enum AttemptError {
    /// The stream ended with a status; a cancelled context shows as the status `Canceled`, too.
    Status(Status),
    /// The context itself said so, while an answer was to be handed on.
    Context(CtxError),
}

impl std::fmt::Display for AttemptError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => {
                write!(f, "rpc error: code = {} desc = {}", go_name(status.code()), status.message())
            }
            Self::Context(error) => error.fmt(f),
        }
    }
}

/// A number of attempts and the pauses after them.
#[derive(Debug)]
pub(super) struct Backoff {
    attempts: u32,
    delay: Duration,
    cap: Duration,
}

impl Backoff {
    /// A store's backup: 5 attempts; 2 s doubled before the first pause and capped at 3 s, so 3 s each
    /// (br/pkg/utils: `backupSST…`).
    pub(super) fn backup() -> Self {
        Self { attempts: 5, delay: Duration::from_secs(2), cap: Duration::from_secs(3) }
    }
    /// A question to PD: 32 attempts, 100 ms to 2 s apart (br/pkg/utils: `resetTS…`).
    pub(super) fn pd() -> Self {
        Self { attempts: 32, delay: Duration::from_millis(50), cap: Duration::from_secs(2) }
    }
    /// Whether there is another attempt.
    pub(super) fn has_attempts(&self) -> bool {
        self.attempts > 0
    }
    /// The pause after a failed attempt, unscaled; the last attempt is followed by one too.
    pub(super) fn failed(&mut self, retryable: bool) -> Duration {
        if !retryable {
            *self = Self { attempts: 0, delay: Duration::ZERO, ..*self };
            return Duration::ZERO;
        }
        self.attempts -= 1;
        self.delay = (self.delay * 2).min(self.cap);
        self.delay
    }
}

/// What a store's backup is tried again after. `Canceled` counts only where grpc-go says it of a closed
/// connection: of a cancelled context it ends the attempts.
pub(super) fn backup_retryable(error: &AttemptError) -> bool {
    let AttemptError::Status(status) = error else { return false };
    match status.code() {
        Code::Unavailable
        | Code::Aborted
        | Code::DeadlineExceeded
        | Code::ResourceExhausted
        | Code::Internal => true,
        Code::Cancelled => status.message().contains("the client connection is closing"),
        _ => false,
    }
}

/// What a question to PD is asked again after.
pub(super) fn pd_retryable(status: &Status) -> bool {
    !matches!(
        status.code(),
        Code::Ok
            | Code::InvalidArgument
            | Code::FailedPrecondition
            | Code::Unimplemented
            | Code::Internal
            | Code::Unauthenticated
    )
}

/// The code as Go prints it: one word, and `Canceled` with one l.
fn go_name(code: Code) -> String {
    if code == Code::Cancelled { "Canceled".to_owned() } else { format!("{code:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closing() -> AttemptError {
        AttemptError::Status(Status::cancelled("grpc: the client connection is closing"))
    }

    #[test]
    fn five_attempts_that_fail_at_once_take_15_s() {
        let mut backoff = Backoff::backup();
        let mut pauses = vec![];
        while backoff.has_attempts() {
            pauses.push(backoff.failed(backup_retryable(&closing())));
        }
        assert_eq!(pauses, [Duration::from_secs(3); 5]);
    }

    #[test]
    fn a_cancelled_context_ends_the_attempts_at_once() {
        let mut backoff = Backoff::backup();
        let canceled = AttemptError::Status(Status::cancelled("context canceled"));
        assert_eq!(backoff.failed(backup_retryable(&canceled)), Duration::ZERO);
        assert!(!backoff.has_attempts());
        assert!(!backup_retryable(&AttemptError::Context(CtxError::Canceled)));
    }

    #[test]
    fn questions_to_pd_go_on_for_about_a_minute() {
        let mut backoff = Backoff::pd();
        let mut pauses = vec![];
        while backoff.has_attempts() {
            pauses.push(backoff.failed(pd_retryable(&Status::unavailable("partitioned"))));
        }
        assert_eq!(pauses[..6], [100, 200, 400, 800, 1600, 2000].map(Duration::from_millis));
        assert_eq!(pauses.iter().sum::<Duration>(), Duration::from_millis(57_100));
        assert!(!pd_retryable(&Status::internal("nonsense")));
    }

    #[test]
    fn errors_read_as_go_prints_them() {
        assert_eq!(
            closing().to_string(),
            "rpc error: code = Canceled desc = grpc: the client connection is closing"
        );
        assert_eq!(
            AttemptError::Status(Status::deadline_exceeded("x")).to_string(),
            "rpc error: code = DeadlineExceeded desc = x"
        );
    }
}
