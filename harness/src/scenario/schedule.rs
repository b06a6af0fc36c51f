//! When a fault begins, how long it lasts, how often it comes.

use std::time::Duration;

use super::diagnostic::Problem;
use super::fault_type::FaultType;
use super::fields::Fields;
use super::units;

/// When the first injection of a fault begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// So long after the end of the warm-up.
    At(Duration),
    /// So long after the last heal of the fault before it.
    After(Duration),
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

/// A plan is a list in memory and in every record.
pub(super) const MOST_INJECTIONS: u128 = 10_000;

impl Schedule {
    /// How many injections it comes to.
    pub(super) fn injections(&self) -> u128 {
        match self {
            Self::Once => 1,
            Self::Times { times, .. } => u128::from(*times),
            Self::For { period, total } => total.as_nanos().div_ceil(period.as_nanos().max(1)),
        }
    }
}

/// Reads `at` and `after` of a fault of a list. `before`: whether there is a fault before it; `sequence`: whether it waits
/// for that one anyway.
pub(super) fn read_begins(
    f: &Fields<'_>,
    before: bool,
    sequence: bool,
    problems: &mut Vec<Problem>,
) -> Begins {
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

/// Reads `period`, `faultRunTimes` and `faultTotalRunTime`.
pub(super) fn read_schedule(
    f: &Fields<'_>,
    fault: Option<Duration>,
    problems: &mut Vec<Problem>,
) -> Option<Schedule> {
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
            let schedule = Schedule::For { period, total };
            if schedule.injections() > MOST_INJECTIONS {
                let problem = Problem::error(span, format!("that is more than {MOST_INJECTIONS} injections"));
                problems.push(problem.hint("lengthen `period`"));
                return None;
            }
            Some(schedule)
        }
        _ => None,
    }
}
