//! The work is wrong although the client says that it is done.

use unstuck_record::{Finding, FindingKind};

use super::{Facts, finding};

pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let claims_success = facts.ended.is_some_and(|ended| ended.error.is_none());
    let Some(work) = facts.run.end.as_ref().map(|end| &end.work).filter(|_| claims_success) else {
        return vec![];
    };
    let unit = &facts.run.header.unit;
    let missing = work.expected.saturating_sub(work.unique);
    let mut wrong = vec![];
    if missing > 0 {
        wrong.push(format!("{missing} of {} {unit} are missing", work.expected));
    } else if !work.missing.is_empty() {
        wrong.push(format!("{unit} are wrong"));
    }
    if work.duplicated > 0 {
        wrong.push(format!("{} of {} {unit} were done more than once", work.duplicated, work.expected));
    }
    if wrong.is_empty() {
        return vec![];
    }
    let summary = format!("the client reports success, but {}", wrong.join(" and "));
    vec![Finding { evidence: work.missing.clone(), ..finding(FindingKind::Data, summary) }]
}
