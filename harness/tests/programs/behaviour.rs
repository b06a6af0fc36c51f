//! Each way of not behaving has a clear outcome, a complete record, and nothing left running.

use unstuck_record::{Event, FindingKind, Outcome, Verdict};

use super::world::{LATER, PARTITION, run};
use super::{Tests, tests};

const ROWS: &str = r"progress: {stdout: 'rows (?P<done>\d+)(/(?P<total>\d+))?', unit: rows}";

pub(super) const TESTS: Tests = tests![
    a_program_that_works_passes_through_a_partition,
    a_program_that_waits_for_ever_is_stuck_since_the_fault,
    a_program_that_ignores_sigterm_is_killed,
    a_child_that_is_left_behind_is_killed,
    a_child_that_leaves_the_group_is_killed,
    a_flood_of_output_is_kept_from_both_ends,
    an_exit_code_is_a_failure_with_its_last_words,
    a_signal_that_nobody_sent_is_a_failure,
    a_program_that_ends_at_once_shows_nothing,
    a_program_that_is_never_ready_fails_with_what_was_waited_for,
    a_program_that_ends_before_it_is_ready_fails,
    a_program_that_is_not_there_fails,
    progress_that_no_byte_bears_out_is_a_failure,
    progress_that_falls_counts_at_its_best,
    progress_is_read_from_metrics_json_and_files,
    a_total_that_is_reached_can_be_the_end,
    of_several_copies_all_must_end_well,
    a_copy_that_fails_ends_the_others,
    a_program_beside_it_runs_as_long_as_it_does,
    a_program_beside_it_must_not_fail,
    a_program_is_restarted_when_the_scenario_says,
];

fn of_several_copies_all_must_end_well() {
    let ran = run("works", "['{pd}', 10, '{index}']", "copies: 3\nprogress: {cluster: bytes}", LATER);
    assert_eq!(ran.outcome().0, Outcome::Completed, "{}", ran.reason());
    for index in 0..3 {
        assert!(ran.output.contains(&format!("works-{index} stdout rows 10/10")), "{}", ran.output);
    }
}

fn a_copy_that_fails_ends_the_others() {
    // the second copy is given no address
    let ran = run("picky", "['{index}']", "copies: 3", LATER);
    assert_eq!(ran.outcome().0, Outcome::Failed, "{}", ran.reason());
    assert!(ran.reason().contains("picky-1: exit code 3"), "{}", ran.reason());
}

fn a_program_beside_it_runs_as_long_as_it_does() {
    let beside = "beside: [{name: other, command: sleep, args: [1000]}]";
    let ran = run("works", "['{pd}', 10]", beside, LATER);
    assert_eq!(ran.outcome().0, Outcome::Completed, "{}", ran.reason());
    assert!(ran.stopped().unwrap().starts_with("other ended by SIGTERM"), "{:?}", ran.stopped());
}

fn a_program_beside_it_must_not_fail() {
    let ran = run("sleeps", "[]", "beside: [{name: other, command: [sh, -c, 'echo oh >&2; exit 4']}]", LATER);
    assert_eq!(ran.outcome().0, Outcome::Failed, "{}", ran.reason());
    assert!(ran.reason().contains("beside it, other: exit code 4; it said last: oh"), "{}", ran.reason());
}

fn a_program_is_restarted_when_the_scenario_says() {
    let lines = "restarts: {at: [100ms, 400ms], pause: 50ms}\nprogress: {cluster: bytes}";
    let ran = run("works", "['{pd}', 40]", lines, LATER);
    assert_eq!(ran.outcome().0, Outcome::Completed, "{}", ran.reason());
    let restarts = ran.run.events.iter().filter(
        |event| matches!(&event.what, Event::ClientStopped { how } if how.ends_with("to begin again")),
    );
    assert_eq!(restarts.count(), 2);
    assert_eq!(ran.output.matches("pid ").count(), 3, "{}", ran.output);
}

fn a_program_that_works_passes_through_a_partition() {
    let ran = run("works", "['{pd}', 60]", ROWS, &format!("{PARTITION}, expect: {{within: 60s}}"));
    assert_eq!(ran.outcome(), (Outcome::Completed, Verdict::Pass), "{}", ran.reason());
    let last = ran.run.end.as_ref().unwrap();
    assert_eq!((last.work.unique, last.work.expected), (60, 60));
    assert!(last.evidence[0].bytes > 0, "the partition held a ping: {last:?}");
}

fn a_program_that_waits_for_ever_is_stuck_since_the_fault() {
    let ran = run("hangs", "['{pd}', 60]", ROWS, &format!("{PARTITION}, expect: {{within: 3s}}"));
    assert_eq!(ran.outcome(), (Outcome::Stuck, Verdict::Fail), "{}", ran.reason());
    assert!(ran.output.contains("no answer to"), "{}", ran.output);
    assert!(ran.stopped().unwrap().starts_with("ended by SIGTERM"), "{:?}", ran.stopped());
}

fn a_program_that_ignores_sigterm_is_killed() {
    let ran = run("ignores", "[]", "shutdown: {grace: 200ms}", &LATER.replace("60s", "1s"));
    assert_eq!(ran.outcome().0, Outcome::Stuck);
    assert_eq!(ran.stopped(), Some("ignored SIGTERM for 200ms: 1 process killed"));
}

fn a_child_that_is_left_behind_is_killed() {
    let ran = run("forks", "[]", "", LATER);
    assert_eq!(ran.outcome(), (Outcome::Completed, Verdict::Unknown));
    assert_eq!(ran.stopped(), Some("it left 1 process behind: killed"));
}

fn a_child_that_leaves_the_group_is_killed() {
    let ran = run("escapes", "[]", "", LATER);
    // elsewhere than on Linux nobody can see whose child it is
    if cfg!(target_os = "linux") {
        assert_eq!(ran.stopped(), Some("it left 1 process behind: killed"));
    }
}

fn a_flood_of_output_is_kept_from_both_ends() {
    let ran = run("floods", "[]", "", LATER);
    assert_eq!(ran.outcome().0, Outcome::Completed, "{}", ran.reason());
    assert!(ran.output.len() < 8 << 20, "{} bytes kept of 32 MiB", ran.output.len());
    assert!(ran.output.contains(" lines left out "));
    assert!(ran.output.trim_end().ends_with("the last line"));
    assert!(ran.output.contains("bytes left out"), "the line without an end is cut");
    let printed = ran.run.events.iter().find_map(|event| match &event.what {
        Event::ClientPrinted { stream, lines, bytes, .. } if stream == "stdout" => Some((*lines, *bytes)),
        _ => None,
    });
    let (lines, bytes) = printed.unwrap();
    assert_eq!(lines, 1 + 24 * (8 << 10) + 2);
    assert!(bytes > 32 << 20, "{bytes}");
}

fn an_exit_code_is_a_failure_with_its_last_words() {
    let ran = run("fails", "[]", "", LATER);
    assert_eq!(ran.outcome().0, Outcome::Failed);
    let error = ran.finding(FindingKind::Error);
    assert!(
        error.summary.ends_with("exit code 3; it said last: panic: the disk is full"),
        "{}",
        error.summary
    );
    assert!(
        error.evidence.iter().any(|line| line == "stderr: panic: the disk is full"),
        "{:?}",
        error.evidence
    );
}

fn a_signal_that_nobody_sent_is_a_failure() {
    let ran = run("aborts", "[]", "", LATER);
    assert_eq!(ran.outcome().0, Outcome::Failed);
    assert!(ran.reason().contains("killed by SIGABRT"), "{}", ran.reason());
}

fn a_program_that_ends_at_once_shows_nothing() {
    let ran = run("works", "['{pd}', 0]", ROWS, LATER);
    assert_eq!(ran.outcome(), (Outcome::Completed, Verdict::Unknown));
    assert!(ran.reason().starts_with("no fault was injected before the client ended"), "{}", ran.reason());
}

fn a_program_that_is_never_ready_fails_with_what_was_waited_for() {
    for (ready, said) in [
        ("port: '{status_addr}'", "nothing accepts on 127.0.0.1:"),
        ("http: 'http://{status_addr}/status'", "Connection refused"),
        ("stdout: '^ready'", "no line on stdout matches `^ready`"),
    ] {
        let ran = run("sleeps", "[]", &format!("ready: {{{ready}, within: 200ms}}"), LATER);
        assert_eq!(ran.outcome().0, Outcome::Failed);
        let error = &ran.finding(FindingKind::Error).summary;
        assert!(error.contains("not ready within 200ms") && error.contains(said), "{error}");
    }
}

fn a_program_that_ends_before_it_is_ready_fails() {
    let ran = run("works", "['{pd}', 0]", "ready: {stdout: '^ready'}", LATER);
    assert_eq!(ran.outcome().0, Outcome::Failed);
    assert!(ran.reason().contains("exit code 0 before it was ready"), "{}", ran.reason());
}

fn a_program_that_is_not_there_fails() {
    let folder = super::world::Folder::new();
    let path = folder.0.join("gone.yaml");
    let text = format!("client: {{command: ./no-such-program}}\ncases: [{{name: a, {LATER}}}]\n");
    std::fs::write(&path, text).unwrap();
    let (outcome, reason) = super::orphan::run_file(&path);
    assert_eq!(outcome, Outcome::Failed);
    assert!(reason.contains("`./no-such-program` cannot be started: No such file"), "{reason}");
}

fn progress_that_no_byte_bears_out_is_a_failure() {
    let ran = run("lies", "[]", ROWS, LATER);
    assert_eq!(ran.outcome().0, Outcome::Failed);
    let data = ran.finding(FindingKind::Data);
    assert!(data.evidence[0].contains("not a byte has passed its links"), "{data:?}");
}

fn progress_that_falls_counts_at_its_best() {
    let ran = run("falls", "['{pd}']", ROWS, LATER);
    assert_eq!(ran.run.end.as_ref().unwrap().work.unique, 5);
    let told = |event: &Event| matches!(event, Event::ClientLogged { text } if text.contains("its progress fell 2 times"));
    assert!(ran.run.events.iter().any(|event| told(&event.what)));
}

fn progress_is_read_from_metrics_json_and_files() {
    for source in [
        "metric: rows, url: 'http://{status_addr}/metrics'",
        "metric: 'rows{half=\"a\"}', url: '{status_addr}/metrics'",
        "json: /import/done, url: 'http://{status_addr}/progress'",
        r"file: '{work_dir}/log', regex: 'rows (?P<done>\d+)'",
    ] {
        let lines = format!(
            "completes: progress\nready: {{port: '{{status_addr}}'}}\nprogress: {{{source}, total: 10, every: 20ms}}"
        );
        let ran = run("serves", "['{pd}', '{status_addr}', '{work_dir}/log']", &lines, LATER);
        assert_eq!(ran.outcome().0, Outcome::Completed, "{source}: {}", ran.reason());
        assert!(ran.run.end.as_ref().unwrap().work.unique >= 10, "{source}");
    }
}

fn a_total_that_is_reached_can_be_the_end() {
    let lines = "completes: progress\nprogress: {cluster: bytes, total: 100}";
    let ran = run("works", "['{pd}', 100000]", lines, LATER);
    assert_eq!(ran.outcome().0, Outcome::Completed, "{}", ran.reason());
    assert!(ran.stopped().unwrap().starts_with("ended by SIGTERM"), "{:?}", ran.stopped());
}
