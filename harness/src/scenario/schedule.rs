//! When a fault begins, how long it lasts, how often it comes.

use std::time::Duration;

use super::diagnostic::Problem;
use super::fault_type::FaultType;
use super::fields::Fields;
use super::period::{Period, Spread};
use super::selector::Selector;
use super::trigger::{self, Trigger};
use super::units;

/// When the first injection of a fault begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begins {
    /// So long after the end of the warm-up.
    At(Duration),
    /// So long after the last heal of the fault before it.
    After(Duration),
    /// When something has happened.
    When(Trigger),
}

/// How often a fault is injected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Once.
    Once,
    /// Once for each node of `tikv(each)`; without a period each begins when the one before is healed.
    Round {
        /// From one injection to the next.
        period: Option<Period>,
    },
    /// So many times.
    Times {
        /// From one injection to the next.
        period: Period,
        /// How many.
        times: u32,
    },
    /// For a while; what is active at its end is healed then.
    For {
        /// From one injection to the next.
        period: Period,
        /// From the first injection.
        total: Duration,
    },
}

/// A plan is a list in memory and in every record.
pub(super) const MOST_INJECTIONS: u128 = 10_000;

impl Schedule {
    /// From one injection to the next.
    pub fn period(&self) -> Option<&Period> {
        match self {
            Self::Once => None,
            Self::Round { period } => period.as_ref(),
            Self::Times { period, .. } | Self::For { period, .. } => Some(period),
        }
    }
    /// How many injections it comes to at most; a round has as many as there are nodes, which is few.
    pub(super) fn injections(&self) -> u128 {
        match self {
            Self::Once | Self::Round { .. } => 1,
            Self::Times { times, .. } => u128::from(*times),
            Self::For { period: Period::Every(every), total } => {
                total.as_nanos().div_ceil(every.least.as_nanos().max(1))
            }
            // not oftener than each minute
            Self::For { total, .. } => u128::from(total.as_secs() / 60 + 1),
        }
    }
}

/// Reads `at`, `after` and `when` of a fault. `before`: whether there is a fault before it; `sequence`: whether it waits for
/// that one anyway.
pub(super) fn read_begins(
    f: &Fields<'_>,
    (before, sequence): (bool, bool),
    bounds: (u32, u32),
    problems: &mut Vec<Problem>,
) -> Begins {
    if let Some(node) = f.get("when") {
        for key in ["at", "after"].into_iter().filter(|key| f.get(key).is_some()) {
            let problem = Problem::error(f.key(key), "two beginnings for one fault");
            problems.push(problem.hint("`when` has a `delay` of its own: keep one"));
        }
        if before && sequence {
            let problem = Problem::error(f.key("when"), "in a sequence a fault begins after the one before");
            problems.push(problem.hint("only the first of a sequence can wait for something"));
        }
        let trigger = trigger::read(node, bounds, problems);
        return trigger.map_or(Begins::At(Duration::ZERO), Begins::When);
    }
    let at = f.duration("at", problems);
    let after = f.duration("after", problems);
    if after.is_some() && at.is_some() {
        let problem = Problem::error(f.key("after"), "two beginnings for one fault");
        problems.push(
            problem.hint("`at` counts from the end of the warm-up, `after` from the heal before: keep one"),
        );
    } else if after.is_some() && !before {
        let problem = Problem::error(f.key("after"), "there is no fault before this one");
        problems.push(problem.hint("write `at`, which counts from the end of the warm-up"));
    }
    match (at, after) {
        (_, Some(after)) => Begins::After(after),
        (at, None) if sequence && before => Begins::After(at.unwrap_or_default()),
        (at, None) => Begins::At(at.unwrap_or_default()),
    }
}

/// Whether `faultDuration` is there where it has to be, and not where it means nothing.
pub(super) fn check_duration(
    f: &Fields<'_>,
    fault: &FaultType,
    duration: Option<Spread>,
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
        Some(d) if d.least.is_zero() && !fault.is_instant() => {
            let problem = Problem::error(node.span.clone(), format!("a `{fault}` of no length does nothing"));
            problems.push(problem.hint("only `reset` and `close` are over as soon as they have begun"));
        }
        Some(d) if fault.is_instant() && !d.most.is_zero() => {
            let message =
                format!("`{fault}` acts at its start only; its duration just adds to the time limit");
            problems.push(Problem::warning(node.span.clone(), message).hint("`faultDuration: 0s`"));
        }
        _ => {}
    }
}

/// Reads `period`, `faultRunTimes` and `faultTotalRunTime`.
pub(super) fn read_schedule(
    f: &Fields<'_>,
    lasts: Option<Spread>,
    selector: Option<&Selector>,
    problems: &mut Vec<Problem>,
) -> Option<Schedule> {
    let period = f.period("period", problems);
    let times = f.count("faultRunTimes", problems);
    let total = f.duration("faultTotalRunTime", problems);
    let has = |name| f.get(name).is_some();
    let in_turn = selector.is_some_and(Selector::in_turn);
    let two = "`faultRunTimes` counts injections, `faultTotalRunTime` limits their time: keep one";
    match (has("period"), has("faultRunTimes"), has("faultTotalRunTime")) {
        (false, false, false) if in_turn => {
            if lasts.is_none_or(|lasts| lasts.most.is_zero()) {
                let problem =
                    Problem::error(f.key("selector"), "one node after the other, with no time between");
                problems.push(problem.hint("say how often, as in `period: \"@every 3m\"`"));
            }
            return Some(Schedule::Round { period: None });
        }
        (false, false, false) => return Some(Schedule::Once),
        (false, ..) => {
            let key = if has("faultRunTimes") { "faultRunTimes" } else { "faultTotalRunTime" };
            let problem = Problem::error(f.key(key), format!("`{key}` without `period`"));
            problems.push(problem.hint("say how often, as in `period: \"@every 3m\"`"));
        }
        (true, false, false)
            if !in_turn && !f.mentions("faultRunTimes") && !f.mentions("faultTotalRunTime") =>
        {
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
    if let Some(lasts) = lasts {
        check_overlap(f, lasts, &period, problems);
    }
    match (times, total) {
        (Some(times), None) => Some(Schedule::Times { period, times }),
        (None, Some(total)) => {
            let span = f.get("faultTotalRunTime").map_or(f.place(), |n| n.span.clone());
            if total.is_zero() || lasts.is_some_and(|lasts| lasts.most > total) {
                let problem = Problem::error(span, "`faultTotalRunTime` ends before the first fault does");
                problems.push(problem.hint("it counts from the first injection"));
                return None;
            }
            let schedule = Schedule::For { period, total };
            if schedule.injections() > MOST_INJECTIONS {
                let problem = Problem::error(span, format!("that is more than {MOST_INJECTIONS} injections"));
                problems.push(problem.hint("lengthen `period`"));
                return None;
            }
            Some(schedule)
        }
        (None, None) if in_turn => Some(Schedule::Round { period: Some(period) }),
        _ => None,
    }
}

/// The longest fault has to be over when the next one can come.
fn check_overlap(f: &Fields<'_>, lasts: Spread, period: &Period, problems: &mut Vec<Problem>) {
    let shortest = period.shortest(MOST_INJECTIONS as usize);
    if lasts.most <= shortest {
        return;
    }
    let span = f.get("faultDuration").map_or(f.place(), |n| n.span.clone());
    let (longest, every) = (units::show(lasts.most), units::show(shortest));
    let fixed = lasts.least == lasts.most && *period == Period::Every(Spread::fixed(shortest));
    let message = if fixed {
        format!("the fault lasts {longest}, longer than its period of {every}")
    } else {
        format!("the fault lasts up to {longest}, and its period is {every} at the shortest")
    };
    problems.push(
        Problem::error(span, message)
            .hint("the next injection would begin before the heal: shorten it or lengthen `period`"),
    );
}
