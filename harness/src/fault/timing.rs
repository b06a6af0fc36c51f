//! When the injections of a case begin and are healed.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;

use crate::scenario::{Begins, Case, Fault, Period, Schedule, Trigger};

/// What times are made of, besides the case.
pub trait Draw {
    /// The generator of an injection of a fault, both counted from 0.
    fn generator(&self, fault: usize, injection: usize) -> ChaCha8Rng;
    /// How many nodes a fault takes in turn.
    fn round(&self, fault: &Fault) -> usize;
}

/// The times of a case.
#[derive(Clone, Debug, Default)]
pub struct Times {
    /// What faults wait for.
    pub triggers: Vec<Trigger>,
    /// The injections of each fault.
    pub faults: Vec<Vec<Window>>,
}

/// Begin and end of one injection, since the client's start, or since its trigger fired.
#[derive(Clone, Debug)]
pub struct Window {
    /// Which of the triggers it waits for.
    pub trigger: Option<usize>,
    /// It is injected.
    pub start: Duration,
    /// It is healed.
    pub end: Duration,
    /// For whatever else is drawn for it.
    pub rng: ChaCha8Rng,
}

/// When the faults of a case come.
pub fn times(case: &Case, draw: &dyn Draw) -> Times {
    let mut times = Times::default();
    let (mut trigger, mut healed) = (None, case.warm_up);
    for (number, fault) in case.faults.iter().enumerate() {
        let begins = match &fault.begins {
            Begins::At(at) => {
                trigger = None;
                case.warm_up + *at
            }
            Begins::After(after) => healed + *after,
            Begins::When(when) => {
                trigger = Some(times.triggers.len());
                times.triggers.push(when.clone());
                when.delay
            }
        };
        let windows = of(number, fault, (trigger, begins), draw);
        healed = windows.iter().map(|window| window.end).max().unwrap_or(begins);
        times.faults.push(windows);
    }
    times
}

/// Those of one fault, if the first is due then.
fn of(
    number: usize,
    fault: &Fault,
    (trigger, begins): (Option<usize>, Duration),
    draw: &dyn Draw,
) -> Vec<Window> {
    let (period, times, until) = match &fault.schedule {
        Schedule::Once => (None, 1, None),
        Schedule::Round { period } => (period.as_ref(), draw.round(fault), None),
        Schedule::Times { period, times } => (Some(period), *times as usize, None),
        Schedule::For { period, total } => (Some(period), usize::MAX, Some(*total)),
    };
    let mut of_cron = period.map(|period| period.starts(begins)).into_iter().flatten();
    let is_cron = matches!(period, Some(Period::Cron(_)));
    let mut next = if is_cron { of_cron.next() } else { Some(begins) };
    let until = until.zip(next).map(|(total, first)| first + total);
    let mut windows = Vec::new();
    while let Some(start) =
        next.filter(|start| windows.len() < times && until.is_none_or(|until| *start < until))
    {
        let mut rng = draw.generator(number, windows.len());
        let end = start + fault.duration.draw(&mut rng);
        let end = until.map_or(end, |until| end.min(until));
        next = match period {
            None => Some(end),
            Some(Period::Every(every)) => Some(start + every.draw(&mut rng)),
            Some(Period::Cron(_)) => of_cron.next(),
        };
        windows.push(Window { trigger, start, end, rng });
    }
    windows
}
