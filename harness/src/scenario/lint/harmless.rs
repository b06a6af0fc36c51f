//! Faults without effect, and schedules that do not say what they seem to.

use fake_tikv::answer::Then;
use unstuck_proxy::toxic::h2::Delay;
use unstuck_proxy::toxic::{Corrupt, H2, Kind, Latency, Loss, Reorder, SlowClose};

use super::super::diagnostic::Problem;
use super::super::fault::Fault;
use super::super::fault_type::FaultType;
use super::super::period::Period;
use super::super::schedule::Schedule;
use super::super::selector::{Qualifier, Selector};
use super::super::units::show;
use super::place::Place;

/// Looks at what a fault does, and how often.
pub(super) fn check(fault: &Fault, place: Place<'_>, problems: &mut Vec<Problem>) {
    if does_nothing(&fault.fault) {
        let message = format!("`{}` does nothing: the case could never fail by it", fault.fault);
        let problem = Problem::error(place.value(&["faultType"]), message);
        problems.push(
            problem.hint("raise its share or its delay; where all overtake, nobody is late: lower that"),
        );
    }
    let one = match &fault.schedule {
        Schedule::Times { times: 1, .. } => {
            Some(("faultRunTimes", "`faultRunTimes: 1` repeats nothing".to_owned()))
        }
        Schedule::For { period: Period::Every(every), total } if *total <= every.least => {
            let (total, every) = (show(*total), show(every.least));
            Some((
                "faultTotalRunTime",
                format!("{total} is room for one injection, with a period of {every}"),
            ))
        }
        _ => None,
    };
    if let Some((key, message)) = one {
        let problem = Problem::warning(place.value(&[key]), message);
        problems.push(problem.hint("take `period` out, or raise this"));
    } else if let Some(Period::Every(every)) = fault.schedule.period()
        && every.least == every.most
        && *every == fault.duration
        && is_steady(&fault.selector)
    {
        let message = "the fault is healed and injected at the same moment: it is one long fault";
        let problem = Problem::warning(place.value(&["faultDuration"]), message);
        problems.push(problem.hint("shorten it, or lengthen `period`"));
    }
}

fn does_nothing(fault: &FaultType) -> bool {
    match fault {
        // none at all has its own warning
        FaultType::Network { netem, .. } => {
            let kinds = netem.kinds();
            !kinds.is_empty() && kinds.iter().all(is_idle)
        }
        FaultType::Toxic { toxic, .. } => toxic.toxicity <= 0.0 || is_idle(&toxic.kind),
        FaultType::Answer { script, .. } => matches!(script.then, Then::Delay { ms: 0, jitter_ms: 0 }),
        _ => false,
    }
}

fn is_idle(kind: &Kind) -> bool {
    match kind {
        Kind::Latency(Latency { latency, jitter, .. }) => latency.is_zero() && jitter.is_zero(),
        Kind::Loss(Loss { rate, .. }) | Kind::Corrupt(Corrupt { rate }) => *rate <= 0.0,
        Kind::Reorder(Reorder { rate, delay, .. }) => *rate <= 0.0 || delay.is_zero(),
        Kind::SlowClose(SlowClose { delay }) | Kind::H2(H2::Delay(Delay { delay, .. })) => delay.is_zero(),
        _ => false,
    }
}

/// Whether each injection is on the same nodes.
fn is_steady(selector: &Selector) -> bool {
    selector
        .endpoints()
        .all(|end| matches!(end.qualifier, Qualifier::All | Qualifier::Others | Qualifier::Index(_)))
}
