//! The client gave up.

use unstuck_record::{Finding, FindingKind, Span};

use super::{Facts, finding};

pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let Some((at_ms, error)) = facts.ended.and_then(|ended| Some((ended.at_ms, ended.error?))) else {
        return vec![];
    };
    let mut evidence = vec![];
    if let Some(sample) = facts.sample_at(at_ms) {
        let unit = &facts.run.header.unit;
        evidence.push(match sample.total {
            0 => format!("{} {unit} were done by then", sample.unique),
            total => format!("{} of {total} {unit} were done by then", sample.unique),
        });
    }
    evidence.extend(facts.last_words());
    vec![Finding {
        since_ms: Some(at_ms),
        fault: facts.fault_at(at_ms),
        evidence,
        ..finding(FindingKind::Error, format!("the client gave up at {}: {error}", Span(at_ms)))
    }]
}
