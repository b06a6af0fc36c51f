//! What every part of the backup needs: the environment, the revision's behaviour, the log.

use std::future::Future;
use std::time::Duration;

use tonic::Status;
use unstuck_record::Resource;

use super::Behaviour;
use super::lines::Lines;
use super::retry::{Backoff, pd_retryable};
use crate::client::Env;
use crate::client::ctx::Ctx;
use crate::probe::{Site, wait};

/// Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Tools {
    pub(super) env: Env,
    pub(super) behaviour: Behaviour,
    pub(super) lines: Lines,
}

impl Tools {
    /// Sleeps at a wait site of that name; `real` is unscaled.
    pub(super) async fn sleep(&self, site: &'static str, real: Duration) {
        let scaled = self.env.scale.timer(real);
        let until_ms = self.env.tasks.clock().ms() + scaled.as_millis() as u64;
        wait(Site::new(site, Resource::Timer { until_ms }), tokio::time::sleep(scaled)).await;
    }

    /// Asks PD again and again as BR does, for about a minute of pauses. The last error is the answer then.
    pub(super) async fn ask_pd<T, F>(&self, ctx: &Ctx, ask: impl Fn() -> F) -> Result<T, Status>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let mut backoff = Backoff::pd();
        loop {
            let error = match ask().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let pause = backoff.failed(pd_retryable(&error));
            if !backoff.has_attempts() || ctx.run(self.sleep("WithRetry/pd", pause)).await.is_err() {
                return Err(error);
            }
        }
    }
}
