//! One case: what goes wrong, and what is expected.

use std::ops::Range;
use std::time::Duration;

use unstuck_record::{Demand, Demands, Outcome};

use super::contradiction;
use super::diagnostic::{Problem, Severity, position};
use super::fault::{self, Fault};
use super::fields::Fields;
use super::keys::{CASE, EXPECT, FAULT, Key, ORDERS, OUTCOMES, PHASE, PHASES, RECOVERY_PHASE};
use super::node::Node;
use super::period::Period;
use super::schedule::{self, Begins};

/// A case, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// Its line in the file, from 1.
    pub line: u32,
    /// What goes wrong: at least one. The case's own fault comes first, then those of its list.
    pub faults: Vec<Fault>,
    /// From the client's start to the first injection.
    pub warm_up: Duration,
    /// What the client is granted beyond its own work and the faults.
    pub recovery: Duration,
    /// What is expected.
    pub expect: Expect,
    /// The keys of QA's that nothing here carries out; reports name them.
    pub left_out: Vec<&'static str>,
}

/// What a case expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// How the client fares.
    pub outcome: Outcome,
    /// Replaces the computed budget; since the client's start.
    pub within: Option<Duration>,
    /// With `stuck`: the wait site of the hang, or the kind of finding where no task waits. `None`: anywhere.
    pub stuck_at: Option<String>,
    /// What is demanded before, during and after the faults.
    pub phases: Demands,
}

impl Default for Expect {
    fn default() -> Self {
        Self { outcome: Outcome::Completed, within: None, stuck_at: None, phases: Demands::default() }
    }
}

/// QA's cases without it allow as much.
const RECOVERY: Duration = Duration::from_secs(5 * 60);
/// QA's shortest.
const WARM_UP: Duration = Duration::from_secs(60);
/// Keys that say something of the case's own fault only.
const OF_ITS_FAULT: [&str; 9] = [
    "selector",
    "mode",
    "value",
    "direction",
    "faultDuration",
    "period",
    "faultRunTimes",
    "faultTotalRunTime",
    "when",
];

/// Reads one case; `None` if it has an error. `stores` and `pd` bound indices.
pub(crate) fn read(
    node: &Node,
    source: &str,
    bounds: (u32, u32),
    problems: &mut Vec<Problem>,
) -> Option<Case> {
    let before = problems.len();
    let f = Fields::of(node, "a case", CASE, problems)?;
    let name = f.text("name", problems);
    if let Some((text, span)) = &name
        && text.trim().is_empty()
    {
        problems.push(Problem::error(span.clone(), "the name is empty").hint("say what is tested"));
    }
    let warm_up = f.duration("warmUpTime", problems).unwrap_or(WARM_UP);
    let recovery = f.duration("recoveryTime", problems).unwrap_or(RECOVERY);
    let read = read_faults(&f, bounds, problems);
    let left_out = f.left_out(problems);
    let expect = f.get("expect").map_or_else(|| Some(Expect::default()), |n| read_expect(n, problems));
    if let Some((name, span)) = &name {
        check_name(name, span, &read, problems);
    }
    if problems[before..].iter().any(|p| p.severity == Severity::Error) {
        return None;
    }
    Some(Case {
        name: name?.0.to_owned(),
        line: position(source, f.place().start).0 as u32,
        faults: read.into_iter().map(|one| one.fault).collect::<Option<_>>()?,
        warm_up,
        recovery,
        expect: expect?,
        left_out,
    })
}

/// The case's own fault, if it has one, and those of its list.
fn read_faults(f: &Fields<'_>, bounds: (u32, u32), problems: &mut Vec<Problem>) -> Vec<fault::Read> {
    let sequence = f.word("order", &ORDERS, problems) == Some("sequence");
    let (mut read, mut triggered) = (Vec::new(), false);
    if f.mentions("faultType") || !f.mentions("faults") {
        for (key, example) in [("faultType", "failure"), ("selector", "tikv(random)")] {
            if !f.mentions(key) {
                let problem = Problem::error(f.key(key), format!("a case has no `{key}`"));
                problems.push(problem.hint(format!("add `{key}: {example}`")));
            }
        }
        let begins = schedule::read_begins(f, (false, sequence), bounds, problems);
        triggered = waits(&begins, triggered);
        read.push(fault::read(f, begins, bounds, problems));
        check_clock(f, triggered, read.last(), problems);
    } else {
        for key in OF_ITS_FAULT.into_iter().filter(|key| f.get(key).is_some()) {
            let problem =
                Problem::error(f.key(key), format!("`{key}` belongs to a fault, and the case has none"));
            problems.push(problem.hint("move it into `faults`, or give the case a `faultType` of its own"));
        }
    }
    let (own, list) = (read.len(), f.list("faults", problems));
    if own + list.len() == 0 {
        let problem = Problem::error(f.key("faults"), "there are no faults");
        problems.push(problem.hint("each begins with `- faultType: …`"));
    }
    for node in list {
        let Some(f) = Fields::of(node, "a fault", FAULT, problems) else { continue };
        let begins = schedule::read_begins(&f, (!read.is_empty(), sequence), bounds, problems);
        triggered = waits(&begins, triggered);
        read.push(fault::read(&f, begins, bounds, problems));
        check_clock(&f, triggered, read.last(), problems);
    }
    if own + list.len() == 1 && f.get("order").is_some() {
        let problem = Problem::error(f.key("order"), "`order` of one fault");
        problems.push(problem.hint("it says how several `faults` follow each other: take it out"));
    }
    let injections: u128 =
        read.iter().filter_map(|one| Some(one.fault.as_ref()?.schedule.injections())).sum();
    if injections > schedule::MOST_INJECTIONS {
        let message = format!("the faults come to more than {} injections", schedule::MOST_INJECTIONS);
        problems.push(
            Problem::error(f.key("faults"), message).hint("lengthen `period`, or make more cases of it"),
        );
    }
    read
}

/// Whether a fault waits for something to happen, by itself or for one that does.
fn waits(begins: &Begins, before: bool) -> bool {
    match begins {
        Begins::At(_) => false,
        Begins::After(_) => before,
        Begins::When(_) => true,
    }
}

/// When the clock shows what after something has happened is not known before.
fn check_clock(f: &Fields<'_>, triggered: bool, read: Option<&fault::Read>, problems: &mut Vec<Problem>) {
    let by_the_clock = |fault: &Fault| matches!(fault.schedule.period(), Some(Period::Cron(_)));
    if triggered && read.and_then(|read| read.fault.as_ref()).is_some_and(by_the_clock) {
        let problem = Problem::error(
            f.key("period"),
            "cron goes by the clock, and this fault waits for something to happen",
        );
        problems.push(problem.hint("count from there, as in `period: \"@every 3m\"`"));
    }
}

/// A name has to fit one of the faults.
fn check_name(name: &str, span: &Range<usize>, faults: &[fault::Read], problems: &mut Vec<Problem>) {
    let against = |one: &fault::Read| {
        let mut found = Vec::new();
        contradiction::check(name, span, one.word, one.selector.as_ref(), &mut found);
        found
    };
    let found: Vec<_> = faults.iter().map(against).collect();
    if found.iter().all(|found| !found.is_empty()) {
        problems.extend(found.into_iter().next().unwrap_or_default());
    }
}

fn read_expect(node: &Node, problems: &mut Vec<Problem>) -> Option<Expect> {
    let f = Fields::of(node, "`expect`", EXPECT, problems)?;
    Some(expectation(&f, problems))
}

/// Reads `outcome`, `within`, `stuckAt` and `phases`.
pub(crate) fn expectation(f: &Fields<'_>, problems: &mut Vec<Problem>) -> Expect {
    let word = f.word("outcome", &OUTCOMES, problems);
    let within = f.duration("within", problems);
    let stuck_at = f.text("stuckAt", problems);
    if let Some((_, span)) = &stuck_at
        && (word.is_some() || f.get("outcome").is_none())
        && word != Some("stuck")
    {
        let problem = Problem::error(span.clone(), "`stuckAt` needs `outcome: stuck`");
        problems.push(problem.hint("a client that is not stuck is not stuck anywhere"));
    }
    if within == Some(Duration::ZERO) {
        problems.push(
            Problem::error(f.key("within"), "`within` is zero").hint("it counts from the client's start"),
        );
    }
    let outcome = word.map_or(Outcome::Completed, outcome);
    let phases = f.get("phases").map(|node| read_phases(node, problems)).unwrap_or_default();
    if f.get("phases").is_some() && !finishes(outcome) {
        let problem = Problem::error(f.key("phases"), "`phases` of a client that is not to finish");
        problems.push(problem.hint("they go with `outcome: completed` and `outcome: slow`"));
    }
    Expect { outcome, within, stuck_at: stuck_at.map(|(text, _)| text.to_owned()), phases }
}

/// Whether a client of this outcome gets its work done: only of such a one can progress be demanded.
pub(crate) fn finishes(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Completed | Outcome::Slow)
}

fn read_phases(node: &Node, problems: &mut Vec<Problem>) -> Demands {
    let Some(f) = Fields::of(node, "`phases`", PHASES, problems) else { return Demands::default() };
    let mut phase = |name: &str, keys: &'static [Key]| -> (Option<Demand>, Option<Duration>) {
        let Some(node) = f.get(name) else { return (None, None) };
        let Some(f) = Fields::of(node, &format!("`{name}`"), keys, problems) else { return (None, None) };
        if keys.iter().all(|key| !f.mentions(key.name)) {
            let problem = Problem::error(f.place(), format!("`{name}` demands nothing"));
            problems.push(problem.hint("say how much, as in `progress: 5%`"));
        }
        let resumes = f.mentions("resumesWithin").then(|| f.duration("resumesWithin", problems)).flatten();
        (f.amount("progress", problems), resumes)
    };
    let ((steady, _), (fault, _)) = (phase("steady", PHASE), phase("fault", PHASE));
    let (recovery, resumes) = phase("recovery", RECOVERY_PHASE);
    Demands { steady, fault, recovery, resumes_within_ms: resumes.map(|within| within.as_millis() as u64) }
}

/// One of [`OUTCOMES`].
pub(crate) fn outcome(word: &str) -> Outcome {
    match word {
        "slow" => Outcome::Slow,
        "stuck" => Outcome::Stuck,
        "failed" => Outcome::Failed,
        _ => Outcome::Completed,
    }
}
