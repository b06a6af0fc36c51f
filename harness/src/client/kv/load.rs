//! A load at a steady pace: numbered operations, each due at its time, done by a few workers and done again until they succeed.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use unstuck_record::Resource;

use super::backoff::{Backoffer, Kind, sleep};
use super::error::Error;
use super::keys::Keys;
use super::tools::Tools;
use crate::client::Failure;
use crate::client::ctx::Ctx;
use crate::client::pd::PdClient;
use crate::probe::{Site, wait};

/// The pause before an operation that has failed begins anew.
const AGAIN: Duration = Duration::from_secs(1);
/// Regions asked of PD at a time.
const SCAN_LIMIT: i32 = 1024;
/// The budget of the first look at the regions; a client's own budget would end a job that starts under a fault.
const SCAN_BUDGET: Duration = Duration::from_secs(3600);

/// What one operation does.
pub(super) type Doing = Pin<Box<dyn Future<Output = Result<(), Stopped>> + Send>>;

/// Why an operation did not succeed.
#[derive(Debug)]
pub(super) enum Stopped {
    /// It may next time.
    Again(Error),
    /// What it found is wrong: the job fails.
    Wrong(String),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Again(error)
    }
}

/// Does operations `0..total`, spread evenly over the workload's duration. Whoever is late catches up as fast as it can.
pub(super) async fn run(
    tools: &Tools,
    total: u64,
    operation: Arc<dyn Fn(u64) -> Doing + Send + Sync>,
) -> Result<(), Failure> {
    let env = &tools.env;
    env.meter.expect(total);
    let interval = env.scale.span(env.workload.duration) / u32::try_from(total.max(1)).unwrap_or(u32::MAX);
    let (next, start) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let workers: Vec<_> = (1..=env.workload.workers.max(1))
        .map(|number| {
            let worker = Worker { tools: tools.clone(), total, interval, start, next: next.clone() };
            env.tasks.spawn(format!("worker {number}"), worker.run(operation.clone()))
        })
        .collect();
    for worker in workers {
        worker.join("workers").await.unwrap_or_else(|error| Err(Failure(error.to_string())))?;
    }
    Ok(())
}

struct Worker {
    tools: Tools,
    total: u64,
    interval: Duration,
    start: Instant,
    next: Arc<AtomicU64>,
}

impl Worker {
    async fn run(self, operation: Arc<dyn Fn(u64) -> Doing + Send + Sync>) -> Result<(), Failure> {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.total {
                return Ok(());
            }
            self.until_due(number).await;
            let _in_flight = self.tools.env.meter.job();
            loop {
                match operation(number).await {
                    Ok(()) => break,
                    Err(Stopped::Wrong(what)) => return Err(Failure(what)),
                    Err(Stopped::Again(error)) => {
                        self.tools.log(&format!("operation {number} failed: {error}"));
                        self.tools.env.meter.retry();
                        sleep(&self.tools.env, "load/again", AGAIN).await;
                    }
                }
            }
            self.tools.env.meter.done(format!("{number:08}"));
        }
    }

    async fn until_due(&self, number: u64) {
        let due = self.start + self.interval * u32::try_from(number).unwrap_or(u32::MAX);
        if due > Instant::now() {
            let until_ms = self.tools.env.tasks.clock().ms_at(due);
            wait(Site::new("load/due", Resource::Timer { until_ms }), tokio::time::sleep_until(due)).await;
        }
    }
}

/// Where the regions begin, as keys of the client.
pub(super) async fn region_starts(tools: &Tools, pd: &PdClient, keys: Keys) -> Result<Vec<Bytes>, Failure> {
    let ctx = Ctx::background();
    let mut backoffer = Backoffer::new(SCAN_BUDGET, tools.env.seed);
    let (mut starts, mut from) = (vec![], Bytes::new());
    loop {
        let regions = match pd.scan_regions(&ctx, &from, b"", SCAN_LIMIT).await {
            Ok(regions) => regions,
            Err(status) => {
                let paused = backoffer.pause(&tools.env, Kind::PdRpc, status.message()).await;
                paused.map_err(|error| Failure(error.to_string()))?;
                continue;
            }
        };
        starts.extend(regions.iter().filter_map(|(region, _)| keys.of_region(&region.start_key)));
        match regions.last() {
            Some((region, _)) if region.end_key > from => from = region.end_key.clone(),
            _ => return Ok(starts),
        }
    }
}

/// The key of operation `number`: it goes round the regions, and each time round adds a key to each.
pub(super) fn key(starts: &[Bytes], number: u64) -> Bytes {
    let count = starts.len().max(1) as u64;
    let (round, region) = (number / count, (number % count) as usize);
    let start = starts.get(region).map_or(&[][..], |start| start);
    [start, format!("/{round:06}").as_bytes()].concat().into()
}

#[cfg(test)]
mod tests {
    use fake_tikv::data;

    use super::*;

    #[test]
    fn keys_go_round_the_regions_and_stay_within_them() {
        let starts: Vec<Bytes> = (0..3).map(|region| data::border(region, 4)).collect();
        let keys: Vec<Bytes> = (0..9).map(|number| key(&starts, number)).collect();
        for (number, key) in keys.iter().enumerate() {
            let region = number % 3;
            assert!(starts[region] <= *key);
            assert!(starts.get(region + 1).is_none_or(|next| key < next));
        }
        let mut unique = keys.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), keys.len());
    }
}
