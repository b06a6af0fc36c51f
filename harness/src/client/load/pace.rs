//! Callers, and the pace at which they ask.

use std::future::Future;
use std::time::Duration;

use futures_util::future::try_join_all;
use unstuck_record::Resource;

use crate::client::{Env, Failure, Workload};
use crate::probe::{Site, wait};

/// How many turns each caller has, and how long it rests after each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    pub(super) callers: u32,
    pub(super) turns: u32,
    /// Unscaled.
    pub(super) rest: Duration,
}

impl Pace {
    /// As many turns as the workload has regions, rounded up to the same number for each caller, spread over its duration.
    pub(super) fn of(workload: &Workload) -> Self {
        let callers = workload.workers.max(1);
        let turns = workload.regions.div_ceil(callers).max(1);
        Self { callers, turns, rest: workload.duration / turns }
    }

    /// How many answers that makes.
    pub(super) fn answers(&self) -> u64 {
        u64::from(self.callers) * u64::from(self.turns)
    }
}

/// Runs the callers side by side, each in a task of its own, until all have had their turns or one gives up. A turn is told who it is
/// and which of its turns this is.
pub(super) async fn callers<F, T>(env: &Env, turn: F) -> Result<(), Failure>
where
    F: Fn(u32, u32) -> T + Clone + Send + 'static,
    T: Future<Output = Result<(), Failure>> + Send,
{
    let pace = Pace::of(&env.workload);
    env.meter.expect(pace.answers());
    let one = |caller: u32| {
        let (env, turn) = (env.clone(), turn.clone());
        env.clone().spawn(format!("caller {caller}"), async move {
            for number in 0..pace.turns {
                let job = env.meter.job();
                turn(caller, number).await?;
                drop(job);
                rest(&env, "caller/rest", pace.rest).await;
            }
            Ok(())
        })
    };
    let joined = (0..pace.callers).map(one).map(|caller| async move {
        let ended = caller.join("callers/join").await;
        ended.unwrap_or_else(|error| Err(Failure(error.to_string())))
    });
    try_join_all(joined).await.map(|_| ())
}

/// Sleeps at a wait site of that name; `real` is unscaled.
pub(super) async fn rest(env: &Env, site: &'static str, real: Duration) {
    let scaled = env.scale.timer(real);
    let until_ms = env.tasks.clock().ms() + scaled.as_millis() as u64;
    wait(Site::new(site, Resource::Timer { until_ms }), tokio::time::sleep(scaled)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_are_spread_over_the_duration() {
        let workload = Workload {
            regions: 100,
            batches: 1,
            batch_bytes: 1,
            workers: 8,
            connections: 1,
            duration: Duration::from_secs(130),
        };
        let pace = Pace::of(&workload);
        assert_eq!((pace.turns, pace.rest, pace.answers()), (13, Duration::from_secs(10), 104));
        assert_eq!(Pace::of(&Workload { regions: 0, workers: 0, ..workload }).answers(), 1);
    }
}
