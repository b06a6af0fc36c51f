//! A task dump in the forms of Go's, whichever runtime it came from, so that the tools and the eyes that read those
//! read ours. Every task (debug=2):
//!
//! ```text
//! goroutine 17 [NewStream/quota, 421 minutes]:
//! write_to_tikv(...)
//! <TAB>src/client.rs:231
//! created by worker-3 in goroutine 1
//! <TAB>src/client.rs:1547
//! ```
//!
//! Every distinct stack (debug=1), without addresses, which only Go's tasks have:
//!
//! ```text
//! goroutine profile: total 11
//! 11 @ 0x0
//! #<TAB>0x0<TAB>write_to_tikv+0x0<TAB>src/client.rs:231
//! ```

use std::cmp::Reverse;
use std::collections::BTreeMap;
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

/// What tasks that are counted together share: frames and labels.
type Alike<'a> = (&'a [Frame], &'a [(String, String)]);

/// Every distinct stack of a dump with how many tasks have it, the commonest first.
pub fn go_profile(dump: &TaskDump) -> String {
    let mut counts: BTreeMap<Alike<'_>, (usize, u64)> = BTreeMap::new();
    let mut total = 0_u64;
    for (index, task) in dump.tasks.iter().enumerate() {
        let labels = task.foreign.as_ref().map_or(&[][..], |foreign| &foreign.labels);
        let (_, count) = counts.entry((&task.frames, labels)).or_insert((index, 0));
        *count = count.saturating_add(count_of(task));
        total = total.saturating_add(count_of(task));
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|&(_, (first, count))| (Reverse(count), first));
    let mut out = format!("goroutine profile: total {total}\n");
    for ((frames, labels), (_, count)) in counts {
        // one address a frame, as Go has it: readers count them
        let _infallible = writeln!(out, "{count} @{}", " 0x0".repeat(frames.len().max(1)));
        if !labels.is_empty() {
            let _infallible = writeln!(out, "# labels: {{{}}}", self::labels(labels, ":"));
        }
        for each in frames {
            let _infallible =
                writeln!(out, "#\t0x0\t{}+0x0\t{}:{}", name(&each.function), clean(&each.file), each.line);
        }
        out.push('\n');
    }
    out
}

fn count_of(task: &Task) -> u64 {
    task.foreign.as_ref().map_or(1, |foreign| foreign.count)
}

/// `"key": "value", …`, quoted as Go does.
fn labels(labels: &[(String, String)], colon: &str) -> String {
    let quoted = |text: &str| format!("\"{}\"", clean(&text.replace('\\', "\\\\").replace('"', "\\\"")));
    let pairs = labels.iter().map(|(key, value)| format!("{}{colon}{}", quoted(key), quoted(value)));
    pairs.collect::<Vec<_>>().join(", ")
}

fn one(out: &mut String, task: &Task, now_ms: u64) {
    let foreign = task.foreign.as_ref();
    let (state, since_ms) = match (&task.wait, foreign) {
        (_, Some(foreign)) => (clean(&foreign.state), now_ms),
        (Some(wait), None) => (clean(&wait.site), wait.since_ms),
        (None, None) if task.polled_ms == now_ms => ("running".into(), now_ms),
        (None, None) => ("select".into(), task.polled_ms),
    };
    // a comma or a bracket in the state would end it for whoever parses the header
    let mut state = state.replace(',', ";").replace('[', "(").replace(']', ")");
    if state.is_empty() {
        state.push_str("unknown");
    }
    let minutes =
        foreign.map_or(now_ms.saturating_sub(since_ms) / 60_000, |foreign| foreign.wait_minutes.unwrap_or(0));
    if minutes > 0 {
        let _infallible = write!(state, ", {minutes} minutes");
    }
    if let Some(foreign) = foreign {
        if foreign.locked {
            state.push_str(", locked to thread");
        }
        if !foreign.labels.is_empty() {
            let _infallible = write!(state, " labels:{{{}}}", labels(&foreign.labels, ": "));
        }
    }
    let _infallible = writeln!(out, "goroutine {} [{state}]:", task.id);
    for each in &task.frames {
        if foreign.is_some() && each.file.is_empty() {
            let _infallible = writeln!(out, "{}", clean(&each.function));
        } else {
            frame(out, &format!("{}(...)", name(&each.function)), each);
        }
    }
    let by = &task.created_by;
    if task.parent != 0 {
        let created = format!("created by {} in goroutine {}", name(&by.function), task.parent);
        frame(out, &created, by);
    } else if foreign.is_some() && !by.function.is_empty() {
        frame(out, &format!("created by {}", name(&by.function)), by);
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
