//! Workers: each takes one job after the other as far as it gets.

use std::sync::Arc;

use super::backend::Backend;
use super::call::call;
use super::data::Payload;
use super::error::Error;
use super::ingest::ingest;
use super::job::{Job, Stage};
use super::scan::generate_jobs;
use super::wait_group::WaitGroup;
use super::write::write_to_tikv;
use crate::client::chan::Chan;
use crate::client::ctx::Ctx;
use crate::probe::progressed;

/// Works until the context ends or `jobs` is closed. An error is one that no further try can mend.
pub(super) async fn work(
    backend: Arc<Backend>,
    ctx: Ctx,
    jobs: Chan<Job>,
    done: Chan<Job>,
    job_wg: WaitGroup,
) -> Result<(), Error> {
    let _receives = jobs.receives();
    let _sends = done.sends();
    let _owns = job_wg.owners().join();
    while let Ok(Some(mut job)) = ctx.run(jobs.recv("jobToWorker")).await {
        backend.meter.attempt();
        let in_flight = backend.meter.job();
        let executed = call("local.(*Backend).executeJob", execute(&backend, &ctx, &mut job)).await;
        drop(in_flight);
        if job.stage == Stage::NeedRescan {
            for job in rescan(&backend, &ctx, job, &job_wg).await? {
                done.send(job).await;
            }
        } else {
            done.send(job).await;
        }
        executed?;
    }
    Ok(())
}

/// New jobs for the keys of one whose region is in doubt. They begin anew, with no retry to their count.
async fn rescan(backend: &Backend, ctx: &Ctx, job: Job, job_wg: &WaitGroup) -> Result<Vec<Job>, Error> {
    let mut jobs = generate_jobs(backend, ctx, &job.keys, &job.payload, job_wg).await?;
    for new in &mut jobs {
        new.last_error.clone_from(&job.last_error);
    }
    Ok(jobs)
}

/// Takes a job to `ingested` if it can. After a retryable error its stage says what is left to do.
async fn execute(backend: &Backend, ctx: &Ctx, job: &mut Job) -> Result<(), Error> {
    loop {
        if let Err(error) = call("local.(*Backend).writeToTiKV", write_to_tikv(backend, ctx, job)).await {
            return later(backend, job, error, "meet retryable error when writing to TiKV");
        }
        if let Err(error) = call("local.(*Backend).ingest", ingest(backend, ctx, job)).await {
            return later(backend, job, error, "meet retryable error when ingesting");
        }
        let Stage::Ingested(written) = &job.stage else { return Ok(()) };
        progressed();
        let Some(rest) = written.as_ref().and_then(|written| written.remaining) else { return Ok(()) };
        job.keys.start = rest;
        job.payload = Arc::new(Payload::new(job.keys.clone()));
        job.stage = Stage::RegionScanned;
    }
}

/// Keeps a retryable error with its job; any other is the import's.
fn later(backend: &Backend, job: &mut Job, error: Error, message: &'static str) -> Result<(), Error> {
    if !error.retryable(backend.revision) {
        return Err(error);
    }
    backend.log.warn(message, &[("error", &error), ("job stage", &job.stage)]);
    job.last_error = Some(error);
    Ok(())
}
