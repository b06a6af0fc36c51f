//! A demand on a phase's progress that was missed.
//!
//! A phase cannot do more than was left to do when it began, and nothing is demanded of one that never came because the client
//! had ended before.

use unstuck_record::{Demands, Finding, FindingKind, Passed, Phase, Span};

use super::{Facts, finding};

pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let demands = &facts.run.header.expect.phases;
    if demands.is_empty() || facts.run.end.is_none() {
        return vec![];
    }
    let passed = facts.run.phases();
    let mut missed: Vec<Finding> =
        passed.iter().filter_map(|passed| too_little(facts, demands, passed)).collect();
    let never_came =
        |phase: Phase| passed.iter().all(|passed| passed.phase != phase) && facts.ended.is_none();
    let of_recovery = demands.recovery.is_some() || demands.resumes_within_ms.is_some();
    if of_recovery && never_came(Phase::Recovery) {
        missed.push(of(Phase::Recovery, "`recovery` never came: a fault was active to the end".to_owned()));
    }
    missed.extend(too_late(facts, demands, &passed));
    missed
}

fn too_little(facts: &Facts<'_>, demands: &Demands, passed: &Passed) -> Option<Finding> {
    let demand = demands.of(passed.phase)?;
    let unit = &facts.run.header.unit;
    let (phase, from, to) = (passed.phase, Span(passed.from_ms), Span(passed.to_ms));
    let Some(wanted) = demand.units(facts.run.total()) else {
        let why = format!("`{phase}` demands {demand}, and nobody says how many {unit} there are");
        return Some(of(phase, why));
    };
    if passed.units >= passed.left.map_or(wanted, |left| wanted.min(left)) {
        return None;
    }
    let demanded = if demand.to_string() == wanted.to_string() {
        format!("{wanted} {unit}")
    } else {
        format!("{demand} ({wanted} {unit})")
    };
    let summary = format!("`{phase}` demands {demanded}, and saw {} from {from} to {to}", passed.units);
    Some(Finding { since_ms: Some(passed.from_ms), ..of(phase, summary) })
}

fn too_late(facts: &Facts<'_>, demands: &Demands, passed: &[Passed]) -> Option<Finding> {
    let limit_ms = demands.resumes_within_ms?;
    let recovery = passed.iter().find(|passed| passed.phase == Phase::Recovery && passed.left != Some(0))?;
    if !facts.run.resumed_late(limit_ms) {
        return None;
    }
    let seen =
        facts.run.resumed_ms().map_or("never came".to_owned(), |ms| format!("came only after {}", Span(ms)));
    let (limit, healed) = (Span(limit_ms), Span(recovery.from_ms));
    let summary =
        format!("`recovery` demands progress within {limit} of the last heal at {healed}, and it {seen}");
    Some(Finding { since_ms: Some(recovery.from_ms), ..of(Phase::Recovery, summary) })
}

fn of(phase: Phase, summary: String) -> Finding {
    Finding { phase: Some(phase), ..finding(FindingKind::Progress, summary) }
}
