//! No fault touched anything, or what a fault waits for never came, so the run shows nothing.

use unstuck_record::{At, Event, Finding, FindingKind};

use super::{Facts, finding};

pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings = nothing_touched(facts);
    findings.extend(never_triggered(facts));
    findings
}

/// The faults that waited in vain: what they were to show is not shown.
fn never_triggered(facts: &Facts<'_>) -> Option<Finding> {
    let waits = |fault: &usize| facts.run.never_triggered(*fault);
    let waiting: Vec<usize> = (0..facts.run.header.plan.len()).filter(waits).collect();
    let trigger = facts.run.trigger(*waiting.first()?).unwrap_or_default();
    let more = match waiting.len() {
        1 => String::new(),
        count => format!(", nor were {} more faults", count - 1),
    };
    let summary = format!("what a fault waits for never came: {trigger}{more}");
    let evidence = waiting.iter().map(|&fault| format!("{}: never triggered", facts.fault_text(fault)));
    Some(Finding {
        fault: Some(waiting[0]),
        evidence: evidence.collect(),
        ..finding(FindingKind::NoEffect, summary)
    })
}

fn nothing_touched(facts: &Facts<'_>) -> Vec<Finding> {
    let plan = &facts.run.header.plan;
    if plan.is_empty() || (0..plan.len()).any(|fault| touched(facts, fault)) {
        return vec![];
    }
    if (0..plan.len()).all(|fault| facts.run.never_triggered(fault)) {
        return vec![];
    }
    let injected: Vec<usize> = (0..plan.len()).filter(|&fault| facts.was_injected(fault)).collect();
    if injected.iter().any(|&fault| !told(facts, fault)) {
        return vec![];
    }
    if facts.only_said() {
        return vec![];
    }
    let unseen = |fault: usize| facts.evidence(fault).elsewhere.is_some();
    let summary = match (injected.len(), injected.iter().any(|&fault| unseen(fault))) {
        (0, _) => "no fault was injected before the client ended",
        (1, false) => "the fault touched nothing",
        (_, false) => "none of the faults touched anything",
        (1, true) => "nothing tells that the fault touched anything",
        (_, true) => "nothing tells that any of the faults touched anything",
    };
    let effect = |fault| if unseen(fault) { "carried out elsewhere, if at all" } else { "touched nothing" };
    let evidence = injected.iter().map(|&fault| format!("{}: {}", facts.fault_text(fault), effect(fault)));
    vec![Finding { evidence: evidence.collect(), ..finding(FindingKind::NoEffect, summary) }]
}

/// Whether the record tells what a fault touched: that of a killed or a wedged run does not.
fn told(facts: &Facts<'_>, index: usize) -> bool {
    let at_the_end = facts.run.end.as_ref().is_some_and(|end| index < end.evidence.len());
    let healed = |event: &At<Event>| matches!(event.what, Event::FaultHealed { fault, .. } if fault == index);
    at_the_end || facts.run.events.iter().any(healed)
}

/// Whether a fault is known to have touched something.
fn touched(facts: &Facts<'_>, index: usize) -> bool {
    facts.was_injected(index) && facts.evidence(index).touched()
}
