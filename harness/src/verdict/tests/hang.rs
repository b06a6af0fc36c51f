//! Who hangs, who only waits for somebody that does, and who waits as it should.

use unstuck_record::builder::{MIN, SEC, all_done, done, task, touched};
use unstuck_record::{EndReason, FindingKind, Verdict};

use super::super::judge;
use super::cases::{END, LINK, faulty, main_joins, only, quiet, stuck, unfinished, worked};

#[test]
fn a_hang_beside_a_thousand_idle_tasks_is_one_finding() {
    let idle = (100..1_100).map(|id| task(id, "watcher").at_channel("jobs", &[1], 0).idle());
    let workers = (2..34).map(|id| task(id, "worker").at_link("NewStream/quota", "tikv-2", 31 * MIN + id));
    let main = main_joins(&(2..34).collect::<Vec<_>>());
    let judgement = stuck(&unfinished(faulty(), idle.chain(workers).chain([main])).build());
    let found = only(&judgement);
    assert_eq!(found.kind, FindingKind::Hang);
    assert_eq!(found.wait_site.as_deref(), Some("NewStream/quota"));
    assert_eq!((found.tasks, found.task), (32, Some(2)));
    assert_eq!(found.link.as_deref(), Some("client->tikv-2"));
    assert_eq!(found.since_ms, Some(31 * MIN + 2));
    assert_eq!(found.age_ms, Some(119 * MIN - 2));
    assert_eq!(found.fault, Some(0));
}

#[test]
fn a_long_back_off_that_ends_in_time_is_a_pass() {
    let sleeping = task(2, "worker").at_timer("backoff", 62 * MIN, 52 * MIN);
    let run = worked(faulty(), 50 * MIN, 70 * MIN).dump(61 * MIN, [main_joins(&[2]), sleeping]).client_ended(
        70 * MIN,
        None,
        all_done(),
    );
    let judgement = judge(&run.build());
    assert_eq!((judgement.verdict, judgement.findings.as_slice()), (Verdict::Pass, &[][..]));
}

#[test]
fn a_timer_that_will_fire_is_no_hang_and_one_that_should_have_fired_is() {
    let until = |until_ms| {
        let sleeping = task(2, "worker").at_timer("backoff", until_ms, 40 * MIN);
        judge(&unfinished(faulty(), [main_joins(&[2]), sleeping]).build())
    };
    assert_eq!(until(END + 10 * MIN).findings, []);
    let overdue = until(50 * MIN);
    assert_eq!(only(&overdue).wait_site.as_deref(), Some("backoff"));
    assert!(only(&overdue).summary.contains("should have fired"));
}

#[test]
fn two_stacks_are_two_findings_the_more_frequent_first() {
    let tasks = [
        main_joins(&[2, 3, 4]),
        task(2, "reader").at_link("RecvMsg/waitOnHeader", "tikv-1", 62 * MIN),
        task(3, "worker").at_link("NewStream/quota", "tikv-2", 63 * MIN),
        task(4, "worker").at_link("NewStream/quota", "tikv-1", 64 * MIN),
    ];
    let judgement = stuck(&unfinished(faulty(), tasks).build());
    let told: Vec<_> = judgement.findings.iter().map(|f| (f.wait_site.as_deref(), f.tasks)).collect();
    assert_eq!(told, [(Some("NewStream/quota"), 2), (Some("RecvMsg/waitOnHeader"), 1)]);
    assert!(
        judgement.findings[0].evidence.contains(&"by link: client->tikv-1 (1), client->tikv-2 (1)".into())
    );
}

#[test]
fn equal_sites_reached_through_other_functions_are_told_apart() {
    let through = |id, function: &str| {
        let frame = unstuck_record::Frame { function: function.into(), file: "a.rs".into(), line: 1 };
        task(id, "worker").at_link("RecvMsg", "tikv-1", 62 * MIN).with(|task| task.frames.push(frame))
    };
    let tasks = [main_joins(&[2, 3]), through(2, "write"), through(3, "ingest")];
    assert_eq!(stuck(&unfinished(faulty(), tasks).build()).findings.len(), 2);
}

#[test]
fn two_mutexes_taken_crosswise_are_a_deadlock() {
    let tasks = [
        main_joins(&[2, 3]),
        task(2, "left").at_lock("lock/b", Some(3), 40 * MIN),
        task(3, "right").at_lock("lock/a", Some(2), 41 * MIN),
        task(4, "bystander").at_lock("lock/a", Some(2), 42 * MIN),
    ];
    let judgement = stuck(&unfinished(faulty(), tasks).build());
    let found = only(&judgement);
    assert!(found.summary.contains("deadlock"), "{}", found.summary);
    assert_eq!((found.tasks, found.task, found.wait_site.as_deref()), (2, Some(2), Some("lock/b")));
    assert_eq!(found.evidence[0], "they are: 2 `left` at `lock/b`, 3 `right` at `lock/a`");
    assert!(found.evidence.contains(&"2 more tasks wait behind".into()), "{:?}", found.evidence);
}

#[test]
fn a_task_that_waits_for_itself_is_a_deadlock() {
    let tasks = [main_joins(&[2]), task(2, "again").at_lock("lock/a", Some(2), 40 * MIN)];
    let judgement = stuck(&unfinished(faulty(), tasks).build());
    assert!(only(&judgement).summary.contains("waits for itself"));
}

#[test]
fn a_wait_that_nobody_can_end_is_a_lost_wake_up() {
    let table = [
        task(2, "sleeper").at_channel("notify", &[], 40 * MIN),
        task(2, "sleeper").at_channel("notify", &[77], 40 * MIN),
        task(2, "sleeper").at_lock("notify", None, 40 * MIN),
        task(2, "sleeper").at_join("notify", &[77], 40 * MIN),
    ];
    for sleeper in table {
        let judgement = stuck(&unfinished(faulty(), [main_joins(&[2]), sleeper]).build());
        let found = only(&judgement);
        assert_eq!((found.task, found.wait_site.as_deref()), (Some(2), Some("notify")));
        assert!(found.summary.contains("lost wake-up"), "{}", found.summary);
    }
}

#[test]
fn a_chain_of_waits_is_followed_to_the_task_at_its_end() {
    let tasks = [
        main_joins(&[2]),
        task(2, "dispatcher").at_channel("results", &[3, 9], 40 * MIN),
        task(3, "worker").at_join("fanout", &[4], 39 * MIN),
        task(4, "sender").at_lock("conn", Some(5), 38 * MIN),
        task(5, "writer").at_link("SendMsg/flow", "tikv-1", 37 * MIN),
    ];
    let judgement = stuck(&unfinished(faulty(), tasks).build());
    let found = only(&judgement);
    assert_eq!((found.task, found.wait_site.as_deref()), (Some(5), Some("SendMsg/flow")));
    assert!(found.evidence.contains(&"4 more tasks wait behind".into()), "{:?}", found.evidence);
}

#[test]
fn whoever_waits_for_a_task_that_still_moves_is_not_hung() {
    let tasks = [
        main_joins(&[2]),
        task(2, "dispatcher").at_channel("results", &[3], 40 * MIN),
        task(3, "worker").at_link("RecvMsg", "tikv-1", END - SEC),
    ];
    assert_eq!(judge(&unfinished(faulty(), tasks).build()).findings, []);
}

#[test]
fn a_job_that_was_lost_leaves_whoever_waits_for_it() {
    // the dispatcher waits for results, the workers idle for jobs: each waits for the other
    let tasks = [
        main_joins(&[2]),
        task(2, "dispatcher").at_channel("results", &[3, 4], 40 * MIN),
        task(3, "worker").at_channel("jobs", &[2], 40 * MIN).idle(),
        task(4, "worker").at_channel("jobs", &[2], 40 * MIN).idle(),
    ];
    let judgement = stuck(&unfinished(faulty(), tasks).build());
    assert_eq!((only(&judgement).task, only(&judgement).tasks), (Some(2), 1));
}

#[test]
fn a_wait_behind_a_fault_that_is_still_active_is_no_hang() {
    let run = quiet().header(|header| header.limits.within_ms = Some(20 * MIN));
    let run = run.lasting_fault("network_partition", LINK, MIN, 300 * MIN);
    let hung = task(2, "worker").at_link("RecvMsg", "tikv-1", 2 * MIN);
    let run = worked(run, MIN, 40 * MIN).dump(40 * MIN, [main_joins(&[2]), hung]);
    let mut run = run.end(40 * MIN, EndReason::OutOfTime, done(20)).build();
    run.end.as_mut().unwrap().evidence[0].bytes = 100;
    let judgement = stuck(&run);
    let found = only(&judgement);
    assert_eq!((found.kind, found.fault), (FindingKind::Progress, Some(0)));
    assert!(
        found.summary.contains("network_partition on tikv-1 (1m to 5h) was still active"),
        "{}",
        found.summary
    );
}

#[test]
fn a_heal_by_the_clearing_up_at_the_end_is_not_a_heal() {
    let run = quiet().header(|header| header.limits.within_ms = Some(20 * MIN));
    let run = run.fault("network_partition", LINK, MIN, 40 * MIN, touched());
    let hung = task(2, "worker").at_link("RecvMsg", "tikv-1", 2 * MIN);
    let run = worked(run, MIN, 40 * MIN).dump(40 * MIN, [main_joins(&[2]), hung]);
    let judgement = stuck(&run.end(40 * MIN, EndReason::OutOfTime, done(20)).build());
    assert_eq!(only(&judgement).kind, FindingKind::Progress);
}

#[test]
fn an_await_without_a_name_counts_when_no_named_one_hangs() {
    let unnamed = || task(2, "worker").last_polled(40 * MIN);
    let judgement = stuck(&unfinished(faulty(), [main_joins(&[2]), unnamed()]).build());
    assert_eq!(only(&judgement).wait_site.as_deref(), Some("(unnamed)"));
    let named = task(3, "worker").at_link("RecvMsg", "tikv-1", 40 * MIN);
    let judgement = stuck(&unfinished(faulty(), [main_joins(&[2, 3]), unnamed(), named]).build());
    assert_eq!(only(&judgement).wait_site.as_deref(), Some("RecvMsg"));
}

#[test]
fn a_wait_shorter_than_the_clients_longest_timer_is_no_hang() {
    let wait = |age| {
        let run = faulty().header(|header| header.limits.longest_timer_ms = 15 * MIN);
        let waits = task(2, "worker").at_link("RecvMsg", "tikv-1", END - age);
        judge(&unfinished(run, [main_joins(&[2]), waits]).build()).findings.len()
    };
    assert_eq!((wait(15 * MIN), wait(15 * MIN + 1)), (0, 1));
}

#[test]
fn a_wait_during_which_the_task_made_progress_is_no_hang() {
    let works = task(2, "pump").at_link("loop", "tikv-1", MIN).progressed(END - 10 * SEC);
    assert_eq!(judge(&unfinished(faulty(), [main_joins(&[2]), works]).build()).findings, []);
}

#[test]
fn a_hang_tells_what_differs_from_when_it_still_moved() {
    let moving =
        task(2, "worker-1").at_link("SendMsg/flow", "tikv-2", 30 * MIN - 20).detail("3 messages queued");
    let hung =
        task(2, "worker-1").at_link("NewStream/quota", "tikv-2", 31 * MIN).detail("32 of 32 streams open");
    let run = worked(faulty(), 30 * MIN, 30 * MIN).streams(1, 2, 20).dump(30 * MIN, [moving]);
    let run = run.sample(END, 150, 160, 0).streams(1, 2, 64).dump(END, [main_joins(&[2]), hung]);
    let judgement = stuck(&run.end(END, EndReason::OutOfTime, done(150)).build());
    assert_eq!(
        only(&judgement).evidence,
        [
            "at 30m it still moved: `SendMsg/flow` for 20ms (3 messages queued)",
            "at the end: `NewStream/quota` for 1h59m (32 of 32 streams open)",
            "open on client->tikv-2: 20 streams on 2 connections at 30m, 64 streams on 2 connections at 2h30m",
            "1 more task waits behind",
        ]
    );
}
