//! Dumps that Go wrote, read. The program that made them, and how, is beside them: `testdata/go1.26`.

#![allow(
    clippy::unwrap_used,
    clippy::format_collect,
    reason = "a failed step is a failed test, and texts are short"
)]

use std::fmt::Write as _;

use unstuck_dump::{Dump, labels, parse, read};

fn golden(name: &str) -> String {
    std::fs::read_to_string(format!("{}/testdata/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// A line a task: what it waits in, and where.
fn outline(dump: &Dump<'_>) -> String {
    let mut out = format!("{:?}: {} tasks, {} stacks\n", dump.form, dump.total(), dump.distinct());
    for task in &dump.tasks {
        let own = dump.frames(task.stack).find(|frame| frame.function.starts_with("main."));
        let place = own.map_or("-", |frame| frame.function);
        let by = dump.created_by(task.stack).map_or("-", |frame| frame.function);
        let minutes = task.minutes.map_or(String::new(), |minutes| format!(" {minutes}m"));
        let locked = if task.locked { " locked" } else { "" };
        let depth = dump.frames(task.stack).len();
        let labels: Vec<_> =
            labels::pairs(task.labels).map(|(key, value)| format!(" {key}={value}")).collect();
        let labels = labels.concat();
        let (id, count, state, parent) = (task.id, task.count, task.state, task.parent);
        let _ = writeln!(
            out,
            "{id} x{count} [{state}{minutes}{locked}]{labels} {place} +{depth} by {by} in {parent}"
        );
    }
    out
}

fn outlines(name: &str) -> String {
    let text = golden(name);
    let parsed = parse(&text);
    assert_eq!(parsed.unread, [], "{name}");
    parsed.dumps.iter().map(outline).collect()
}

#[test]
fn every_goroutine_of_debug_2_is_read() {
    insta::assert_snapshot!(outlines("go1.26/waits.debug2.txt"));
}

#[test]
fn the_minutes_of_a_wait_are_read() {
    insta::assert_snapshot!(outlines("go1.26/waits.minutes.txt"));
}

#[test]
fn every_stack_of_debug_1_is_read_with_its_count_and_labels() {
    insta::assert_snapshot!(outlines("go1.26/waits.debug1.txt"));
}

#[test]
fn labels_in_the_first_line_are_read() {
    insta::assert_snapshot!(outlines("go1.26/waits.labels.txt"));
}

#[test]
fn ancestors_tell_who_started_a_goroutine() {
    insta::assert_snapshot!(outlines("go1.26/waits.ancestors.txt"));
}

#[test]
fn what_sigquit_prints_is_one_dump_runtime_and_registers_and_all() {
    insta::assert_snapshot!(outlines("go1.26/waits.sigquit.txt"));
}

#[test]
fn bubbles_are_read() {
    insta::assert_snapshot!(outlines("go1.26/synctest.txt"));
}

/// What one program says of itself in both forms is the same.
#[test]
fn both_forms_of_one_program_count_the_same_goroutines() {
    let count = |name: &str| parse(&golden(name)).dumps[0].total();
    assert_eq!(count("go1.26/waits.debug2.txt"), count("go1.26/waits.debug1.txt"));
}

#[test]
fn a_record_has_every_task_with_what_only_go_tells() {
    let dumps = read(golden("go1.26/waits.labels.txt").as_bytes());
    let task = dumps[0].tasks.iter().find(|task| !task.foreign.as_ref().unwrap().labels.is_empty()).unwrap();
    insta::assert_debug_snapshot!(task);
}
