//! Demands on what is done before, during and after the faults.

use unstuck_record::builder::{MIN, RunBuilder, SEC, all_done, touched};
use unstuck_record::{Demand, Demands, FindingKind, Judgement, Outcome, Phase, Run, Verdict};

use super::super::judge;
use super::cases::{LINK, quiet};

/// A fault from 2 to 4 minutes; 40 of 200 units before, 10 during it, the rest from 5 minutes on, done at 8.
fn run(demands: Demands) -> RunBuilder {
    let run = quiet().fault("failure", LINK, 2 * MIN, 4 * MIN, touched());
    let run = run.header(|header| header.expect.phases = demands);
    let done = [
        (0, 0),
        (2 * MIN, 40),
        (3 * MIN, 50),
        (4 * MIN, 50),
        (5 * MIN, 50),
        (5 * MIN + SEC, 60),
        (8 * MIN, 200),
    ];
    done.into_iter().fold(run, |run, (at_ms, unique)| run.sample(at_ms, unique, unique, 0))
}

fn judged(demands: Demands) -> Judgement {
    judge(&run(demands).client_ended(8 * MIN, None, all_done()).build())
}

/// What `removed` takes a checker away from.
pub(super) fn slow_to_resume() -> Run {
    let demands = Demands { resumes_within_ms: Some(MIN), ..Demands::default() };
    run(demands).client_ended(8 * MIN, None, all_done()).build()
}

#[test]
fn demands_that_are_met_are_a_pass() {
    let judgement = judged(Demands {
        steady: Some(Demand::Percent(20)),
        fault: Some(Demand::Units(10)),
        recovery: Some(Demand::Units(150)),
        resumes_within_ms: Some(MIN + SEC),
    });
    assert_eq!((judgement.verdict, judgement.findings.len()), (Verdict::Pass, 0), "{judgement:?}");
}

#[test]
fn a_missed_steady_state_shows_nothing() {
    let judgement = judged(Demands { steady: Some(Demand::Percent(21)), ..Demands::default() });
    assert_eq!((judgement.outcome, judgement.verdict), (Outcome::Completed, Verdict::Unknown));
    assert_eq!(
        judgement.reason,
        "steady state was not reached before the first fault: `steady` demands 21% (42 regions), and saw 40 from 0ms to 2m; \
         the client completed at 8m, within the budget of 17m"
    );
    assert_eq!(
        (judgement.findings[0].kind, judgement.findings[0].phase),
        (FindingKind::Progress, Some(Phase::Steady))
    );
}

#[test]
fn too_little_during_the_fault_is_a_failure_though_all_was_done_in_time() {
    let judgement = judged(Demands { fault: Some(Demand::Units(11)), ..Demands::default() });
    assert_eq!((judgement.outcome, judgement.verdict), (Outcome::Completed, Verdict::Fail));
    assert!(
        judgement.reason.ends_with("but `fault` demands 11 regions, and saw 10 from 2m to 4m"),
        "{}",
        judgement.reason
    );
}

#[test]
fn progress_that_comes_back_too_late_is_a_failure() {
    let judgement = judge(&slow_to_resume());
    assert_eq!((judgement.outcome, judgement.verdict), (Outcome::Completed, Verdict::Fail));
    assert!(
        judgement.reason.ends_with(
            "but `recovery` demands progress within 1m of the last heal at 4m, and it came only after 1m1s"
        ),
        "{}",
        judgement.reason
    );
}

/// 200 units are all there are: 150 after the heal is what was left.
#[test]
fn nobody_is_asked_for_more_than_is_left() {
    let judgement = judged(Demands { recovery: Some(Demand::Units(200)), ..Demands::default() });
    assert_eq!(judgement.verdict, Verdict::Pass, "{}", judgement.reason);
}

#[test]
fn a_client_that_was_done_before_the_heal_owes_nothing() {
    let demands =
        Demands { recovery: Some(Demand::Units(1)), resumes_within_ms: Some(SEC), ..Demands::default() };
    let run = quiet().fault("failure", LINK, 2 * MIN, 40 * MIN, touched());
    let run =
        run.header(|header| header.expect.phases = demands).sample(0, 0, 0, 0).sample(8 * MIN, 200, 200, 0);
    let judgement = judge(&run.client_ended(8 * MIN, None, all_done()).build());
    assert_eq!(judgement.verdict, Verdict::Pass, "{}", judgement.reason);
}
