//! The limit of bytes written to one store a second (`store-write-bwlimit`); there is none by default.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use unstuck_net::Clock;
use unstuck_record::Resource;

use super::error::Error;
use crate::client::ctx::Ctx;
use crate::probe::{Site, wait};

/// A token bucket for each store, as Go's `rate.Limiter` with a burst of 1.2 seconds.
#[derive(Debug)]
pub(super) struct Limiter {
    bytes_per_second: Option<u64>,
    clock: Clock,
    /// When each store's bucket is full again.
    full_at: Mutex<BTreeMap<u64, Instant>>,
}

impl Limiter {
    /// `None`: no limit.
    pub(super) fn new(bytes_per_second: Option<u64>, clock: Clock) -> Self {
        Self { bytes_per_second: bytes_per_second.map(|rate| rate.max(1)), clock, full_at: Mutex::default() }
    }

    /// Waits until `bytes` may be sent to `store`. Refuses at once if that is past `deadline`.
    pub(super) async fn wait(
        &self,
        ctx: &Ctx,
        deadline: Option<Instant>,
        store: u64,
        bytes: usize,
    ) -> Result<(), Error> {
        let Some(rate) = self.bytes_per_second else { return Ok(()) };
        if let Some(error) = ctx.error() {
            return Err(error.into());
        }
        let until = self.reserve(rate, deadline, store, bytes).ok_or(Error::LimitBeyondDeadline(bytes))?;
        let timer = Resource::Timer { until_ms: self.clock.ms_at(until) };
        Ok(ctx.run(wait(Site::new("limiter", timer), sleep_until(until))).await?)
    }

    /// When these bytes may go; `None` if that is too late, and then nothing is reserved.
    fn reserve(&self, rate: u64, deadline: Option<Instant>, store: u64, bytes: usize) -> Option<Instant> {
        let now = Instant::now();
        let burst = Duration::from_millis(1200);
        let cost = Duration::from_secs_f64(bytes as f64 / rate as f64);
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let full = full_at.get(&store).copied().unwrap_or(now).max(now) + cost;
        // more than a burst at once waits for what is beyond it, as the original does in pieces
        let until = full.checked_sub(burst).unwrap_or(now).max(now);
        if deadline.is_some_and(|deadline| until > deadline) {
            return None;
        }
        full_at.insert(store, full);
        Some(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ctx::CtxError;

    async fn waited(limiter: &Limiter, store: u64, bytes: usize) -> Duration {
        let start = Instant::now();
        limiter.wait(&Ctx::background(), None, store, bytes).await.unwrap();
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_at_once_and_the_rest_at_the_rate() {
        let limiter = Limiter::new(Some(1000), Clock::start());
        assert_eq!(waited(&limiter, 1, 1200).await, Duration::ZERO);
        assert_eq!(waited(&limiter, 1, 500).await, Duration::from_millis(500));
        assert_eq!(waited(&limiter, 2, 500).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_nothing_waits_nor_looks_at_the_context() {
        let ctx = Ctx::background();
        ctx.cancel();
        let limiter = Limiter::new(None, Clock::start());
        assert!(limiter.wait(&ctx, None, 1, usize::MAX).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_past_the_deadline_is_refused_and_an_ended_context_told() {
        let limiter = Limiter::new(Some(1000), Clock::start());
        let ctx = Ctx::background();
        let soon = Instant::now() + Duration::from_secs(1);
        let refused = limiter.wait(&ctx, Some(soon), 1, 10_000).await;
        assert!(matches!(refused, Err(Error::LimitBeyondDeadline(10_000))));
        ctx.cancel();
        let ended = limiter.wait(&ctx, Some(soon), 1, 1).await;
        assert!(matches!(ended, Err(Error::Context(CtxError::Canceled))));
    }
}
