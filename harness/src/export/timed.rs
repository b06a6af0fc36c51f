//! When a fault comes, as far as another tool can be told: nothing that is drawn anew each time, nothing in turn.

use std::time::Duration;

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use unstuck_record::Span;

use super::{NoEquivalent, none};
use crate::fault::timing::{self, Draw};
use crate::scenario::{Begins, Case, Fault, Period, Schedule, Spread};

/// When a fault comes, as far as Chaos Mesh can be told.
pub(super) struct Timed {
    pub(super) begins: Duration,
    pub(super) lasts: Duration,
    pub(super) repeated: Option<Repeated>,
}

/// A `Schedule`, and its end.
pub(super) struct Repeated {
    pub(super) schedule: String,
    /// `None`: cron, which goes by the clock on the wall.
    period: Option<Duration>,
    /// From the first injection to the last heal.
    total: Duration,
    times: u128,
}

/// When each fault of a case comes, or why that cannot be told.
pub(super) fn times(case: &Case) -> Vec<Result<Timed, NoEquivalent>> {
    let mut known = true;
    let first = timing::times(case, &FirstOnly).faults.into_iter();
    let first = first.map(|windows| windows.first().map_or(case.warm_up, |window| window.start));
    let time = |(fault, begins): (&Fault, Duration)| {
        let waits = matches!(fault.begins, Begins::After(_));
        let timed = if let Begins::When(trigger) = &fault.begins {
            none(
                format!("Chaos Mesh does not see what the client does, and the fault waits for {trigger}"),
                "`warmUpTime`, with the time at which that usually happens",
            )
        } else if waits && !known {
            none(
                "it begins when the fault before it has healed, and when that is nobody can be told",
                "`at`, with a length of time from the end of the warm-up",
            )
        } else {
            Timed::of(fault, begins)
        };
        known = timed.is_ok();
        timed
    };
    case.faults.iter().zip(first).map(time).collect()
}

impl Timed {
    fn of(fault: &Fault, begins: Duration) -> Result<Self, NoEquivalent> {
        let lasts = fixed(fault.duration, "faultDuration")?;
        let (period, end) = match &fault.schedule {
            Schedule::Once => return Ok(Self { begins, lasts, repeated: None }),
            Schedule::Round { .. } => return in_turn(),
            Schedule::Times { period, times } => (period, Err(u128::from(*times))),
            Schedule::For { period, total } => (period, Ok(*total)),
        };
        let (schedule, every) = match period {
            Period::Every(every) => {
                let every = fixed(*every, "period")?;
                (format!("@every {}", go(every)), Some(every))
            }
            Period::Cron(cron) => (cron.as_str().to_owned(), None),
        };
        let (total, times) = match (end, every) {
            (Err(times), Some(every)) => {
                (every * u32::try_from(times.saturating_sub(1)).unwrap_or(u32::MAX) + lasts, times)
            }
            (Ok(total), Some(every)) => (total, total.as_nanos().div_ceil(every.as_nanos().max(1))),
            (Err(times), None) => {
                let last = period.starts(begins).take(usize::try_from(times).unwrap_or(usize::MAX)).last();
                (last.unwrap_or(begins).saturating_sub(begins) + lasts, times)
            }
            (Ok(total), None) => {
                let times = period.starts(begins).take_while(|start| *start < begins + total).count();
                (total, times as u128)
            }
        };
        Ok(Self { begins, lasts, repeated: Some(Repeated { schedule, period: every, total, times }) })
    }
}

/// A length that is not drawn anew each time.
fn fixed(spread: Spread, key: &str) -> Result<Duration, NoEquivalent> {
    if spread.least == spread.most {
        return Ok(spread.least);
    }
    none(
        format!("Chaos Mesh draws no lengths of time, and `{key}` is {spread}"),
        format!("one length, as in {}", Spread::fixed(spread.least)),
    )
}

pub(super) fn in_turn<T>() -> Result<T, NoEquivalent> {
    none(
        "Chaos Mesh does not take pods in turn",
        "one fault for each pod with `order: sequence`, or `kubectl rollout restart`",
    )
}

/// For the first beginning of each fault: nothing of that is drawn where there is a manifest.
struct FirstOnly;

impl Draw for FirstOnly {
    fn generator(&self, _: usize, _: usize) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(0)
    }
    fn round(&self, _: &Fault) -> usize {
        1
    }
}

impl Repeated {
    /// When to create a `Schedule`, and when to delete it.
    pub(super) fn how(&self, begins: Duration) -> Vec<String> {
        let Self { period, total, times, .. } = self;
        let start = span(begins);
        let create = match period {
            None => format!(
                "create it before the client's start; cron goes by the clock of Kubernetes, and here the client starts at 00:00 \
             on a Monday: the first fault is meant to come {start} after it"
            ),
            Some(period) => {
                let create = if begins >= *period {
                    format!("create it {} after the client's start", span(begins.saturating_sub(*period)))
                } else {
                    format!("create it {} before the client's start", span(period.saturating_sub(begins)))
                };
                format!("{create}: the first fault comes {} after that, at {start}", span(*period))
            }
        };
        let delete = span(begins + *total);
        vec![create, format!("delete it {delete} after the client's start, when {times} faults are over")]
    }
}

/// One number and one unit, which is all that some fields take: `90m`, `1600ms`.
pub(super) fn go(span: Duration) -> String {
    let ms = span.as_millis();
    let units = [(3_600_000, "h"), (60_000, "m"), (1000, "s")];
    let (per, unit) = units.into_iter().find(|(per, _)| ms.is_multiple_of(*per)).unwrap_or((1, "ms"));
    if ms == 0 { "0s".to_owned() } else { format!("{}{unit}", ms / per) }
}

/// As people read it.
pub(super) fn span(of: Duration) -> Span {
    Span(of.as_millis() as u64)
}
