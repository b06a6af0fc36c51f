//! One record for each thing that a client can do, and what must be made of it.

use unstuck_record::builder::{MIN, RunBuilder, SEC, TaskBuilder, all_done, done, task, touched};
use unstuck_record::{
    EndReason, Event, Evidence, Finding, FindingKind, Judgement, Outcome, Run, Sample, Verdict,
};

use super::super::judge;

pub(super) const LINK: &str = "client->tikv-1";
/// Baseline 10 minutes, fault from 1 to 61, recovery 5: the budget is 75 minutes, the run lasts 150.
pub(super) const END: u64 = 150 * MIN;

/// A case with three links and one fault that touched something.
pub(super) fn faulty() -> RunBuilder {
    quiet().fault("failure", LINK, MIN, 61 * MIN, touched())
}

/// A case with three links and no fault yet.
pub(super) fn quiet() -> RunBuilder {
    RunBuilder::new("case", "client@rev")
        .link("client", "tikv-1")
        .link("client", "tikv-2")
        .link("client", "pd-0")
}

/// Samples every 10 seconds: work grows until `until_ms`, nothing is retried after it.
pub(super) fn worked(mut run: RunBuilder, until_ms: u64, end_ms: u64) -> RunBuilder {
    for at_ms in (0..=end_ms).step_by(10_000) {
        let unique = at_ms.min(until_ms) * 150 / until_ms.max(1);
        run = run.sample(at_ms, unique, unique + 10, 0);
    }
    run
}

/// A run that did not end, with these tasks at the end.
pub(super) fn unfinished(run: RunBuilder, tasks: impl IntoIterator<Item = TaskBuilder>) -> RunBuilder {
    worked(run, 30 * MIN, END).dump(END, tasks).end(END, EndReason::OutOfTime, done(150))
}

pub(super) fn main_joins(tasks: &[u64]) -> TaskBuilder {
    task(1, "main").at_join("import/wait", tasks, 0)
}

pub(super) fn only(judgement: &Judgement) -> &Finding {
    assert_eq!(judgement.findings.len(), 1, "{:#?}", judgement.findings);
    &judgement.findings[0]
}

pub(super) fn stuck(run: &Run) -> Judgement {
    let judgement = judge(run);
    assert_eq!(judgement.outcome, Outcome::Stuck);
    assert_eq!(judgement.verdict, Verdict::Fail);
    judgement
}

pub(super) fn hung() -> Run {
    let hung = task(2, "worker-1").at_link("NewStream/quota", "tikv-2", 31 * MIN);
    unfinished(faulty(), [main_joins(&[2]), hung]).build()
}

pub(super) fn completed() -> Run {
    worked(faulty(), 62 * MIN, 62 * MIN).client_ended(63 * MIN, None, all_done()).build()
}

pub(super) fn gave_up() -> Run {
    worked(faulty(), 20 * MIN, 20 * MIN)
        .client_ended(20 * MIN, Some("region 7: unavailable"), done(50))
        .build()
}

pub(super) fn missing_range() -> Run {
    worked(faulty(), 60 * MIN, 62 * MIN).client_ended(62 * MIN, None, done(199)).build()
}

pub(super) fn untouched() -> Run {
    let run = quiet().fault("failure", LINK, MIN, 2 * MIN, Evidence::default());
    worked(run, 9 * MIN, 9 * MIN).client_ended(10 * MIN, None, all_done()).build()
}

pub(super) fn spun() -> Run {
    let spun = Event::Spun { task: 4, name: "poller".into(), polls: 100_000 };
    worked(faulty(), 20 * MIN, 20 * MIN)
        .event(20 * MIN, spun)
        .end(20 * MIN, EndReason::Spun, done(50))
        .build()
}

pub(super) fn retry_storm() -> Run {
    let mut run = faulty();
    for at_ms in (0..=END).step_by(10_000) {
        let unique = (at_ms.min(30 * MIN)) / MIN;
        run = run.sample(at_ms, unique, 1_000, at_ms / 15_000);
    }
    // every task was active in the last seconds
    let task = task(2, "store-1").at_link("RecvMsg/message", "tikv-1", END - 5 * SEC);
    run.dump(END, [main_joins(&[2]), task]).end(END, EndReason::OutOfTime, done(30)).build()
}

pub(super) fn leaking() -> Run {
    let mut run = faulty();
    for at_ms in (0..62 * MIN).step_by(10_000) {
        let leaked = at_ms.saturating_sub(MIN) / 20_000;
        run = run.sample(at_ms, at_ms / MIN, at_ms / SEC, 0).streams(1, 2, 6 + at_ms / 10_000 % 3 + leaked);
    }
    run.client_ended(62 * MIN, None, all_done()).build()
}

pub(super) fn still_busy() -> Run {
    worked(faulty(), END, END)
        .dump(END, [main_joins(&[2]), task(2, "worker-1").at_link("RecvMsg", "tikv-2", END - SEC)])
        .end(END, EndReason::OutOfTime, done(150))
        .build()
}

// === outcome and verdict ===

#[test]
fn work_done_in_the_budget_passes() {
    let judgement = judge(&completed());
    assert_eq!((judgement.outcome, judgement.verdict), (Outcome::Completed, Verdict::Pass));
    assert_eq!(judgement.budget_ms, 75 * MIN);
    assert_eq!(judgement.findings, []);
    assert_eq!(judgement.reason, "completed at 1h3m, within the budget of 1h15m");
}

#[test]
fn work_done_after_the_budget_is_slow() {
    let run = worked(faulty(), 80 * MIN, 80 * MIN).client_ended(80 * MIN, None, all_done()).build();
    let judgement = judge(&run);
    assert_eq!((judgement.outcome, judgement.verdict), (Outcome::Slow, Verdict::Fail));
    assert_eq!(judgement.reason, "completed, but only at 1h20m, after the budget of 1h15m");
}

#[test]
fn the_last_millisecond_of_the_budget_counts() {
    let at =
        |ms| judge(&worked(faulty(), 70 * MIN, 70 * MIN).client_ended(ms, None, all_done()).build()).outcome;
    assert_eq!(at(75 * MIN), Outcome::Completed);
    assert_eq!(at(75 * MIN + 1), Outcome::Slow);
}

#[test]
fn an_error_of_the_client_is_failed() {
    let judgement = judge(&gave_up());
    assert_eq!((judgement.outcome, judgement.verdict), (Outcome::Failed, Verdict::Fail));
    let found = only(&judgement);
    assert_eq!(found.kind, FindingKind::Error);
    assert_eq!(found.fault, Some(0));
    assert!(found.summary.contains("region 7: unavailable"), "{}", found.summary);
}

#[test]
fn success_with_a_missing_range_is_failed() {
    let judgement = judge(&missing_range());
    assert_eq!((judgement.outcome, judgement.verdict), (Outcome::Failed, Verdict::Fail));
    let found = only(&judgement);
    assert_eq!(found.kind, FindingKind::Data);
    assert_eq!(found.summary, "the client reports success, but 1 of 200 regions are missing");
    assert_eq!(found.evidence, ["region 7"]);
}

#[test]
fn work_done_twice_is_failed() {
    let mut work = all_done();
    work.duplicated = 3;
    let run = worked(faulty(), 60 * MIN, 62 * MIN).client_ended(62 * MIN, None, work).build();
    assert_eq!(judge(&run).outcome, Outcome::Failed);
}

#[test]
fn what_the_scenario_expects_passes() {
    let site = Some("NewStream/quota");
    let table = [
        (hung(), Outcome::Stuck, site, true),
        (hung(), Outcome::Stuck, None, true),
        (hung(), Outcome::Stuck, Some("RecvMsg/waitOnHeader"), false),
        (hung(), Outcome::Stuck, Some("livelock"), false),
        (hung(), Outcome::Failed, None, false),
        (retry_storm(), Outcome::Stuck, Some("livelock"), true),
        (retry_storm(), Outcome::Stuck, site, false),
        (spun(), Outcome::Stuck, Some("spin"), true),
        (gave_up(), Outcome::Failed, None, true),
        (completed(), Outcome::Stuck, site, false),
        (completed(), Outcome::Completed, None, true),
    ];
    for (mut run, outcome, stuck_at, passes) in table {
        run.header.expect.outcome = outcome;
        run.header.expect.stuck_at = stuck_at.map(Into::into);
        let judgement = judge(&run);
        assert_eq!(
            judgement.verdict == Verdict::Pass,
            passes,
            "{outcome:?} {stuck_at:?}: {}",
            judgement.reason
        );
    }
}

#[test]
fn a_miss_says_what_was_expected() {
    let mut run = completed();
    run.header.expect.outcome = Outcome::Stuck;
    run.header.expect.stuck_at = Some("NewStream/quota".into());
    let reason = judge(&run).reason;
    assert!(reason.starts_with("expected stuck at `NewStream/quota`, but it completed"), "{reason}");
}

#[test]
fn an_interrupted_run_is_unknown() {
    let run = worked(faulty(), 5 * MIN, 5 * MIN).end(5 * MIN, EndReason::Interrupted, done(20)).build();
    let judgement = judge(&run);
    assert_eq!((judgement.outcome, judgement.verdict), (Outcome::Interrupted, Verdict::Unknown));
}

#[test]
fn a_record_that_breaks_off_is_unknown() {
    let mut run = hung();
    run.end = None;
    let judgement = judge(&run);
    assert_eq!((judgement.outcome, judgement.verdict), (Outcome::Interrupted, Verdict::Unknown));
    assert!(judgement.reason.starts_with("the record breaks off"), "{}", judgement.reason);
}

#[test]
fn a_client_that_does_not_finish_without_faults_is_unknown() {
    for (mut run, outcome) in [(hung(), Outcome::Stuck), (completed(), Outcome::Completed)] {
        run.header.limits.baseline_ms = None;
        let judgement = judge(&run);
        assert_eq!((judgement.outcome, judgement.verdict), (outcome, Verdict::Unknown));
        assert!(judgement.reason.contains("without faults"), "{}", judgement.reason);
    }
}

#[test]
fn a_run_without_faults_is_its_own_baseline() {
    let run = worked(quiet(), 9 * MIN, 9 * MIN).header(|header| header.limits.baseline_ms = None);
    let judgement = judge(&run.client_ended(10 * MIN, None, all_done()).build());
    assert_eq!((judgement.outcome, judgement.verdict), (Outcome::Completed, Verdict::Pass));
}

// === no_effect ===

#[test]
fn faults_that_touch_nothing_leave_the_verdict_open() {
    let judgement = judge(&untouched());
    assert_eq!((judgement.outcome, judgement.verdict), (Outcome::Completed, Verdict::Unknown));
    assert_eq!(only(&judgement).kind, FindingKind::NoEffect);
}

#[test]
fn one_fault_that_touched_something_is_enough() {
    let run = quiet()
        .fault("failure", LINK, MIN, 2 * MIN, Evidence::default())
        .fault("failure", LINK, 3 * MIN, 4 * MIN, touched())
        .fault_not_needed("failure", LINK, 30 * MIN, 31 * MIN);
    let judgement = judge(&worked(run, 9 * MIN, 9 * MIN).client_ended(10 * MIN, None, all_done()).build());
    assert_eq!((judgement.verdict, judgement.findings.as_slice()), (Verdict::Pass, &[][..]));
}

#[test]
fn a_client_that_ended_before_every_fault_shows_nothing() {
    let run = quiet().fault_not_needed("failure", LINK, 30 * MIN, 31 * MIN);
    let judgement = judge(&worked(run, 9 * MIN, 9 * MIN).client_ended(10 * MIN, None, all_done()).build());
    assert_eq!(judgement.verdict, Verdict::Unknown);
    assert!(judgement.reason.starts_with("no fault was injected"), "{}", judgement.reason);
}

#[test]
fn a_plan_without_faults_is_not_a_fault_without_effect() {
    let run = worked(quiet(), 9 * MIN, 9 * MIN).client_ended(10 * MIN, None, all_done()).build();
    assert_eq!(judge(&run).verdict, Verdict::Pass);
}

// === livelock, spin, progress ===

#[test]
fn retries_without_progress_are_a_livelock() {
    let judgement = stuck(&retry_storm());
    let found = only(&judgement);
    assert_eq!((found.kind, found.since_ms, found.fault), (FindingKind::Livelock, Some(30 * MIN), Some(0)));
    assert_eq!(
        found.summary,
        "356 retries in the last 1h29m without one of the regions getting done, and no fault is active"
    );
    assert_eq!(found.evidence[1], "one every 15s while no fault was active");
}

#[test]
fn attempts_alone_are_a_livelock_too() {
    let mut run = faulty();
    for at_ms in (0..=END).step_by(10_000) {
        run = run.sample(at_ms, at_ms.min(30 * MIN) / MIN, at_ms, 0);
    }
    let judgement = stuck(&run.end(END, EndReason::OutOfTime, done(30)).build());
    assert_eq!(only(&judgement).kind, FindingKind::Livelock);
    assert!(only(&judgement).summary.contains("attempts"));
}

#[test]
fn retries_that_cease_or_bear_fruit_or_meet_a_fault_are_no_livelock() {
    type Counts = fn(u64) -> (u64, u64);
    let table: [(&str, Counts); 2] = [
        ("they ceased", |at| (at.min(30 * MIN) / MIN, at.min(100 * MIN) / 15_000)),
        ("work got done", |at| (at / MIN, at / 15_000)),
    ];
    for (why, counts) in table {
        let mut run = faulty();
        for at_ms in (0..=END).step_by(10_000) {
            let (unique, retries) = counts(at_ms);
            run = run.sample(at_ms, unique, 1_000, retries);
        }
        let judgement = judge(&run.end(END, EndReason::OutOfTime, done(30)).build());
        assert!(judgement.findings.iter().all(|found| found.kind != FindingKind::Livelock), "{why}");
    }
    let mut active = retry_storm();
    active.events.retain(|event| !matches!(event.what, Event::FaultHealed { .. }));
    assert!(judge(&active).findings.iter().all(|found| found.kind != FindingKind::Livelock));
}

#[test]
fn a_client_that_retried_a_lot_and_finished_is_a_pass() {
    let mut run = faulty();
    for at_ms in (0..70 * MIN).step_by(10_000) {
        run = run.sample(at_ms, at_ms.min(MIN) / 1_000, at_ms, at_ms);
    }
    let judgement = judge(&run.client_ended(70 * MIN, None, all_done()).build());
    assert_eq!((judgement.verdict, judgement.findings.as_slice()), (Verdict::Pass, &[][..]));
}

#[test]
fn a_spin_names_its_task() {
    let judgement = stuck(&spun());
    let found = only(&judgement);
    assert_eq!(
        (found.kind, found.task, found.task_name.as_deref()),
        (FindingKind::Spin, Some(4), Some("poller"))
    );
    let wedged = worked(faulty(), MIN, MIN).end(MIN, EndReason::Wedged, done(1)).build();
    assert_eq!(only(&stuck(&wedged)).kind, FindingKind::Spin);
}

#[test]
fn a_client_that_still_gets_on_is_told_from_one_that_hangs() {
    let judgement = stuck(&still_busy());
    assert_eq!(only(&judgement).kind, FindingKind::Progress);
    assert!(judgement.reason.contains("it still makes progress: 150 of 200 regions"), "{}", judgement.reason);
}

// === leak ===

#[test]
fn streams_that_grow_beside_steady_jobs_are_a_leak_and_still_pass() {
    let judgement = judge(&leaking());
    assert_eq!((judgement.outcome, judgement.verdict), (Outcome::Completed, Verdict::Pass));
    let found = only(&judgement);
    assert_eq!((found.kind, found.link.as_deref()), (FindingKind::Leak, Some("client->tikv-2")));
    assert!(
        found.summary.starts_with("open streams on client->tikv-2 grew from at most"),
        "{}",
        found.summary
    );
}

#[test]
fn tasks_that_are_never_ended_are_a_leak() {
    let mut run = faulty();
    for at_ms in (0..62 * MIN).step_by(10_000) {
        let tasks = 20 + at_ms.saturating_sub(MIN) / 60_000;
        run = run.raw_sample(Sample { at_ms, unique: at_ms, in_flight: 8, tasks, ..Sample::default() });
    }
    let judgement = judge(&run.client_ended(62 * MIN, None, all_done()).build());
    assert!(only(&judgement).summary.starts_with("tasks grew"), "{}", only(&judgement).summary);
}

#[test]
fn what_holds_steady_or_follows_the_jobs_or_is_given_back_is_no_leak() {
    type Shape = fn(u64) -> (u64, u64);
    let table: [(&str, Shape); 5] = [
        ("steady", |_| (8, 40)),
        ("follows the jobs", |at| (8 + at / MIN, 40 + 5 * (at / MIN))),
        ("a new level after the fault", |at| (8, if at > 61 * MIN { 80 } else { 40 })),
        ("grows while the fault lasts, then falls", |at| (8, if at > 55 * MIN { 40 } else { 40 + at / SEC })),
        ("noise", |at| (8, 30 + at / 10_000 * 7_919 % 20)),
    ];
    for (why, shape) in table {
        let mut run = faulty();
        for at_ms in (0..=62 * MIN).step_by(10_000) {
            let (in_flight, streams) = shape(at_ms);
            let sample = Sample { at_ms, unique: at_ms, in_flight, ..Sample::default() };
            run = run.raw_sample(sample).streams(0, 2, streams);
        }
        let judgement = judge(&run.client_ended(62 * MIN + 1, None, all_done()).build());
        assert_eq!(judgement.findings, [], "{why}");
    }
}
