//! A load of lookups: regions, stores and members over gRPC, rules over HTTP, and now and then a client made anew.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use fake_tikv::proto::metapb;
use fake_tikv::{Observed, Speed};
use tonic::Status;
use unstuck_record::Work;

use super::pace::{callers, rest};
use super::retry::{Backoff, CAP};
use crate::client::ctx::Ctx;
use crate::client::pd::{Behaviour, Lookups, Route};
use crate::client::{Client, Env, Failure, Timers, Workload};
use crate::probe::frame;
use crate::probe::meter::Counts;

/// The members are asked again after so long, whatever happens.
const LONGEST: Duration = Duration::from_secs(60);
/// How many regions a scan asks for.
const SCAN: i32 = 16;

/// Callers that look things up, and see to it that the answers are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PdLoad {
    revision: Revision,
}

/// Which of the clients that look things up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Revision {
    /// pd/client of May 2024 under `TiDB`, and its HTTP client under lightning.
    Fixed,
    /// tikv/pd#7416: the same with forwarding and dials that wait. A leader that cannot be dialled is none, so nobody is asked to pass
    /// requests on to it.
    Pd7416,
    /// With tikv/pd#7443: it is the leader all the same.
    Fix7443,
    /// pingcap/tidb#43436: members that came later are not learned. Inferred: the one address that lightning was given is all that
    /// it ever asks.
    Tidb43436,
    /// pingcap/tidb#46688: a label rule is sent to the first address, and to no other (before pingcap/tidb#46726).
    Tidb46688,
    /// pingcap/tidb#49744, tikv/pd#7613: the loop over the followers ends at the leader's place (before tikv/pd#7622).
    Tidb49744,
    /// pingcap/tidb#48064 and 51103: "failed to get cluster id". A client for a new job is made with three tries (br/pkg/pdutil:
    /// `WithMaxErrorRetry`). Inferred: and with one address, as a Kubernetes service is.
    Tidb48064,
}

impl Revision {
    const ALL: [Self; 7] = [
        Self::Fixed,
        Self::Pd7416,
        Self::Fix7443,
        Self::Tidb43436,
        Self::Tidb46688,
        Self::Tidb49744,
        Self::Tidb48064,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Pd7416 => "pd-7416",
            Self::Fix7443 => "fix-7443",
            Self::Tidb43436 => "tidb-43436",
            Self::Tidb46688 => "tidb-46688",
            Self::Tidb49744 => "tidb-49744",
            Self::Tidb48064 => "tidb-48064",
        }
    }

    /// Of the client that lasts.
    fn behaviour(self) -> Behaviour {
        let today = Behaviour::default();
        let forwarding = Behaviour { forwards: true, blocking_dial: true, ..today };
        match self {
            Self::Pd7416 => Behaviour { follows_the_unreached: false, ..forwarding },
            Self::Fix7443 => forwarding,
            Self::Tidb43436 => Behaviour { knows_one_member: true, ..today },
            Self::Fixed | Self::Tidb46688 | Self::Tidb49744 | Self::Tidb48064 => today,
        }
    }

    /// Of a client for one job.
    fn of_a_job(self) -> Behaviour {
        match self {
            Self::Tidb48064 => Behaviour { knows_one_member: true, init_retries: 3, ..Behaviour::default() },
            _ => self.behaviour(),
        }
    }

    fn route(self) -> Route {
        match self {
            Self::Tidb46688 => Route::First,
            Self::Tidb49744 => Route::UpToTheLeader,
            _ => Route::Everybody,
        }
    }
}

/// What a caller can want, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Region,
    Store,
    Scan,
    Members,
    /// Over HTTP.
    LabelRule,
    /// A client of its own, which is asked for the stores.
    Job,
}

const QUESTIONS: [Question; 6] = [
    Question::Region,
    Question::Store,
    Question::Scan,
    Question::Members,
    Question::LabelRule,
    Question::Job,
];

impl PdLoad {
    /// The load in the revision of this name.
    pub fn at(revision: &str) -> Option<Self> {
        Revision::ALL.into_iter().find(|known| known.name() == revision).map(|revision| Self { revision })
    }
}

impl Client for PdLoad {
    fn name(&self) -> &'static str {
        "pd"
    }
    fn revision(&self) -> &'static str {
        self.revision.name()
    }
    fn unit(&self) -> &'static str {
        "answers"
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
            main.join("pd/join").await.unwrap_or_else(|error| Err(Failure(error.to_string())))
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
    let gave_up = |status: Status| Failure(status.message().to_owned());
    let pd = Lookups::connect(&ctx, &env, revision.behaviour(), revision.route()).await.map_err(gave_up)?;
    let known = Known {
        members: env.pd.len(),
        regions: pd
            .scan(&ctx, b"", 0)
            .await
            .map_err(gave_up)?
            .into_iter()
            .map(|(region, _)| region)
            .collect(),
        stores: pd.stores(&ctx).await.map_err(gave_up)?.iter().map(|store| store.id).collect(),
    };
    if known.regions.is_empty() || known.stores.is_empty() {
        return Err(Failure("[pd] no region or no store is known".to_owned()));
    }
    let caller = Caller { env: env.clone(), ctx, pd, revision, known: Arc::new(known) };
    callers(&env, move |caller_number, turn| caller.clone().turn(caller_number, turn)).await
}

/// What the answers are held against. Nothing of it changes: no case of this load moves regions.
#[derive(Debug)]
struct Known {
    members: usize,
    regions: Vec<metapb::Region>,
    stores: Vec<u64>,
}

#[derive(Clone, Debug)]
struct Caller {
    env: Env,
    ctx: Ctx,
    pd: Lookups,
    revision: Revision,
    known: Arc<Known>,
}

/// Why there is no answer.
enum Wrong {
    /// Ask again.
    Now(Status),
    /// The caller gives up over it.
    Final(Failure),
}

impl Caller {
    /// One answer, however many tries that takes, unless an error is final.
    async fn turn(self, number: u32, turn: u32) -> Result<(), Failure> {
        let mut backoff = Backoff::new(self.env.seed.wrapping_add(number.into()));
        let nth = number as usize + turn as usize;
        let question = QUESTIONS[nth % QUESTIONS.len()];
        loop {
            self.env.meter.attempt();
            match frame("ask", Box::pin(self.ask(question, nth))).await {
                Ok(right) => {
                    if !right {
                        self.env.meter.wrong(format!("{question:?} of caller {number}, turn {turn}"));
                    }
                    self.env.meter.done(format!("caller {number}, turn {turn}"));
                    return Ok(());
                }
                Err(Wrong::Final(failure)) => return Err(failure),
                Err(Wrong::Now(_status)) => {}
            }
            self.env.meter.retry();
            rest(&self.env, "ask/backoff", backoff.failed()).await;
        }
    }

    /// Whether the answer is right, if there is one.
    async fn ask(&self, question: Question, nth: usize) -> Result<bool, Wrong> {
        let (ctx, known) = (&self.ctx, &self.known);
        let region = &known.regions[nth % known.regions.len()];
        match question {
            Question::Region => {
                let told = self.pd.region(ctx, &region.start_key).await?;
                Ok(told.is_some_and(|(told, _)| told == *region))
            }
            Question::Store => {
                let id = known.stores[nth % known.stores.len()];
                Ok(self.pd.store(ctx, id).await?.is_some_and(|store| store.id == id))
            }
            Question::Scan => {
                let told = self.pd.scan(ctx, &region.start_key, SCAN).await?;
                let from = known.regions.iter().skip_while(|other| other.id != region.id).take(SCAN as usize);
                Ok(told.iter().map(|(region, _)| region).eq(from))
            }
            Question::Members => Ok(self.pd.members(ctx).await? == known.members),
            Question::LabelRule => {
                let rule = format!(r#"{{"id":"load/{nth}","labels":[],"rule_type":"key-range","data":[]}}"#);
                let set = self.pd.set_label_rule(ctx, &rule).await;
                set.map(|()| true).map_err(|error| Wrong::Final(Failure(error.to_string())))
            }
            Question::Job => self.job(nth).await.map_err(Wrong::Final),
        }
    }

    /// A client of its own, which has to be made, and is then asked until it answers.
    async fn job(&self, nth: usize) -> Result<bool, Failure> {
        let ctx = self.ctx.child();
        let _ends = ctx.cancel_on_drop();
        let made = Lookups::connect(&ctx, &self.env, self.revision.of_a_job(), self.revision.route()).await;
        let made = made.map_err(|status| Failure(format!("create pd client error: {}", status.message())))?;
        let mut backoff = Backoff::new(self.env.seed.wrapping_add(nth as u64));
        loop {
            if let Ok(stores) = made.stores(&ctx).await {
                return Ok(stores.iter().map(|store| store.id).eq(self.known.stores.iter().copied()));
            }
            self.env.meter.retry();
            rest(&self.env, "job/backoff", backoff.failed()).await;
        }
    }
}

impl From<Status> for Wrong {
    fn from(status: Status) -> Self {
        Self::Now(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_differs_from_the_one_that_mends_it_in_one_thing() {
        for revision in Revision::ALL {
            let mended = if revision == Revision::Pd7416 { Revision::Fix7443 } else { Revision::Fixed };
            let same = [
                revision.behaviour() == mended.behaviour(),
                revision.of_a_job() == mended.of_a_job(),
                revision.route() == mended.route(),
            ];
            // a client that lasts and one of a job differ in the same
            let differences = same.iter().filter(|same| !**same).count() - usize::from(!same[0] && !same[1]);
            assert_eq!(differences, usize::from(revision != mended), "{revision:?}");
            assert_eq!(PdLoad::at(revision.name()).unwrap().revision, revision);
        }
        assert!(PdLoad::at("tidb-1").is_none());
    }
}
