//! Which of the tasks of a program that stand still is named.

use unstuck_record::builder::{MIN, RunBuilder, done, touched};
use unstuck_record::{EndReason, Finding, FindingKind, Run};

use super::super::judge;
use super::cases::{END, LINK, faulty, only, quiet, stuck, worked};

/// A goroutine: id, state, functions with their files, and who started it.
fn goroutine(id: u64, state: &str, frames: &[(&str, &str)], parent: u64) -> String {
    let frames: Vec<String> =
        frames.iter().map(|(function, file)| format!("{function}(...)\n\t{file}:7 +0x1\n")).collect();
    let created = match parent {
        0 => String::new(),
        _ => format!("created by main.start in goroutine {parent}\n\t/srv/app/main.go:3 +0x1\n"),
    };
    format!("goroutine {id} [{state}]:\n{}{created}\n", frames.concat())
}

const MAIN: (&str, &str) = ("main.main", "/srv/app/main.go");
const WORK: (&str, &str) = ("main.(*loader).put", "/srv/app/load.go");
const LIBRARY: (&str, &str) = ("example.com/lib.loop", "/home/x/go/pkg/mod/example.com/lib@v1.0.0/loop.go");

/// A run that did not end, with these dumps of one program.
fn dumped(run: RunBuilder, dumps: &[(u64, Vec<String>)]) -> Run {
    let mut run = worked(run, 30 * MIN, END).end(END, EndReason::OutOfTime, done(150)).build();
    for (at_ms, goroutines) in dumps {
        run.dumps.extend(unstuck_dump::read_at(goroutines.concat().as_bytes(), *at_ms));
    }
    run
}

fn main_waits() -> String {
    goroutine(1, "chan receive", &[MAIN], 0)
}

/// Elsewhere at first, from 40 minutes on at one place.
fn hung() -> Vec<(u64, Vec<String>)> {
    let busy = goroutine(9, "sleep", &[("time.Sleep", "/usr/local/go/src/runtime/time.go"), WORK], 1);
    let stands = goroutine(9, "select", &[WORK], 1);
    vec![
        (10 * MIN, vec![main_waits(), busy]),
        (40 * MIN, vec![main_waits(), stands.clone()]),
        (90 * MIN, vec![main_waits(), stands.clone()]),
        (END, vec![main_waits(), stands]),
    ]
}

fn found(run: &Run) -> Finding {
    only(&stuck(run)).clone()
}

#[test]
fn the_task_that_the_others_wait_for_is_named_with_the_two_dumps_that_show_it() {
    let found = found(&dumped(faulty(), &hung()));
    assert_eq!(found.kind, FindingKind::Hang);
    assert_eq!((found.task, found.tasks, found.fault), (Some(9), 1, Some(0)));
    assert_eq!((found.since_ms, found.age_ms), (Some(40 * MIN), Some(110 * MIN)));
    insta::assert_snapshot!(format!("{}\n- {}", found.summary, found.evidence.join("\n- ")));
}

#[test]
fn ages_in_the_dumps_tell_since_when() {
    let stands = |minutes: u64| goroutine(9, &format!("select, {minutes} minutes"), &[WORK], 1);
    let dumps = [(50 * MIN, vec![stands(15)]), (END, vec![stands(115)])];
    let found = found(&dumped(faulty(), &dumps));
    assert_eq!(found.since_ms, Some(35 * MIN));
    assert!(found.evidence[2].contains("the ages tell that it never left"), "{:?}", found.evidence);
}

#[test]
fn a_task_that_moved_between_the_last_dumps_is_not_named() {
    let mut dumps = hung();
    dumps.last_mut().unwrap().1[1] = goroutine(9, "select", &[MAIN, WORK], 1);
    assert_eq!(found(&dumped(faulty(), &dumps)).task, Some(1));
}

#[test]
fn code_of_the_program_is_named_before_that_of_libraries() {
    let mut dumps = hung();
    for (_, goroutines) in &mut dumps {
        goroutines.push(goroutine(20, "select", &[LIBRARY], 0));
    }
    let found = found(&dumped(faulty(), &dumps));
    assert_eq!(found.task, Some(9));
    assert_eq!(found.evidence.last().unwrap(), "2 more tasks stand still, behind these or in libraries");
}

#[test]
fn whoever_started_tasks_of_libraries_does_not_wait_behind_them() {
    let task = || goroutine(1, "select", &[("example.com/lib.Put", LIBRARY.1), WORK, MAIN], 0);
    let loops = || goroutine(20, "select", &[LIBRARY], 1);
    let dumps = [40 * MIN, END].map(|at_ms| (at_ms, vec![task(), loops()]));
    let found = found(&dumped(faulty(), &dumps));
    assert_eq!((found.task, found.wait_site.as_deref()), (Some(1), Some("main.(*loader).put")));
}

#[test]
fn equal_tasks_are_one_finding() {
    let stands = |id| goroutine(id, "chan send", &[WORK], 1);
    let tasks: Vec<String> = (2..40).map(stands).collect();
    let found = found(&dumped(faulty(), &[(40 * MIN, tasks.clone()), (END, tasks)]));
    assert_eq!((found.tasks, found.task), (38, Some(2)));
    assert!(
        found.summary.starts_with("38 tasks wait at `main.(*loader).put` (chan send)"),
        "{}",
        found.summary
    );
}

#[test]
fn what_the_scenario_lets_idle_is_not_named() {
    let run = faulty().header(|header| header.idle = vec!["(*loader).put".into()]);
    assert_eq!(found(&dumped(run, &hung())).task, Some(1));
}

#[test]
fn under_a_fault_that_lasts_it_is_no_hang() {
    let run = quiet().lasting_fault("failure", LINK, MIN, 200 * MIN);
    let judgement = judge(&dumped(run, &hung()));
    let found = &judgement.findings[0];
    assert_eq!((found.kind, found.task), (FindingKind::Progress, Some(9)));
    assert!(found.summary.ends_with("was still active at the end"), "{}", found.summary);
}

#[test]
fn a_wait_shorter_than_the_clients_own_timers_is_not_named() {
    let run = faulty().header(|header| header.limits.longest_timer_ms = 120 * MIN);
    assert_eq!(judge(&dumped(run, &hung())).findings, []);
}

#[test]
fn a_client_that_ended_in_time_has_no_hang_whatever_stands_still() {
    let mut run = dumped(quiet().fault("failure", LINK, MIN, 61 * MIN, touched()), &hung());
    run.events.push(unstuck_record::At {
        at_ms: 70 * MIN,
        what: unstuck_record::Event::ClientEnded { error: None },
    });
    assert!(judge(&run).findings.iter().all(|finding| finding.kind != FindingKind::Hang));
}

#[test]
fn two_programs_with_the_same_ids_are_told_apart() {
    let stands = |function: &str| goroutine(9, "select", &[(function, "/srv/app/load.go")], 0);
    let mut run = dumped(faulty(), &[]);
    for at_ms in [40 * MIN, END] {
        for (process, function) in [(0, "main.first"), (1, "main.second")] {
            let dump = unstuck_dump::read_at(stands(function).as_bytes(), at_ms).remove(0);
            run.dumps.push(unstuck_record::TaskDump { process, ..dump });
        }
    }
    let judgement = stuck(&run);
    let sites: Vec<_> = judgement.findings.iter().map(|found| found.wait_site.as_deref().unwrap()).collect();
    assert_eq!(sites, ["main.first", "main.second"]);
}

#[test]
fn a_python_thread_is_named_by_its_own_function() {
    let text = "Current thread 0x00007f5cb966eb80 (most recent call first):\n  File \
                \"/usr/lib/python3.11/threading.py\", line 327 in wait\n  File \"/srv/app/load.py\", line 30 in \
                wait_for_workers\n  File \"/srv/app/load.py\", line 40 in <module>\n\n";
    let dumps = [40 * MIN, END].map(|at_ms| (at_ms, vec![text.to_owned()]));
    let found = found(&dumped(faulty(), &dumps));
    assert!(found.summary.contains("in `wait_for_workers`"), "{}", found.summary);
}
