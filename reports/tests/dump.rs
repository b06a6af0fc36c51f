//! Task dumps in the form of Go's.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixture;

use unstuck_record::TaskDump;
use unstuck_record::builder::{MIN, SEC, task};
use unstuck_reports::dump::go;

#[test]
fn a_stuck_client_reads_like_a_goroutine_dump() {
    let (run, _) = fixture::stuck();
    let mut dump = run.dumps.last().unwrap().clone();
    // one of each kind is enough to look at
    dump.tasks.retain(|task| matches!(task.id, 1 | 20 | 21 | 100));
    insta::assert_snapshot!(go(&dump));
}

#[test]
fn minutes_are_told_from_one_on_and_tasks_without_a_wait_run_or_select() {
    let now = 10 * MIN;
    let table = [
        (task(7, "a").at_link("RecvMsg", "tikv-1", now - 59 * SEC), "goroutine 7 [RecvMsg]:"),
        (task(7, "a").at_link("RecvMsg", "tikv-1", now - 60 * SEC), "goroutine 7 [RecvMsg, 1 minutes]:"),
        (task(7, "a"), "goroutine 7 [running]:"),
        (task(7, "a").last_polled(now - 2 * MIN), "goroutine 7 [select, 2 minutes]:"),
        (task(7, "a").at_link("a, [b]\n", "tikv-1", now), "goroutine 7 [a; (b)\\n]:"),
    ];
    for (task, header) in table {
        let run = unstuck_record::builder::RunBuilder::new("", "").dump(now, [task]).build();
        assert_eq!(go(&run.dumps[0]).lines().next(), Some(header));
    }
}

/// The grammar: a header, pairs of function and place, perhaps a creator with its place, an empty line.
#[test]
fn every_line_is_one_that_readers_of_go_dumps_know() {
    let (run, _) = fixture::stuck();
    let text = go(run.dumps.last().unwrap());
    for block in text.trim_end().split("\n\n") {
        let lines: Vec<&str> = block.lines().collect();
        assert!(lines[0].starts_with("goroutine ") && lines[0].ends_with("]:"), "{block}");
        assert_eq!(lines.len() % 2, 1, "{block}");
        for pair in lines[1..].chunks(2) {
            let created = pair[0].starts_with("created by ") && pair[0].contains(" in goroutine ");
            assert!(created || pair[0].ends_with("(...)"), "{block}");
            let (file, line) = pair[1].strip_prefix('\t').unwrap().rsplit_once(':').unwrap();
            assert!(!file.is_empty() && line.parse::<u32>().is_ok(), "{block}");
        }
    }
    assert_eq!(text.matches("goroutine ").filter(|_| true).count(), 1_033 + 1_032);
}

#[test]
fn an_empty_dump_is_empty() {
    assert_eq!(go(&TaskDump::default()), "");
}
