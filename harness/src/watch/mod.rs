//! A client that runs elsewhere, under faults that others carry out: watched, recorded, and judged as any other.
//!
//! * `since`: time since the client's start
//! * `chaos_mesh`: when Chaos Mesh did what, by the status of its objects
//! * `faults`: when the faults of the plan act, as Chaos Mesh says, else as the plan has it
//! * [`ask`]: progress, dumps, the client's end, by URL
//! * `follow`: the one loop that owns a watch
//!
//! Nobody here sees what passes between the client and the cluster. So the record says of each fault who says that it was in
//! force (`Evidence::elsewhere`), and what the client did while nobody answered is not made up.

pub mod ask;
mod chaos_mesh;
mod faults;
mod follow;
mod since;

use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use unstuck_record::{Expect, Header, Limits, PlannedFault, Run};

use crate::fault::Plan;
use crate::fault::plan::{Injection, Unplannable};
use crate::run::cases::topology;
use crate::run::recorder::Recorder;
use crate::run::seed::split;
use crate::scenario::{Case, File, Selector, Sizes};
use crate::verdict::budget;
pub use ask::{Asked, Exit, Place};
pub use since::unix_ms;

/// The world of a record whose client and faults were elsewhere.
pub const WORLD: &str = "elsewhere";

/// Without a budget a client is watched for so long: nobody knows how long it may take.
const WITHOUT_BUDGET: Duration = Duration::from_secs(24 * 3600);

/// One case whose client is to be watched.
#[derive(Clone, Debug)]
pub struct Watch {
    /// The scenario file, as it is to be named in reports.
    pub file: String,
    /// The line of the case in it, from 1.
    pub line: u32,
    /// The case's name.
    pub case: String,
    /// `name@revision`.
    pub client: String,
    /// The seed of the plan.
    pub seed: u64,
    /// The faults in the order of injection, as the case has them.
    pub planned: Vec<PlannedFault>,
    /// What some of them wait for, in words.
    pub triggers: Vec<String>,
    /// The time limits.
    pub limits: Limits,
    /// What is expected.
    pub expect: Expect,
    /// What the progress counts.
    pub unit: String,
    /// How much there is to do, if that is known: then it is done when the progress is there.
    pub total: Option<u64>,
    /// When the client started, in milliseconds since 1970; `None`: now.
    pub started_ms: Option<u64>,
    /// When to give up, since the client's start; `None`: as a run does.
    pub deadline: Option<Duration>,
    /// Who is asked.
    pub asked: Asked,
    /// Parts of the names of functions in which a task of it may wait for ever.
    pub idle: Vec<String>,
    /// The command that watches it again.
    pub again: String,
    /// What a reader must know besides.
    pub notes: Vec<String>,
}

/// Watches the client to its end, and judges. The record is written to `file`, if given, as it happens; `tell` is told what
/// happens, with milliseconds since the client's start. Once `stop` is set, what is known is judged.
///
/// # Errors
/// The record cannot be written, or the client is said to start later.
pub fn watch(
    watch: &Watch,
    file: Option<&Path>,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(u64, &str),
) -> io::Result<Run> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let recorder = runtime.block_on(async {
        let since = since::Since::start(watch.started_ms).map_err(|ahead| {
            io::Error::other(format!(
                "the client's start lies {} s ahead by this machine's clock",
                ahead.as_secs()
            ))
        })?;
        let recorder = Recorder::create(watch.header(), file)?;
        let mut faults = faults::Faults::new(watch.planned.clone(), !watch.asked.schedule.is_empty());
        // what is over already stands in the plan as it was
        let told = ask::schedule(&watch.asked.schedule, watch.asked.within).await;
        let first = told.map_or_else(|_| vec![], |told| faults.learn(&told, since));
        recorder.begin(vec![], faults.known(), None);
        follow::Follow::new(watch, since, &recorder, faults, tell).run(first, stop).await;
        Ok::<_, io::Error>(recorder)
    })?;
    crate::run::finish(&recorder, None)
}

/// The faults of a case as its plan has them: their times, and the selector as written, for whoever carries them out draws
/// for itself what `random` is; and what some of them wait for, in words.
///
/// # Errors
/// The selector does not fit the client, or a cluster of the file's size.
pub fn planned(
    file: &File,
    case: &Case,
    client: &str,
    seed: u64,
) -> Result<(Vec<PlannedFault>, Vec<String>), Unplannable> {
    let topology = topology(client, &Sizes::of(client, [&file.sizes]));
    let plan = Plan::new(case, &topology, split(seed, "plan"))?;
    let places = |kind: &str, on_links: bool| {
        let selectors = case.faults.iter().filter(|fault| fault.kind == kind).map(|fault| fault.selector);
        let mut places: Vec<String> = selectors
            .filter(|selector| matches!(selector, Selector::Links { .. }) == on_links)
            .map(|selector| selector.to_string())
            .collect();
        places.dedup();
        places
    };
    let fault = |injection: &Injection| PlannedFault {
        kind: injection.kind.clone(),
        links: places(&injection.kind, true),
        nodes: places(&injection.kind, false),
        start_ms: injection.start.as_millis() as u64,
        end_ms: injection.end.as_millis() as u64,
        trigger: injection.trigger,
    };
    let triggers = plan.triggers.iter().map(ToString::to_string).collect();
    Ok((plan.injections.iter().map(fault).collect(), triggers))
}

impl Watch {
    /// When the client is given up, since its start.
    pub fn deadline_ms(&self) -> u64 {
        let given = self.deadline.map(|deadline| deadline.as_millis() as u64);
        let as_a_run = || budget::give_up_ms(&Run::new(self.header()));
        given.or_else(as_a_run).unwrap_or(WITHOUT_BUDGET.as_millis() as u64)
    }

    fn header(&self) -> Header {
        Header {
            version: unstuck_record::VERSION,
            file: self.file.clone(),
            line: self.line,
            case: self.case.clone(),
            client: self.client.clone(),
            world: WORLD.to_owned(),
            scale: 1,
            seed: self.seed,
            unstuck: env!("CARGO_PKG_VERSION").to_owned(),
            tokio_unstable: cfg!(tokio_unstable),
            unit: self.unit.clone(),
            plan: self.planned.clone(),
            triggers: self.triggers.clone(),
            links: vec![],
            control: None,
            limits: self.limits.clone(),
            expect: self.expect.clone(),
            variant: None,
            command: vec![],
            idle: self.idle.clone(),
            again: Some(self.again.clone()),
            notes: self.notes.clone(),
        }
    }
}
