//! One import: who works, what they hand to each other, and when it is over.
//!
//! ```text
//!   generator ──────┬──► jobToWorker ──► workers ──► jobFromWorker ──► dispatcher ──► done
//!                   │                                                      │
//!                   └────────────────── retry heap ◄───────────────────────┘
//! ```
//!
//! Both channels are unbuffered, so a job always belongs to a task. The import is over when no job lives, or fails
//! with the first error.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use tokio::task::JoinError;

use super::backend::Backend;
use super::call::call;
use super::data::{Engine, Payload};
use super::dispatch::dispatch;
use super::error::Error;
use super::job::Job;
use super::limiter::Limiter;
use super::log::Log;
use super::pool::Pool;
use super::retryer::Retryer;
use super::revision::Revision;
use super::scan::{Backoff, generate_jobs, keys_per_region};
use super::wait_group::WaitGroup;
use super::worker::work;
use crate::client::chan::Chan;
use crate::client::ctx::Ctx;
use crate::client::pd::{PdClient, PdOptions, TOOL_TIMEOUT};
use crate::client::{Env, Failure};
use crate::probe::{Joinable, Tasks};

/// The first error of an import, which ends it. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct FirstError {
    error: Arc<OnceLock<Error>>,
    workers: Ctx,
}

impl FirstError {
    /// Keeps the error if it is the first, and ends the workers' context.
    pub(super) fn set(&self, error: Error) {
        let _later_ones_follow_from_it = self.error.set(error);
        self.workers.cancel();
    }
}

/// Imports the whole data set.
pub(super) async fn import(env: Env, revision: Revision, write_limit: Option<u64>) -> Result<(), Failure> {
    let tasks = env.tasks.clone();
    let workers = env.workload.workers.max(1);
    // the context of all workers; it ends with the import and not before, whatever becomes of a job
    let ctx = Ctx::background().child();
    let backend = Arc::new(backend(env, &ctx, revision, write_limit).await.map_err(|error| failure(&error))?);
    let (ranges, keys) = (backend.engine.ranges(), backend.engine.keys());
    backend.meter.expect(keys);
    backend.log.info("start import engine", &[("region ranges", &ranges), ("count", &keys)]);
    let imported = call("local.(*Backend).doImport", do_import(&tasks, &backend, ctx, workers)).await;
    backend.pool.close().await;
    if imported.is_ok() {
        backend.log.info("import engine success", &[("kvs", &keys)]);
    }
    imported
}

async fn backend(
    env: Env,
    ctx: &Ctx,
    revision: Revision,
    write_limit: Option<u64>,
) -> Result<Backend, Error> {
    let clock = env.tasks.clock();
    let options = PdOptions { timeout: TOOL_TIMEOUT, scale: env.scale, seed: env.seed };
    let pd = PdClient::new(&env.net, env.pd, options);
    let keys = keys_per_region(&pd, ctx, &mut Backoff::new(env.scale, clock)).await?;
    Ok(Backend {
        revision,
        scale: env.scale,
        clock,
        seed: env.seed,
        engine: Engine::new(&env.workload, keys),
        pool: Pool::new(&env.net, pd.clone(), env.scale, env.seed, env.workload.connections),
        pd,
        limiter: Limiter::new(write_limit, clock),
        log: Log::new(env.log),
        meter: env.meter,
        files: AtomicU64::new(0),
    })
}

async fn do_import(tasks: &Tasks, backend: &Arc<Backend>, ctx: Ctx, workers: u32) -> Result<(), Failure> {
    let to_worker: Chan<Job> = Chan::new("jobToWorker", "jobToWorker");
    let from_worker: Chan<Job> = Chan::new("jobFromWorker", "jobFromWorker");
    let job_wg = WaitGroup::new("jobWg");
    let first_error = FirstError { error: Arc::default(), workers: ctx.clone() };
    let retryer = Retryer::new(backend.clock);

    let retry = tasks.spawn("retry", retryer.clone().run(ctx.clone(), to_worker.clone(), job_wg.clone()));
    let dispatching =
        dispatch(backend.clone(), from_worker.clone(), retryer, first_error.clone(), job_wg.clone());
    let dispatcher = tasks.spawn("dispatcher", dispatching);
    let workers: Vec<Joinable<()>> = (1..=workers)
        .map(|number| {
            let working =
                work(backend.clone(), ctx.clone(), to_worker.clone(), from_worker.clone(), job_wg.clone());
            let working =
                call("local.(*Backend).doImport.func3", call("local.(*Backend).startWorker", working));
            tasks.spawn(format!("worker {number}"), first(first_error.clone(), working))
        })
        .collect();

    let generating = generate(backend.clone(), ctx.clone(), to_worker.clone(), job_wg.clone());
    let generator = tasks.spawn("generator", first(first_error.clone(), generating));
    ended(generator.join("generator").await)?;

    call("sync.(*WaitGroup).Wait", job_wg.wait()).await;
    ctx.cancel();
    for worker in workers {
        ended(worker.join("workGroup").await)?;
    }
    from_worker.close();
    ended(dispatcher.join("dispatcher").await)?;
    ended(retry.join("retry").await)?;
    first_error.error.get().map_or(Ok(()), |error| Err(failure(error)))
}

/// Makes the jobs of range after range and hands them to the workers.
async fn generate(
    backend: Arc<Backend>,
    ctx: Ctx,
    to_worker: Chan<Job>,
    job_wg: WaitGroup,
) -> Result<(), Error> {
    let _sends = to_worker.sends();
    let generating = async {
        for range in 0..backend.engine.ranges() {
            let keys = backend.engine.range(range);
            let payload = Arc::new(Payload::new(keys.clone()));
            let jobs = match generate_jobs(&backend, &ctx, &keys, &payload, &job_wg).await {
                Ok(jobs) => jobs,
                // a worker's error is the import's, not what follows from it
                Err(_) if ctx.error().is_some() => return Ok(()),
                Err(error) => return Err(error),
            };
            for job in jobs {
                if ctx.run(to_worker.send(job)).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    };
    call("local.(*Backend).prepareAndSendJob", generating).await
}

/// Runs `task`; its error is the import's if it is the first.
async fn first(first_error: FirstError, task: impl Future<Output = Result<(), Error>>) {
    if let Err(error) = task.await {
        first_error.set(error);
    }
}

/// A task that panicked panics here; one that was aborted ends the import with it.
fn ended(joined: Result<(), JoinError>) -> Result<(), Failure> {
    match joined.map_err(JoinError::try_into_panic) {
        Ok(()) => Ok(()),
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(aborted)) => Err(Failure(aborted.to_string())),
    }
}

fn failure(error: &Error) -> Failure {
    Failure(error.to_string())
}
