//! The dispatcher: takes jobs from the workers, and lets go of them or puts them back for later.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::backend::Backend;
use super::call::call;
use super::error::Error;
use super::import::FirstError;
use super::job::{Job, Stage};
use super::retryer::Retryer;
use super::wait_group::WaitGroup;
use crate::client::chan::Chan;

/// Tries of one job before the import fails; source: `maxWriteAndIngestRetryTimes`.
const MAX_RETRIES: u32 = 30;
/// The longest wait before a try; source: `maxRetryBackoffSecond`.
pub(super) const MAX_BACKOFF: Duration = Duration::from_secs(30);
/// The wait before the first try that follows a failure, then doubled: 2^n s; source: `doImport`.
pub(super) const FIRST_BACKOFF: Duration = Duration::from_secs(2);

/// Dispatches until `from_workers` is closed.
pub(super) async fn dispatch(
    backend: Arc<Backend>,
    from_workers: Chan<Job>,
    retryer: Retryer,
    first_error: FirstError,
    job_wg: WaitGroup,
) {
    let _receives = from_workers.receives();
    let _pushes = retryer.pushes().join();
    let _owns = job_wg.owners().join();
    let dispatching = async {
        while let Some(job) = from_workers.recv("jobFromWorker").await {
            match &job.stage {
                Stage::RegionScanned | Stage::Wrote(_) => put_back(&backend, &retryer, &first_error, job),
                Stage::Ingested(_) => drop(job),
                Stage::NeedRescan => unreachable!("its worker rescans such a job"),
            }
        }
    };
    call("local.(*Backend).doImport.func2", dispatching).await;
}

fn put_back(backend: &Backend, retryer: &Retryer, first_error: &FirstError, mut job: Job) {
    job.retry_count += 1;
    if job.retry_count > MAX_RETRIES {
        first_error.set(job.last_error.take().unwrap_or(Error::Eof));
        return;
    }
    job.wait_until = Instant::now() + backend.scale.timer(backoff(job.retry_count));
    backend.meter.retry();
    let until = backend.clock.ms_at(job.wait_until);
    let fields: [(&str, &dyn std::fmt::Display); 4] = [
        ("startKey", &job.keys.start),
        ("stage", &job.stage),
        ("retryCount", &job.retry_count),
        ("waitUntilMs", &until),
    ];
    backend.log.info("put job back to jobCh to retry later", &fields);
    retryer.push(job);
}

/// The wait before try `retry` (from 1): 2, 4, 8, 16, then 30 s.
fn backoff(retry: u32) -> Duration {
    let doubled = 1_u32.checked_shl(retry - 1).map(|factor| FIRST_BACKOFF.saturating_mul(factor));
    doubled.map_or(MAX_BACKOFF, |wait| wait.min(MAX_BACKOFF))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_tries_wait_810_seconds_in_all() {
        let waits: Vec<_> = (1..=MAX_RETRIES).map(|retry| backoff(retry).as_secs()).collect();
        assert_eq!(waits[..6], [2, 4, 8, 16, 30, 30]);
        assert_eq!(waits.iter().sum::<u64>(), 810);
    }
}
