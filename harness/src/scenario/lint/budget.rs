//! Limits of time that cannot hold.

use std::time::Duration;

use unstuck_record::Outcome;

use super::super::case::Case;
use super::super::diagnostic::Problem;
use super::super::fault::Fault;
use super::super::fault_type::FaultType;
use super::super::selector::{Component, Qualifier, Selector};
use super::super::units::show;
use super::Around;
use super::moments;
use super::place::Place;

/// Looks at the times of a case.
pub(super) fn check(
    case: &Case,
    place: Place<'_>,
    faults: &[Place<'_>],
    around: &Around<'_>,
    problems: &mut Vec<Problem>,
) {
    let moments = moments::of(case);
    let Some(first) = moments.iter().map(|one| one.first).min() else { return };
    let is_completed = case.expect.outcome == Outcome::Completed;
    let work = around.spec.duration.filter(|_| !around.is_program);
    if let Some(within) = case.expect.within {
        let span = place.value(&["expect", "within"]);
        let limit = show(within);
        if within <= first {
            let message =
                format!("the limit of {limit} is over when the first fault begins, at {}", show(first));
            // who tests what a client does without a fault may mean it
            problems
                .push(Problem::warning(span, message).hint("it counts from the client's start: lengthen it"));
            return;
        }
        let cut_off =
            case.faults.iter().zip(&moments).filter_map(|(fault, at)| Some((cut_off(fault)?, at.healed)));
        let cut_off = cut_off.filter(|(_, healed)| within <= *healed && is_completed).max_by_key(|cut| cut.1);
        if let Some((from, healed)) = cut_off {
            let healed = show(healed);
            let message =
                format!("the limit of {limit} cannot hold: the client is cut off from {from} until {healed}");
            let problem = if from == EVERYTHING { Problem::error } else { Problem::warning };
            problems.push(
                problem(span, message)
                    .hint("lengthen it beyond the heal, or expect `outcome: slow` or `failed`"),
            );
        } else if let Some(work) = work.filter(|work| within < *work && is_completed) {
            let message =
                format!("the limit of {limit} cannot hold: without faults the job takes {}", show(work));
            problems
                .push(Problem::warning(span, message).hint("lengthen it, or shorten `workload.duration`"));
        }
    } else if case.recovery == Duration::ZERO && is_completed {
        let problem = Problem::warning(
            place.value(&["recoveryTime"]),
            "no time to recover: any loss of time is a failure",
        );
        problems.push(problem.hint("grant some, as in `recoveryTime: 5m`, or set `expect: {within: …}`"));
    }
    if let Some(work) = work.filter(|work| first >= *work) {
        let key = if faults.first().is_some_and(|fault| fault.has("when")) { "when" } else { "warmUpTime" };
        let message = format!(
            "the first fault begins at {}, and by then the job of {} is done",
            show(first),
            show(work)
        );
        problems.push(
            Problem::warning(place.value(&[key]), message)
                .hint("shorten `warmUpTime` or what delays the fault, or lengthen `workload.duration`"),
        );
    }
}

const EVERYTHING: &str = "everything";

/// What a client reaches nothing of from the injection to the heal, if it is all of that.
fn cut_off(fault: &Fault) -> Option<&'static str> {
    let node_is_gone = matches!(
        fault.fault,
        FaultType::Failure
            | FaultType::Kill
            | FaultType::Freeze
            | FaultType::Pause
            | FaultType::NetworkDisconnect
    );
    let link_is_dead =
        matches!(fault.fault, FaultType::NetworkPartition { .. } | FaultType::Blackhole { .. });
    let (end, is_off) = match fault.selector {
        Selector::Nodes(end) => (end, node_is_gone),
        Selector::Links { source, target } => (target, source.component.is_client() && link_is_dead),
    };
    match end.component {
        _ if !is_off || end.qualifier != Qualifier::All => None,
        Component::All => Some(EVERYTHING),
        Component::Tikv => Some("every store"),
        _ => None,
    }
}
