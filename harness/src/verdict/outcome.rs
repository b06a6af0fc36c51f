//! From findings and time limits to the outcome and the verdict.

use unstuck_record::{EndReason, Expect, Finding, FindingKind, Outcome, Phase, Span, Verdict};

use super::facts::Facts;

pub(super) fn outcome(facts: &Facts<'_>, findings: &[Finding]) -> Outcome {
    let Some(end) = &facts.run.end else { return Outcome::Interrupted };
    if matches!(end.reason, EndReason::Interrupted | EndReason::OutOfSight) {
        return Outcome::Interrupted;
    }
    let Some(ended) = facts.ended else { return Outcome::Stuck };
    if findings.iter().any(|finding| matches!(finding.kind, FindingKind::Data | FindingKind::Error)) {
        return Outcome::Failed;
    }
    if ended.at_ms <= facts.budget_ms { Outcome::Completed } else { Outcome::Slow }
}

/// The verdict, and one sentence that says why.
pub(super) fn verdict(facts: &Facts<'_>, outcome: Outcome, findings: &[Finding]) -> (Verdict, String) {
    if outcome == Outcome::Interrupted {
        let end = Span(facts.end_ms);
        let why = match facts.run.end.as_ref().map(|end| end.reason) {
            None => format!("the record breaks off before the run's end, at {end}"),
            Some(EndReason::OutOfSight) => format!(
                "nothing tells whether the client was done at {end}: it was last heard of at {}",
                Span(facts.heard_ms())
            ),
            Some(_) => format!("the run was interrupted, at {end}"),
        };
        return (Verdict::Unknown, why);
    }
    let happened = happened(facts, outcome, findings);
    if !facts.has_baseline {
        let why = facts.run.header.limits.baseline_unknown.as_deref();
        let why =
            why.unwrap_or("the client does not finish without faults either, so the faults prove nothing");
        return (Verdict::Unknown, format!("{why}; in this run it {happened}"));
    }
    let expect = &facts.run.header.expect;
    let nothing = findings.iter().find(|finding| finding.kind == FindingKind::NoEffect);
    // a fault that waited in vain takes nothing from what the others have shown, unless that is a success
    let shown = |nothing: &Finding| {
        let vain = nothing.fault.is_some_and(|fault| facts.run.never_triggered(fault));
        vain && facts.any_injected() && outcome != Outcome::Completed && !met(expect, outcome, findings)
    };
    if let Some(nothing) = nothing.filter(|nothing| !shown(nothing)) {
        return (Verdict::Unknown, format!("{}; the client {happened}", nothing.summary));
    }
    let said = if facts.only_said() {
        "; the faults were injected, as was said, and nothing tells what they touched"
    } else {
        ""
    };
    let missed = |phase: fn(Phase) -> bool| findings.iter().find(|finding| finding.phase.is_some_and(phase));
    if let Some(steady) = missed(|phase| phase == Phase::Steady) {
        let why = "steady state was not reached before the first fault";
        return (Verdict::Unknown, format!("{why}: {}; the client {happened}", steady.summary));
    }
    if let (true, Some(missed)) = (met(expect, outcome, findings), missed(|_| true)) {
        return (Verdict::Fail, format!("{happened}, but {}", missed.summary));
    }
    match (met(expect, outcome, findings), expect) {
        (true, Expect { outcome: Outcome::Completed, .. }) => (Verdict::Pass, happened + said),
        (true, _) => (Verdict::Pass, format!("as expected: {happened}{said}")),
        (false, Expect { outcome: Outcome::Completed, .. }) => (Verdict::Fail, happened),
        (false, expect) => (Verdict::Fail, format!("expected {}, but it {happened}", expected(expect))),
    }
}

fn met(expect: &Expect, outcome: Outcome, findings: &[Finding]) -> bool {
    let Some(site) = expect.stuck_at.as_deref().filter(|_| expect.outcome == Outcome::Stuck) else {
        return expect.outcome == outcome;
    };
    expect.outcome == outcome
        && findings.iter().any(|finding| match finding.kind {
            FindingKind::Hang => finding.wait_site.as_deref() == Some(site) || site == "hang",
            FindingKind::Livelock => site == "livelock",
            FindingKind::Spin => site == "spin",
            _ => false,
        })
}

fn expected(expect: &Expect) -> String {
    let outcome = match expect.outcome {
        Outcome::Completed => "completed",
        Outcome::Slow => "slow",
        Outcome::Stuck => "stuck",
        Outcome::Failed => "failed",
        Outcome::Interrupted => "interrupted",
    };
    match &expect.stuck_at {
        Some(site) if expect.outcome == Outcome::Stuck => format!("{outcome} at `{site}`"),
        _ => outcome.to_owned(),
    }
}

/// What the client did, as the rest of a sentence.
fn happened(facts: &Facts<'_>, outcome: Outcome, findings: &[Finding]) -> String {
    let budget = Span(facts.budget_ms);
    let at = Span(facts.ended.map_or(facts.end_ms, |ended| ended.at_ms));
    // what the faults did is said beside it
    let telling = findings.iter().find(|finding| finding.kind != FindingKind::NoEffect);
    let telling = telling.map(|finding| finding.summary.as_str());
    match outcome {
        Outcome::Completed if facts.has_baseline => {
            format!("completed at {at}, within the budget of {budget}")
        }
        Outcome::Completed => format!("completed at {at}"),
        Outcome::Slow => format!("completed, but only at {at}, after the budget of {budget}"),
        Outcome::Stuck => {
            let dumped = !facts.run.dumps.is_empty();
            let why = match telling {
                Some(why) => why.to_owned(),
                None if dumped => "no task has waited long enough to name one".to_owned(),
                None => {
                    let last = Span(facts.last_progress_ms());
                    format!("no progress since {last}, and no task dump tells where it waits")
                }
            };
            format!("did not finish in {at}: {why}")
        }
        Outcome::Failed => format!("failed at {at}: {}", telling.unwrap_or("its work is not right")),
        Outcome::Interrupted => format!("was interrupted at {at}"),
    }
}
