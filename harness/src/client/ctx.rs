//! Cancellation and deadlines as Go's `context` has them: a tree, a first cause, and an end that can be waited for.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Why a context ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CtxError {
    /// Somebody cancelled it or a parent.
    #[error("context canceled")]
    Canceled,
    /// Its deadline, or a parent's, passed.
    #[error("context deadline exceeded")]
    DeadlineExceeded,
}

/// A context. Cheap to clone; clones are the same context. Dropping one cancels nothing.
#[derive(Clone, Debug)]
pub struct Ctx(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    token: CancellationToken,
    deadline: Option<Instant>,
    error: OnceLock<CtxError>,
    parent: Option<Ctx>,
    /// What calls under it say besides.
    metadata: Option<(&'static str, String)>,
}

/// Cancels its context when it drops: Go's `defer cancel()`.
#[derive(Debug)]
#[must_use = "the context is cancelled when this guard drops"]
pub struct CancelOnDrop(Ctx);

impl Ctx {
    /// A context that never ends by itself.
    pub fn background() -> Self {
        Self::new(CancellationToken::new(), None, None, None)
    }
    /// A child, which [`Ctx::cancel`] ends alone.
    pub fn child(&self) -> Self {
        self.until(self.deadline())
    }
    /// A child that also ends after `timeout`.
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        let at = Instant::now() + timeout;
        self.until(Some(self.deadline().map_or(at, |parents| parents.min(at))))
    }
    /// A child under which calls carry a header: Go's `metadata.NewOutgoingContext`. The name is in lower case, the value ASCII.
    pub fn with_metadata(&self, name: &'static str, value: impl Into<String>) -> Self {
        let token = self.0.token.child_token();
        Self::new(token, self.deadline(), Some(self.clone()), Some((name, value.into())))
    }
    fn until(&self, deadline: Option<Instant>) -> Self {
        Self::new(self.0.token.child_token(), deadline, Some(self.clone()), None)
    }
    fn new(
        token: CancellationToken,
        deadline: Option<Instant>,
        parent: Option<Self>,
        metadata: Option<(&'static str, String)>,
    ) -> Self {
        Self(Arc::new(Inner { token, deadline, error: OnceLock::new(), parent, metadata }))
    }
    /// The headers that calls carry under it, the innermost first.
    pub fn metadata(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let chain = std::iter::successors(Some(self), |ctx| ctx.0.parent.as_ref());
        chain.filter_map(|ctx| ctx.0.metadata.as_ref()).map(|(name, value)| (*name, value.as_str()))
    }
    /// When it ends at the latest, if it has a deadline.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }
    /// Ends it and its children. An end that came before, be it a deadline that nobody has noticed yet, stays the cause.
    pub fn cancel(&self) {
        let error = self.error().unwrap_or(CtxError::Canceled);
        let _first_cause_stays = self.0.error.set(error);
        self.0.token.cancel();
    }
    /// Ends it when the guard drops.
    pub fn cancel_on_drop(&self) -> CancelOnDrop {
        CancelOnDrop(self.clone())
    }
    /// Why it ended, if it has.
    pub fn error(&self) -> Option<CtxError> {
        if let Some(&error) = self.0.error.get() {
            return Some(error);
        }
        if let Some(error) = self.0.parent.as_ref().and_then(Ctx::error) {
            return Some(error);
        }
        if self.0.deadline.is_some_and(|at| at <= Instant::now()) {
            self.expire();
            return self.0.error.get().copied();
        }
        None
    }
    /// Waits for its end.
    pub async fn done(&self) -> CtxError {
        if let Some(error) = self.error() {
            return error;
        }
        match self.0.deadline {
            None => self.0.token.cancelled().await,
            Some(at) => {
                tokio::select! {
                    biased;
                    () = self.0.token.cancelled() => {}
                    () = tokio::time::sleep_until(at) => self.expire(),
                }
            }
        }
        self.error().unwrap_or(CtxError::Canceled)
    }
    /// Waits for `future` or the context's end, whichever is first; the future wins a tie.
    pub async fn run<F: Future>(&self, future: F) -> Result<F::Output, CtxError> {
        tokio::select! {
            biased;
            output = future => Ok(output),
            error = self.done() => Err(error),
        }
    }
    fn expire(&self) {
        let _first_cause_stays = self.0.error.set(CtxError::DeadlineExceeded);
        self.0.token.cancel();
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn cancelling_ends_children_and_never_parents() {
        let parent = Ctx::background().child();
        let (child, sibling) = (parent.child(), parent.child());
        let grandchild = child.with_timeout(SECOND);
        child.cancel();
        assert_eq!(grandchild.done().await, CtxError::Canceled);
        assert_eq!((parent.error(), sibling.error()), (None, None));
        parent.cancel();
        assert_eq!(sibling.error(), Some(CtxError::Canceled));
        assert_eq!(parent.child().error(), Some(CtxError::Canceled), "it is born ended");
    }

    #[tokio::test(start_paused = true)]
    async fn the_earliest_deadline_ends_it_on_time() {
        let start = Instant::now();
        let parent = Ctx::background().with_timeout(SECOND);
        let child = parent.with_timeout(60 * SECOND).child();
        assert_eq!(child.done().await, CtxError::DeadlineExceeded);
        assert_eq!(start.elapsed(), SECOND);
        assert_eq!(parent.error(), Some(CtxError::DeadlineExceeded));
    }

    #[test]
    fn headers_are_inherited_and_never_told_to_parents() {
        let parent = Ctx::background().with_metadata("to", "a");
        let child = parent.child().with_metadata("by", "b").child();
        assert!(child.metadata().eq([("by", "b"), ("to", "a")]));
        assert!(parent.metadata().eq([("to", "a")]));
        assert_eq!(Ctx::background().metadata().next(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_cause_stays() {
        let ctx = Ctx::background().with_timeout(SECOND);
        let child = ctx.child();
        child.cancel();
        tokio::time::sleep(2 * SECOND).await;
        assert_eq!(child.error(), Some(CtxError::Canceled));
        // Its deadline passed a second ago, although nobody looked.
        ctx.cancel();
        assert_eq!(ctx.done().await, CtxError::DeadlineExceeded);
    }

    #[tokio::test(start_paused = true)]
    async fn a_guard_ends_it_and_a_clone_is_the_same() {
        let ctx = Ctx::background().child();
        let clone = ctx.clone();
        drop(ctx.cancel_on_drop());
        assert_eq!(clone.error(), Some(CtxError::Canceled));
        let kept = Ctx::background().child();
        drop(kept.clone());
        assert_eq!(kept.error(), None, "dropping a context cancels nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn what_runs_under_it_wins_a_tie() {
        let ctx = Ctx::background().with_timeout(SECOND);
        assert_eq!(ctx.run(tokio::time::sleep(SECOND)).await, Ok(()));
        assert_eq!(ctx.run(std::future::pending::<()>()).await, Err(CtxError::DeadlineExceeded));
        assert_eq!(ctx.run(async { 1 }).await, Ok(1), "even when it has ended");
    }
}
