//! When the faults of a case come, at the earliest.

use std::time::Duration;

use super::super::case::Case;
use super::super::fault::Fault;
use super::super::period::Period;
use super::super::schedule::{Begins, Schedule};

/// The earliest moments of a fault, since the client's start: whatever is drawn, and whenever its trigger fires.
#[derive(Clone, Copy)]
pub(super) struct Moments {
    /// Its first injection.
    pub(super) first: Duration,
    /// The heal of that one.
    pub(super) healed: Duration,
}

/// Those of each fault.
pub(super) fn of(case: &Case) -> Vec<Moments> {
    let mut last_heal = case.warm_up;
    let moments = |fault: &Fault| {
        let first = match &fault.begins {
            Begins::At(at) => case.warm_up + *at,
            Begins::After(after) => last_heal + *after,
            Begins::When(trigger) => trigger.delay,
        };
        let cron = fault.schedule.period().and_then(|period| period.starts(first).next());
        let first = cron.unwrap_or(first);
        last_heal = first + repeats_for(&fault.schedule) + fault.duration.least;
        Moments { first, healed: first + fault.duration.least }
    };
    case.faults.iter().map(moments).collect()
}

/// From the first injection to the last, where that is known without a draw.
fn repeats_for(schedule: &Schedule) -> Duration {
    match schedule {
        Schedule::Times { period: Period::Every(every), times } => every.least * (times - 1),
        _ => Duration::ZERO,
    }
}
