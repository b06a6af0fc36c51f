//! An async function of your own as the client under test.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use fake_tikv::{Observed, Speed};
use unstuck_record::Work;

use super::{Client, Env, Failure, Timers, Workload};
use crate::probe::meter::Counts;

/// What a client is taken to have when it does not say: gRPC's usual deadline and back-off, a minute of work.
const TIMERS: Timers = Timers {
    longest: Duration::from_secs(60),
    backoff_cap: Duration::from_secs(10),
    restart_period: Duration::from_secs(60),
};

type Job = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// An async function over an [`Env`] as the client under test.
///
/// The function does the whole job and returns when it has ended. It says how much there is to do with
/// `env.meter.expect(n)` and reports each unit once it is done with `env.meter.done(name)`: a case passes if the function
/// returns `Ok` in time and every unit is done.
///
/// ```no_run
/// use unstuck::client::{Env, Own};
///
/// async fn import(env: Env) -> Result<(), std::io::Error> {
///     env.meter.expect(1);
///     let _pd = env.net.connect(env.pd[0]).await?;
///     env.meter.done("connected");
///     Ok(())
/// }
/// let client = Own::new("importer", import).unit("keys");
/// ```
#[derive(Clone)]
pub struct Own {
    name: String,
    revision: String,
    unit: &'static str,
    timers: Timers,
    sockets_only: bool,
    run: Arc<dyn Fn(Env) -> Job + Send + Sync>,
}

impl Own {
    /// A client of this name. The function is called once a run.
    pub fn new<F, R, E>(name: impl Into<String>, run: F) -> Self
    where
        F: Fn(Env) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        let run = move |env| -> Job {
            let job = run(env);
            Box::pin(async move { job.await.map_err(|error| Failure(error.to_string())) })
        };
        Self {
            name: name.into(),
            revision: "own".to_owned(),
            unit: "units",
            timers: TIMERS,
            sockets_only: false,
            run: Arc::new(run),
        }
    }

    /// Which revision of the client this is; `own` if it does not say.
    pub fn revision(self, revision: impl Into<String>) -> Self {
        Self { revision: revision.into(), ..self }
    }

    /// What its progress counts; `units` if it does not say.
    pub fn unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    /// Its timers. After the budget a run goes on for twice the longest, to tell slow from stuck. If it does not say: 60 s
    /// the longest, back-off up to 10 s, a minute of work before a restart begins anew.
    pub fn timers(self, timers: Timers) -> Self {
        Self { timers, ..self }
    }

    /// It dials for itself instead of through [`Env::connector`] or [`Env::net`]: it runs on real sockets only.
    pub fn dials_for_itself(self) -> Self {
        Self { sockets_only: true, ..self }
    }
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.revision)
    }
}

impl Client for Own {
    fn name(&self) -> &str {
        &self.name
    }
    fn revision(&self) -> &str {
        &self.revision
    }
    fn unit(&self) -> &'static str {
        self.unit
    }
    fn timers(&self) -> Timers {
        self.timers
    }
    fn runs_in_sim(&self) -> bool {
        !self.sockets_only
    }
    /// The stores answer at once: how long the job takes is the client's affair.
    fn speed(&self, _: &Workload, _: u32) -> Speed {
        Speed::default()
    }
    fn run(&self, env: Env) -> Job {
        (self.run)(env)
    }
    fn progress(&self, _: &Observed, counts: &Counts) -> (u64, u64) {
        (counts.unique(), counts.total)
    }
    fn audit(&self, _: &Observed, counts: &Counts) -> Work {
        let (unique, expected) = (counts.unique(), counts.total);
        let lacking = expected.saturating_sub(unique);
        let missing = (lacking > 0).then(|| format!("{lacking} of {expected} {} were never done", self.unit));
        Work { expected, unique, duplicated: 0, missing: missing.into_iter().collect() }
    }
}
