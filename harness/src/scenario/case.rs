//! One case: a fault, where, when, and what is expected.

use std::ops::Range;
use std::time::Duration;

use unstuck_record::Outcome;

use super::diagnostic::{Problem, Severity, position};
use super::fault_type::{self, FaultType};
use super::fields::{Fields, shorten};
use super::keys::{CASE, EXPECT, OUTCOMES};
use super::mode::{self, Many, Mode};
use super::node::Node;
use super::selector::{Component, Endpoint, Qualifier, Selector};
use super::{contradiction, units};

/// A case, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// Its line in the file, from 1.
    pub line: u32,
    /// What goes wrong.
    pub fault: FaultType,
    /// The fault type as written.
    pub kind: String,
    /// Where.
    pub selector: Selector,
    /// From the client's start to the first injection.
    pub warm_up: Duration,
    /// How long one fault lasts.
    pub fault_duration: Duration,
    /// How often.
    pub schedule: Schedule,
    /// What the client is granted beyond its own work and the faults.
    pub recovery: Duration,
    /// What is expected.
    pub expect: Expect,
}

/// How often a fault is injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Once.
    Once,
    /// So many times, `period` from start to start.
    Times {
        /// From one injection to the next.
        period: Duration,
        /// How many.
        times: u32,
    },
    /// For a while, `period` from start to start; what is active at its end is healed then.
    For {
        /// From one injection to the next.
        period: Duration,
        /// From the first injection.
        total: Duration,
    },
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
}

impl Default for Expect {
    fn default() -> Self {
        Self { outcome: Outcome::Completed, within: None, stuck_at: None }
    }
}

/// QA's cases without it allow as much.
const RECOVERY: Duration = Duration::from_secs(5 * 60);
/// QA's shortest.
const WARM_UP: Duration = Duration::from_secs(60);
/// A plan is a list in memory and in every record.
const MOST_INJECTIONS: u128 = 10_000;

/// Reads one case; `None` if it has an error. `stores` and `pd` bound indices.
pub(crate) fn read(
    node: &Node,
    source: &str,
    (pd, stores): (u32, u32),
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
    let way = fault_type::direction(&f, problems);
    let mode = mode::read(&f, problems);
    let fault = f.get("faultType").and_then(|n| fault_type::read(n, way, problems));
    let selector = f
        .text("selector", problems)
        .and_then(|(text, span)| read_selector(text, mode, span, pd, stores, problems));
    let warm_up = f.duration("warmUpTime", problems).unwrap_or(WARM_UP);
    let recovery = f.duration("recoveryTime", problems).unwrap_or(RECOVERY);
    let fault_duration = f.duration("faultDuration", problems);
    let schedule = read_schedule(&f, fault_duration, problems);
    let expect = f.get("expect").map_or_else(|| Some(Expect::default()), |n| read_expect(n, problems));
    if let Some(fault) = &fault {
        check_duration(&f, fault, fault_duration, problems);
        if let Some((selector, span)) = &selector {
            check_fit(fault, *selector, span.clone(), problems);
        }
    }
    if let Some((name, span)) = &name {
        let kind =
            f.get("faultType").and_then(|n| fault.as_ref().map(FaultType::name).or_else(|| fault_word(n)));
        contradiction::check(name, span, kind, selector.as_ref().map(|(s, _)| s), problems);
    }
    if problems[before..].iter().any(|p| p.severity == Severity::Error) {
        return None;
    }
    let ((name, _), fault) = (name?, fault?);
    Some(Case {
        name: name.to_owned(),
        line: position(source, f.place().start).0 as u32,
        kind: f.get("faultType").and_then(Node::scalar).unwrap_or(fault.name()).to_owned(),
        fault,
        selector: selector?.0,
        warm_up,
        fault_duration: fault_duration.unwrap_or_default(),
        schedule: schedule?,
        recovery,
        expect: expect?,
    })
}

/// The bare word of a fault type that could not be resolved, for the check of the name.
fn fault_word(node: &Node) -> Option<&'static str> {
    let text = node.scalar()?;
    let word = text.split('(').next().unwrap_or_default().replace('-', "_");
    fault_type::NOT_YET.iter().map(|(w, _)| *w).find(|w| *w == word)
}

fn read_selector(
    text: &str,
    mode: Option<Mode>,
    span: Range<usize>,
    pd: u32,
    stores: u32,
    problems: &mut Vec<Problem>,
) -> Option<(Selector, Range<usize>)> {
    match Selector::in_mode(text, mode) {
        Ok(selector) => {
            for end in selector.endpoints() {
                check_index(end, &span, pd, stores, problems);
            }
            Some((selector, span))
        }
        Err(e) => {
            let at = span.start + (span.len().saturating_sub(text.len())) / 2;
            let problem = Problem::error(at + e.span.start..at + e.span.end, shorten(&e.message));
            problems.push(problem.hint(e.hint));
            None
        }
    }
}

fn check_index(end: Endpoint, span: &Range<usize>, pd: u32, stores: u32, problems: &mut Vec<Problem>) {
    let (count, what) = match end.component {
        Component::Tikv => (stores, "stores"),
        Component::Pd => (pd, "PD members"),
        Component::All => (pd + stores, "nodes"),
        _ => return,
    };
    match end.qualifier {
        Qualifier::Some(Many::Fixed(n)) if n > count => {
            let problem =
                Problem::error(span.clone(), format!("`{end}` is too many: the cluster has {count} {what}"));
            problems.push(problem.hint(format!("from 1 to {count}, or set `cluster`")));
        }
        Qualifier::SomeFollowers(Many::Fixed(n)) if n >= count => {
            let followers = count.saturating_sub(1);
            let message =
                format!("`{end}` is too many: the cluster has {followers} PD members that do not lead");
            let problem = Problem::error(span.clone(), message);
            problems.push(problem.hint(format!("`cluster: {{pd: {}}}` has so many", n + 1)));
        }
        Qualifier::Index(i) if i >= count => {
            let problem =
                Problem::error(span.clone(), format!("`{end}` is not there: the cluster has {count} {what}"));
            problems.push(problem.hint(format!("count from 0 to {}, or set `cluster`", count - 1)));
        }
        Qualifier::Follower { .. } | Qualifier::SomeFollowers(_) if count < 2 => {
            let problem =
                Problem::error(span.clone(), format!("`{end}` is not there: the cluster has {count} {what}"));
            problems.push(problem.hint("a follower needs `cluster: {pd: 2}` or more"));
        }
        _ => {}
    }
}

fn check_duration(
    f: &Fields<'_>,
    fault: &FaultType,
    duration: Option<Duration>,
    problems: &mut Vec<Problem>,
) {
    let Some(node) = f.get("faultDuration") else {
        if !fault.is_instant() && !f.mentions("faultDuration") {
            let problem = Problem::error(f.key("faultType"), format!("`{fault}` has no `faultDuration`"));
            problems.push(problem.hint("say how long it lasts, as in `faultDuration: 1m`"));
        }
        return;
    };
    match duration {
        Some(Duration::ZERO) if !fault.is_instant() => {
            let problem = Problem::error(node.span.clone(), format!("a `{fault}` of no length does nothing"));
            problems.push(problem.hint("only `reset` and `close` are over as soon as they have begun"));
        }
        Some(d) if fault.is_instant() && !d.is_zero() => {
            let message =
                format!("`{fault}` acts at its start only; its duration just adds to the time limit");
            problems.push(Problem::warning(node.span.clone(), message).hint("`faultDuration: 0s`"));
        }
        _ => {}
    }
}

fn read_schedule(f: &Fields<'_>, fault: Option<Duration>, problems: &mut Vec<Problem>) -> Option<Schedule> {
    let period = f.every("period", problems);
    let times = f.count("faultRunTimes", problems);
    let total = f.duration("faultTotalRunTime", problems);
    let has = |name| f.get(name).is_some();
    let two = "`faultRunTimes` counts injections, `faultTotalRunTime` limits their time: keep one";
    match (has("period"), has("faultRunTimes"), has("faultTotalRunTime")) {
        (false, false, false) => return Some(Schedule::Once),
        (false, ..) => {
            let key = if has("faultRunTimes") { "faultRunTimes" } else { "faultTotalRunTime" };
            let problem = Problem::error(f.key(key), format!("`{key}` without `period`"));
            problems.push(problem.hint("say how often, as in `period: \"@every 3m\"`"));
        }
        (true, false, false) if !f.mentions("faultRunTimes") && !f.mentions("faultTotalRunTime") => {
            let problem =
                Problem::error(f.key("period"), "the case cannot end: the fault is repeated without end");
            problems.push(problem.hint("add `faultRunTimes: 5` or `faultTotalRunTime: 30m`"));
        }
        (true, true, true) => {
            problems.push(Problem::error(f.key("faultTotalRunTime"), "two ends for one case").hint(two));
        }
        (true, ..) => {}
    }
    let period = period?;
    if let Some(fault) = fault
        && fault > period
    {
        let span = f.get("faultDuration").map_or(f.place(), |n| n.span.clone());
        let (fault, every) = (units::show(fault), units::show(period));
        let problem =
            Problem::error(span, format!("the fault lasts {fault}, longer than its period of {every}"));
        problems.push(
            problem.hint("the next injection would begin before the heal: shorten it or lengthen `period`"),
        );
    }
    match (times, total) {
        (Some(times), None) => Some(Schedule::Times { period, times }),
        (None, Some(total)) => {
            let span = f.get("faultTotalRunTime").map_or(f.place(), |n| n.span.clone());
            if total.is_zero() || fault.is_some_and(|fault| fault > total) {
                let problem = Problem::error(span, "`faultTotalRunTime` ends before the first fault does");
                problems.push(problem.hint("it counts from the first injection"));
                return None;
            }
            if total.as_nanos().div_ceil(period.as_nanos()) > MOST_INJECTIONS {
                let problem = Problem::error(span, format!("that is more than {MOST_INJECTIONS} injections"));
                problems.push(problem.hint("lengthen `period`"));
                return None;
            }
            Some(Schedule::For { period, total })
        }
        _ => None,
    }
}

fn read_expect(node: &Node, problems: &mut Vec<Problem>) -> Option<Expect> {
    let f = Fields::of(node, "`expect`", EXPECT, problems)?;
    Some(expectation(&f, problems))
}

/// Reads `outcome`, `within` and `stuckAt`.
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
    Expect { outcome, within, stuck_at: stuck_at.map(|(text, _)| text.to_owned()) }
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

/// A fault acts on nodes or on links; links need the client at their source.
fn check_fit(fault: &FaultType, selector: Selector, span: Range<usize>, problems: &mut Vec<Problem>) {
    let problem = match selector {
        Selector::Links { source, target } if fault.on_node() => {
            let node = if target.component == Component::All || target.component.is_client() {
                source
            } else {
                target
            };
            let node = if node.component.is_client() || node.component == Component::All {
                "tikv(random)".to_owned()
            } else {
                node.to_string()
            };
            Problem::error(span, format!("`{fault}` acts on a node, and `{selector}` is a link"))
                .hint(format!("write `{node}`, or choose `network_partition` for the link"))
        }
        Selector::Nodes(end) if fault.on_regions() && end.component == Component::Pd => Problem::error(
            span,
            format!("`{fault}` acts on the regions that a store leads, and `{end}` has none"),
        )
        .hint("write `tikv(random)`, `tikv(all)` or `tikv(0)`"),
        Selector::Nodes(end) if *fault == FaultType::ScaleOut && end.component == Component::Pd => {
            Problem::error(span, format!("`{fault}` adds a store, and `{end}` is none"))
                .hint("write `tikv(random)` for one store more, `tikv(all)` for twice as many")
        }
        Selector::Nodes(end) if fault.on_node() => match end.component {
            Component::Tikv | Component::Pd => return,
            _ => Problem::error(span, format!("`{fault}` of `{end}` is not supported yet"))
                .hint("supported are `tikv(…)` and `pd(…)`"),
        },
        Selector::Nodes(end) => {
            let target = if end.component.is_client() { "all".to_owned() } else { end.to_string() };
            let source = if end.component.is_client() { end.to_string() } else { "client".to_owned() };
            Problem::error(span, format!("`{fault}` acts on links, and `{selector}` is a node"))
                .hint(format!("write `source_to_target`, as in `{source}_to_{target}`"))
        }
        Selector::Links { source, target } if source.component == Component::All => {
            let message =
                format!("only the client's links are acted on, not those between nodes, by `{selector}`");
            if target.component.is_client() {
                Problem::error(span, format!("`{selector}` has the client as its target")).hint(
                    "write the client first, as in `client_to_all`; `direction:from` turns a fault around",
                )
            } else {
                Problem::warning(span, message).hint(format!("write `client_to_{target}`"))
            }
        }
        Selector::Links { target, .. } if target.component.is_client() => {
            let source = source_of(selector);
            Problem::error(span, format!("`{selector}` has the client as its target"))
                .hint(format!("write `{target}_to_{source}`; `direction:from` turns a fault around"))
        }
        Selector::Links { source, target }
            if !source.component.is_client()
                && matches!(fault, FaultType::NetworkPartition { reject: false, .. })
                && !target.component.is_client() =>
        {
            return;
        }
        Selector::Links { source, target } if !source.component.is_client() => Problem::error(
            span,
            format!("`{fault}` between nodes (`{selector}`) is not supported yet"),
        )
        .label("the source is not the client under test")
        .hint(format!(
            "between nodes there is `network_partition`; a link needs the client at its source, as in \
                     `client_to_{target}`"
        )),
        Selector::Links { target, .. } if target.qualifier == Qualifier::Others => {
            Problem::error(span, format!("`{target}` has nothing to differ from"))
                .hint("the source is the client, so `others` would be all of them: write `all`")
        }
        Selector::Links { .. } => return,
    };
    problems.push(problem);
}

fn source_of(selector: Selector) -> Endpoint {
    match selector {
        Selector::Links { source, .. } | Selector::Nodes(source) => source,
    }
}
