//! Faults that others carry out: what the verdict makes of what is said of them, and of what nobody saw.

use unstuck_record::builder::{MIN, RunBuilder, all_done, done};
use unstuck_record::{EndReason, Evidence, FindingKind, Outcome, Verdict};

use super::super::judge;
use super::cases::{END, LINK, only, quiet, worked};

fn in_force(targets: u64) -> Evidence {
    Evidence { elsewhere: Some(targets), ..Evidence::default() }
}

fn completed(run: RunBuilder) -> unstuck_record::Run {
    worked(run, 9 * MIN, 9 * MIN).client_ended(10 * MIN, None, all_done()).build()
}

#[test]
fn what_nobody_saw_proves_nothing() {
    let judgement = judge(&completed(quiet().fault("failure", LINK, MIN, 2 * MIN, in_force(0))));
    assert_eq!((judgement.outcome, judgement.verdict), (Outcome::Completed, Verdict::Unknown));
    assert_eq!(only(&judgement).kind, FindingKind::NoEffect);
    assert!(
        judgement.reason.starts_with("nothing tells that the fault touched anything"),
        "{}",
        judgement.reason
    );
}

#[test]
fn a_pass_on_somebody_s_word_says_so() {
    let unseen = |run: RunBuilder| run.fault("failure", LINK, 3 * MIN, 4 * MIN, in_force(0));
    let judgement = judge(&completed(unseen(quiet().fault("failure", LINK, MIN, 2 * MIN, in_force(2)))));
    assert_eq!((judgement.verdict, judgement.findings.len()), (Verdict::Pass, 0));
    assert!(judgement.reason.ends_with("nothing tells what they touched"), "{}", judgement.reason);

    let counted = Evidence { counted: 3, ..in_force(2) };
    let judgement = judge(&completed(quiet().fault("failure", LINK, MIN, 2 * MIN, counted)));
    assert_eq!((judgement.verdict, judgement.findings.len()), (Verdict::Pass, 0));
    assert!(!judgement.reason.contains("nothing tells"), "{}", judgement.reason);
}

#[test]
fn faults_are_told_with_the_times_at_which_they_acted() {
    let run = quiet().fault("failure", LINK, 7 * MIN, 8 * MIN, in_force(0));
    let run = run.header(|header| (header.plan[0].start_ms, header.plan[0].end_ms) = (MIN, 2 * MIN));
    let judgement = judge(&completed(run));
    assert_eq!(only(&judgement).evidence, ["failure on tikv-1 (7m to 8m): carried out elsewhere, if at all"]);
}

#[test]
fn a_client_out_of_sight_is_neither_stuck_nor_done() {
    let run = worked(quiet().fault("failure", LINK, MIN, 61 * MIN, in_force(1)), 30 * MIN, 50 * MIN);
    let judgement = judge(&run.end(END, EndReason::OutOfSight, done(150)).build());
    assert_eq!((judgement.outcome, judgement.verdict), (Outcome::Interrupted, Verdict::Unknown));
    assert_eq!(judgement.findings, []);
    assert!(judgement.reason.ends_with("it was last heard of at 50m"), "{}", judgement.reason);
}

#[test]
fn what_is_not_known_without_faults_is_said_with_what_would_tell() {
    let run = quiet().fault("failure", LINK, MIN, 2 * MIN, in_force(1)).header(|header| {
        header.limits.baseline_ms = None;
        header.limits.baseline_unknown = Some("nobody has measured it: do".into());
    });
    let judgement = judge(&completed(run));
    assert_eq!(judgement.verdict, Verdict::Unknown);
    assert!(judgement.reason.starts_with("nobody has measured it: do; in this run"), "{}", judgement.reason);
}

#[test]
fn progress_that_nobody_has_seen_for_long_is_none() {
    let run = worked(quiet().fault("failure", LINK, MIN, 61 * MIN, in_force(1)), 30 * MIN, 30 * MIN);
    let judgement = judge(&run.end(END, EndReason::OutOfTime, done(150)).build());
    assert_eq!((judgement.outcome, judgement.findings.len()), (Outcome::Stuck, 0));
    assert!(judgement.reason.contains("no progress since 30m"), "{}", judgement.reason);
}
