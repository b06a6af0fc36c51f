//! When the injections of a case begin and are healed.

use std::time::Duration;

use crate::scenario::{Begins, Case, Fault, Schedule};

/// Begin and end of each injection of each fault, since the client's start.
pub fn windows(case: &Case) -> Vec<Vec<(Duration, Duration)>> {
    let mut healed = case.warm_up;
    let mut all = Vec::new();
    for fault in &case.faults {
        let begins = match fault.begins {
            Begins::At(at) => case.warm_up + at,
            Begins::After(after) => healed + after,
        };
        let windows = of(fault, begins);
        healed = windows.iter().map(|(_, end)| *end).max().unwrap_or(begins);
        all.push(windows);
    }
    all
}

/// Those of one fault, if the first begins then.
fn of(fault: &Fault, begins: Duration) -> Vec<(Duration, Duration)> {
    let one = |start: Duration| (start, start + fault.duration);
    match fault.schedule {
        Schedule::Once => vec![one(begins)],
        Schedule::Times { period, times } => (0..times).map(|i| one(begins + period * i)).collect(),
        Schedule::For { period, total } => {
            let until = begins + total;
            let starts = (0..).map(|i| begins + period * i).take_while(|start| *start < until);
            starts.map(one).map(|(start, end)| (start, end.min(until))).collect()
        }
    }
}
