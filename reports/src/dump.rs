//! A task dump in the form of a Go goroutine dump (debug=2), whichever runtime it came from, so that the tools
//! and the eyes that read those read ours.
//!
//! ```text
//! goroutine 17 [NewStream/quota, 421 minutes]:
//! write_to_tikv(...)
//! <TAB>src/client.rs:231
//! created by worker-3 in goroutine 1
//! <TAB>src/client.rs:1547
//! ```

use std::fmt::Write as _;

use unstuck_record::{Frame, Task, TaskDump};

use crate::text::clean;

/// Every task of a dump, an empty line after each.
pub fn go(dump: &TaskDump) -> String {
    let mut out = String::new();
    for task in &dump.tasks {
        one(&mut out, task, dump.at_ms);
    }
    out
}

fn one(out: &mut String, task: &Task, now_ms: u64) {
    let (state, since_ms) = match &task.wait {
        Some(wait) => (clean(&wait.site), wait.since_ms),
        None if task.polled_ms == now_ms => ("running".into(), now_ms),
        None => ("select".into(), task.polled_ms),
    };
    // a comma or a bracket in the state would end it for whoever parses the header
    let state = state.replace(',', ";").replace('[', "(").replace(']', ")");
    let minutes = now_ms.saturating_sub(since_ms) / 60_000;
    let _infallible = match minutes {
        0 => writeln!(out, "goroutine {} [{state}]:", task.id),
        minutes => writeln!(out, "goroutine {} [{state}, {minutes} minutes]:", task.id),
    };
    for each in &task.frames {
        frame(out, &format!("{}(...)", name(&each.function)), each);
    }
    if task.parent != 0 {
        let created = format!("created by {} in goroutine {}", name(&task.created_by.function), task.parent);
        frame(out, &created, &task.created_by);
    }
    out.push('\n');
}

fn frame(out: &mut String, first: &str, frame: &Frame) {
    let _infallible = writeln!(out, "{first}\n\t{}:{}", clean(&frame.file), frame.line);
}

/// A function's name, never empty.
fn name(function: &str) -> String {
    let function = clean(function);
    if function.is_empty() { "unknown".into() } else { function }
}
