//! Python's threads: `faulthandler` and `py-spy dump`.
//!
//! ```text
//! Thread 0x00007f1c0b7fe700 (most recent call first):           faulthandler; `Current thread` the one that asks
//! Thread 0x00007f1c0b7fe700 [worker] (most recent call first):  Python 3.14
//!   File "/usr/lib/python3.8/threading.py", line 302 in wait
//!   ...                                                         past 100 frames
//!   <no Python frame>
//!
//! Process 12345: python3 x.py                                   py-spy
//! Thread 12345 (idle): "MainThread"
//!     wait (threading.py:302)
//!         Arguments:                                            with --locals; deeper than a frame
//! ```

use crate::dump::{Form, Frame, Task};
use crate::found::Found;
use crate::lines::Lines;

const RECENT: &str = "(most recent call first):";

/// Whether a dump of many threads begins in this line.
pub(crate) fn begins_dump(line: &str) -> bool {
    line.starts_with("Process ") && line.contains(": ")
}

/// Whether a thread begins in this line.
pub(crate) fn begins(line: &str) -> bool {
    header(line).is_some()
}

/// What a thread's first line says.
struct Header<'a> {
    form: Form,
    id: &'a str,
    name: &'a str,
    state: &'a str,
}

fn header(line: &str) -> Option<Header<'_>> {
    let (rest, current) = match line.strip_prefix("Current thread ") {
        Some(rest) => (rest, true),
        None => (line.strip_prefix("Thread ")?, false),
    };
    let (id, rest) = rest.split_once(' ')?;
    if !id.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Some(name) = rest.trim_end().strip_suffix(RECENT) {
        let name = name.trim().trim_start_matches('[').trim_end_matches(']');
        let state = if current { "current" } else { "" };
        return Some(Header { form: Form::Faulthandler, id, name, state });
    }
    let (state, name) = rest.strip_prefix('(')?.split_once(')')?;
    let name = name.strip_prefix(": ").unwrap_or(name);
    matches!(state, "idle" | "active" | "idle+gil" | "active+gil").then(|| Header {
        form: Form::PySpy,
        id,
        name: name.trim_matches('"'),
        state,
    })
}

/// Reads the thread whose first line is the next.
pub(crate) fn read<'a>(lines: &mut Lines<'a>, found: &mut Found<'a>) {
    let start = lines.offset();
    let Some(header) = lines.next().and_then(header) else { return };
    let id = match header.id.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => header.id.parse(),
    };
    let Ok(id) = id else {
        return found.unread(start, lines.since(start), "the thread's number is none that Python gives");
    };
    let dump = found.dump(header.form, id, false);
    let mut frames = std::mem::take(&mut dump.scratch);
    let mut ahead = *lines;
    while let Some(line) = ahead.next().filter(|line| line.starts_with("  ")) {
        let read = match header.form {
            Form::Faulthandler => file_line(line.trim_start()),
            _ => spied(line),
        };
        frames.extend(read.map(|frame| dump.dump.frame(frame)));
        *lines = ahead;
    }
    let stack = dump.dump.stack(&frames, None);
    let text = lines.since(start);
    dump.dump.tasks.push(Task { name: header.name, state: header.state, ..Task::new(id, stack, text) });
    frames.clear();
    dump.scratch = frames;
}

/// `File "/usr/lib/python3.8/threading.py", line 302 in wait`
fn file_line(text: &str) -> Option<Frame<'_>> {
    let Some(rest) = text.strip_prefix("File \"") else {
        let remark = text == "..." || text.starts_with('<');
        return remark.then_some(Frame { function: text, file: "", line: 0 });
    };
    let (file, rest) = rest.rsplit_once("\", line ")?;
    let (line, function) = rest.split_once(" in ")?;
    // `???` where Python does not know it
    Some(Frame { function, file, line: line.parse().unwrap_or(0) })
}

/// `    wait (threading.py:302)`
fn spied(line: &str) -> Option<Frame<'_>> {
    let text = line.trim_start();
    if line.len() - text.len() != 4 {
        return None;
    }
    let (function, place) = text.strip_suffix(')')?.rsplit_once(" (")?;
    let (file, line) = place.rsplit_once(':').unwrap_or((place, ""));
    Some(Frame { function, file, line: line.parse().unwrap_or(0) })
}
