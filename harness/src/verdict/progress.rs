//! Why a client that did not end in time is neither hung nor in a livelock: a fault is still active, or it still
//! gets on, too slowly.

use unstuck_record::{Finding, FindingKind, Span};

use super::{Facts, finding, hang};

pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings = hang::behind_faults(facts);
    findings.extend(too_slow(facts));
    findings
}

fn too_slow(facts: &Facts<'_>) -> Option<Finding> {
    let last = facts.samples.last().filter(|_| facts.never_ended() && facts.end_ms > facts.budget_ms)?;
    let progress_ms = facts.last_progress_ms();
    if last.unique == 0 || facts.end_ms.saturating_sub(progress_ms) > facts.lull_ms() {
        return None;
    }
    let unit = &facts.run.header.unit;
    let summary =
        format!("it still makes progress: {} of {} {unit} when time was up", last.unique, last.total);
    let budget = facts.sample_at(facts.budget_ms).map_or(0, |sample| sample.unique);
    Some(Finding {
        since_ms: Some(progress_ms),
        evidence: vec![format!(
            "{budget} {unit} were done when the budget of {} was up",
            Span(facts.budget_ms)
        )],
        ..finding(FindingKind::Progress, summary)
    })
}
