//! A load of timestamps.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fake_tikv::{Observed, Speed};
use unstuck_record::Work;

use super::pace::{callers, rest};
use super::retry::{Backoff, CAP};
use crate::client::ctx::Ctx;
use crate::client::pd::tso::TsoError;
use crate::client::pd::{Behaviour, Tso};
use crate::client::{Client, Env, Failure, Timers, Workload};
use crate::probe::meter::Counts;
use crate::probe::{Meter, frame};

/// Between two tries of lightning's checksum to get a timestamp (tidb#44478: `retryGetTSInterval`).
const CHECKSUM_INTERVAL: Duration = Duration::from_millis(500);
/// The members are asked again after so long, whatever happens.
const LONGEST: Duration = Duration::from_secs(60);

/// Callers that get timestamps, and see to it that each is greater than all that were there before it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TsoLoad {
    revision: Revision,
}

/// Which of the clients that get timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Revision {
    /// pd/client of May 2024 under `TiDB`, which asks again after any error.
    Fixed,
    /// pingcap/tidb#21295: the same over pd/client before tikv/pd#3209.
    Tidb21295,
    /// pingcap/tidb#44263: lightning's checksum, which gives up after the first error.
    Tidb44263,
    /// The same with pingcap/tidb#44478 and 44856: it asks again if the leader may have changed.
    Fix44478,
    /// tikv/pd#6889: "pd client always try to connect the pd server which has been io hang", a comment there says. How it came to
    /// that is not told. Inferred: it asked the member that it knew to lead, and nobody else, who leads.
    Pd6889,
}

/// What a caller does after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Retries {
    Never,
    AfterLeaderChange,
    Always,
}

impl Revision {
    const ALL: [Self; 5] = [Self::Fixed, Self::Tidb21295, Self::Tidb44263, Self::Fix44478, Self::Pd6889];

    fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Tidb21295 => "tidb-21295",
            Self::Tidb44263 => "tidb-44263",
            Self::Fix44478 => "fix-44478",
            Self::Pd6889 => "pd-6889",
        }
    }

    fn behaviour(self) -> Behaviour {
        let today = Behaviour::default();
        match self {
            Self::Tidb21295 => Behaviour { outlives_its_streams: false, ..today },
            Self::Pd6889 => Behaviour { asks_the_leader_only: true, ..today },
            Self::Fixed | Self::Tidb44263 | Self::Fix44478 => today,
        }
    }

    fn retries(self) -> Retries {
        match self {
            Self::Tidb44263 => Retries::Never,
            Self::Fix44478 => Retries::AfterLeaderChange,
            Self::Fixed | Self::Tidb21295 | Self::Pd6889 => Retries::Always,
        }
    }
}

impl TsoLoad {
    /// The load in the revision of this name.
    pub fn at(revision: &str) -> Option<Self> {
        Revision::ALL.into_iter().find(|known| known.name() == revision).map(|revision| Self { revision })
    }
}

impl Client for TsoLoad {
    fn name(&self) -> &'static str {
        "tso"
    }
    fn revision(&self) -> &'static str {
        self.revision.name()
    }
    fn unit(&self) -> &'static str {
        "timestamps"
    }
    fn timers(&self) -> Timers {
        Timers { longest: LONGEST, backoff_cap: CAP, restart_period: CAP }
    }
    fn speed(&self, _workload: &Workload, _stores: u32) -> Speed {
        Speed::default()
    }
    fn run(&self, env: Env) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>> {
        let revision = self.revision;
        Box::pin(async move {
            let main = env.tasks.spawn("main", load(env.clone(), revision));
            main.join("tso/join").await.unwrap_or_else(|error| Err(Failure(error.to_string())))
        })
    }
    fn progress(&self, _seen: &Observed, counts: &Counts) -> (u64, u64) {
        (counts.unique(), counts.total)
    }
    fn audit(&self, _seen: &Observed, counts: &Counts) -> Work {
        Work {
            expected: counts.total,
            unique: counts.unique(),
            duplicated: counts.again(),
            missing: counts.wrong().to_vec(),
        }
    }
}

async fn load(env: Env, revision: Revision) -> Result<(), Failure> {
    let ctx = Ctx::background().child();
    let _ends = ctx.cancel_on_drop();
    let tso = Tso::connect(&ctx, &env, revision.behaviour()).await;
    let tso = tso.map_err(|status| Failure(status.message().to_owned()))?;
    let caller =
        Caller { env: env.clone(), ctx, tso, retries: revision.retries(), newest: Newest::default() };
    callers(&env, move |number, _| caller.clone().turn(number)).await
}

#[derive(Clone, Debug)]
struct Caller {
    env: Env,
    ctx: Ctx,
    tso: Tso,
    retries: Retries,
    newest: Newest,
}

/// The greatest timestamp that anybody has got.
#[derive(Clone, Debug, Default)]
struct Newest(Arc<Mutex<u64>>);

impl Newest {
    fn get(&self) -> u64 {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A timestamp has come; `before` is what was the greatest when it was asked for. The same timestamp twice is for the meter to
    /// notice.
    fn got(&self, meter: &Meter, before: u64, stamp: u64) {
        if stamp <= before {
            meter.wrong(format!("timestamp {stamp} was given after {before}"));
        }
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *newest = stamp.max(*newest);
        meter.done(stamp.to_string());
    }
}

impl Caller {
    /// One timestamp, however many tries that takes.
    async fn turn(self, number: u32) -> Result<(), Failure> {
        let mut backoff = Backoff::new(self.env.seed.wrapping_add(number.into()));
        loop {
            self.env.meter.attempt();
            let before = self.newest.get();
            let error = match frame("getTimestamp", Box::pin(self.tso.get(&self.ctx))).await {
                Ok(stamp) => {
                    self.newest.got(&self.env.meter, before, stamp);
                    return Ok(());
                }
                Err(error) => error,
            };
            if let TsoError::Fallback { .. } = error {
                self.env.meter.wrong(error.to_string());
            }
            let pause = match self.retries {
                Retries::Always => backoff.failed(),
                Retries::AfterLeaderChange if error.is_leader_change() => CHECKSUM_INTERVAL,
                Retries::AfterLeaderChange | Retries::Never => {
                    return Err(Failure(format!("fetch tso from pd failed: {error}")));
                }
            };
            self.env.meter.retry();
            rest(&self.env, "getTimestamp/backoff", pause).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audited(stamps: &[(u64, u64)]) -> Work {
        let (meter, newest) = (Meter::default(), Newest::default());
        meter.expect(stamps.len() as u64);
        for (before, stamp) in stamps {
            newest.got(&meter, *before, *stamp);
        }
        TsoLoad::at("fixed").unwrap().audit(&Observed::default(), &meter.read())
    }

    #[test]
    fn a_timestamp_that_goes_back_or_comes_twice_is_told() {
        let work = audited(&[(0, 5), (0, 6), (6, 7)]);
        assert_eq!((work.unique, work.duplicated, work.missing), (3, 0, vec![]));
        let work = audited(&[(0, 5), (5, 4)]);
        assert_eq!((work.unique, work.missing), (2, vec!["timestamp 4 was given after 5".to_owned()]));
        let work = audited(&[(0, 5), (0, 5)]);
        assert_eq!((work.expected, work.unique, work.duplicated), (2, 1, 1));
    }

    #[test]
    fn a_revision_differs_from_the_fixed_one_in_one_thing() {
        let fixed = Revision::Fixed;
        for revision in Revision::ALL {
            let same = [revision.behaviour() == fixed.behaviour(), revision.retries() == fixed.retries()];
            let differences = same.iter().filter(|same| !**same).count();
            assert_eq!(differences, usize::from(revision != fixed), "{revision:?}");
            assert_eq!(TsoLoad::at(revision.name()).unwrap().revision, revision);
        }
        assert!(TsoLoad::at("tidb-1").is_none());
    }
}
