//! The verdict: pure functions of the record, so that an old run can be judged again. Nothing here knows a
//! client, a bug or the name of a wait site; there is no clock and no socket.
//!
//! Each checker is one file and turns [`Facts`] into findings; the outcome and the verdict follow from the
//! findings and the time limits.
//!
//! * [`budget`]: the time limits
//! * `facts`: what several checkers ask of a record
//! * `spin`, `livelock`, `hang`, `progress`: why a client missed its budget
//! * `data`, `error`: what it did wrong in time
//! * `phases`: what it did not do before, during or after the faults
//! * `leak`, `no_effect`: what is worth knowing beside

pub mod budget;
mod data;
mod error;
mod facts;
mod hang;
mod leak;
mod livelock;
mod no_effect;
mod outcome;
mod phases;
mod progress;
mod spin;
#[cfg(test)]
mod tests;

use unstuck_record::{Finding, FindingKind, Judgement, ReadError, Run};

use facts::Facts;

type Checker = fn(&Facts<'_>) -> Vec<Finding>;

/// In the order in which their findings are told.
const CHECKERS: [Checker; 9] = [
    spin::check,
    livelock::check,
    hang::check,
    progress::check,
    data::check,
    error::check,
    phases::check,
    leak::check,
    no_effect::check,
];

/// Judges a run.
pub fn judge(run: &Run) -> Judgement {
    judge_with(run, &CHECKERS)
}

/// Reads a record and judges it, whatever judgement it holds.
pub fn rejudge(text: &str) -> Result<(Run, Judgement), ReadError> {
    let mut run = Run::parse(text)?;
    let judgement = judge(&run);
    run.judgement = Some(judgement.clone());
    Ok((run, judgement))
}

fn judge_with(run: &Run, checkers: &[Checker]) -> Judgement {
    let facts = Facts::of(run);
    let findings: Vec<Finding> = checkers.iter().flat_map(|check| check(&facts)).collect();
    let outcome = outcome::outcome(&facts, &findings);
    let (verdict, reason) = outcome::verdict(&facts, outcome, &findings);
    Judgement { outcome, verdict, reason, budget_ms: facts.budget_ms, findings }
}

/// A finding without particulars.
fn finding(kind: FindingKind, summary: impl Into<String>) -> Finding {
    Finding {
        kind,
        summary: summary.into(),
        wait_site: None,
        task: None,
        task_name: None,
        tasks: 0,
        age_ms: None,
        since_ms: None,
        link: None,
        fault: None,
        phase: None,
        evidence: vec![],
    }
}
