//! Go's `debug=2`, `runtime.Stack` and SIGQUIT: every goroutine, one after the other.
//!
//! ```text
//! goroutine 7 [select, 421 minutes]:                    see `header`
//! main.(*Client).Send(0xc000123456, {0x1, 0x2, ...})    Go 1.17 and later group arguments, `?` marks stale ones
//! <TAB>/src/client.go:231 +0x5a5                        or `C:/src/client.go:231`
//! main.inlined(...)
//! <TAB>/src/client.go:12                                inlined: no offset (Go 1.12)
//! main.run(0x0)
//! <TAB>/src/client.go:9 +0x1d fp=0xc0 sp=0xc1 pc=0x4a   GOTRACEBACK=system, fatal errors
//! ...additional frames elided...                        past 100 frames; since Go 1.21 `...N frames elided...`
//! created by main.start in goroutine 1                  `in goroutine` since Go 1.21
//! <TAB>/src/client.go:15 +0x25
//! [originating from goroutine 1]:                       GODEBUG=tracebackancestors (Go 1.12); frames follow
//!
//! goroutine 8 [running]:
//! <TAB>goroutine running on other thread; stack unavailable
//! non-Go function at pc=7f3a4c                          C frames (Go 1.21)
//! ```

use super::header;
use crate::dump::{Form, Frame, Task};
use crate::found::Found;
use crate::lines::Lines;

const CREATED: &str = "created by ";
const ANCESTOR: &str = "[originating from goroutine ";
const IN: &str = " in goroutine ";

/// Whether a goroutine begins in this line.
pub(crate) fn begins(line: &str) -> bool {
    header::find(line).is_some()
}

/// Reads the goroutine whose first line is the next.
pub(crate) fn read<'a>(lines: &mut Lines<'a>, found: &mut Found<'a>) {
    let start = lines.offset();
    lines.strip("");
    let Some(line) = lines.next() else { return };
    let at = header::find(line).unwrap_or(0);
    let header = match header::read(&line[at..]) {
        Ok(header) => header,
        Err(error) => return found.unread(start, lines.since(start), error),
    };
    lines.strip(&line[..at]);
    // whoever takes a dump stands in it first
    let first = header.state == "running" && lines.peek().is_some_and(takes_dumps);
    let dump = found.dump(Form::GoStacks, header.id, first);
    let mut frames = std::mem::take(&mut dump.scratch);
    let (mut created_by, mut parent, mut mine) = (None, 0, true);
    let mut error = None;
    loop {
        let mut ahead = *lines;
        let Some(line) = ahead.next() else { break };
        if line.is_empty() || line.trim_start().is_empty() {
            break;
        }
        if let Some(frame) = remark(line) {
            if mine {
                frames.push(dump.dump.frame(frame));
            }
            *lines = ahead;
            continue;
        }
        if let Some(rest) = line.strip_prefix(ANCESTOR) {
            mine = false;
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if parent == 0 {
                parent = rest[..digits].parse().unwrap_or(0);
            }
            *lines = ahead;
            continue;
        }
        if begins(line) {
            break;
        }
        let Some((file, number)) = ahead.next().and_then(place) else {
            if lines.clone().next().is_some() && ahead.cut() {
                error = Some("the text ends within this goroutine");
            }
            break;
        };
        *lines = ahead;
        if !mine {
            continue;
        }
        if let Some(rest) = line.strip_prefix(CREATED) {
            let (function, by) = rest.split_once(IN).unwrap_or((rest, ""));
            parent = by.parse().unwrap_or(0);
            created_by = Some(dump.dump.frame(Frame { function, file, line: number }));
        } else {
            frames.push(dump.dump.frame(Frame { function: function(line), file, line: number }));
        }
    }
    let stack = dump.dump.stack(&frames, created_by);
    dump.dump.tasks.push(Task {
        state: header.state,
        minutes: header.minutes,
        locked: header.locked,
        labels: header.labels,
        parent,
        ..Task::new(header.id, stack, lines.since(start))
    });
    frames.clear();
    dump.scratch = frames;
    if let Some(error) = error {
        let start = lines.offset();
        while lines.next().is_some() {}
        found.unread(start, lines.since(start), error);
    }
    lines.strip("");
}

fn takes_dumps(function: &str) -> bool {
    ["runtime/pprof.writeGoroutineStacks(", "runtime/debug.Stack(", "runtime/debug.PrintStack("]
        .iter()
        .any(|name| function.starts_with(name))
}

/// A line that stands among the frames without being one.
fn remark(line: &str) -> Option<Frame<'_>> {
    let text = line.trim_start();
    let elided = line.starts_with("...") && line.ends_with("elided...");
    let other_thread = text == "goroutine running on other thread; stack unavailable";
    let foreign = line.starts_with("non-Go function at pc=");
    (elided || other_thread || foreign).then_some(Frame { function: text, file: "", line: 0 })
}

/// The function of `main.(*T).f(0x1, {0x2, ...})`.
pub(crate) fn function(line: &str) -> &str {
    let line = line.trim_end();
    if !line.ends_with(')') {
        return line;
    }
    match memchr::memrchr(b'(', line.as_bytes()) {
        Some(0) | None => line,
        Some(arguments) => &line[..arguments],
    }
}

/// The file and the line of `<TAB>/src/client.go:231 +0x5a5`.
fn place(line: &str) -> Option<(&str, u32)> {
    let text = line.trim_start_matches(['\t', ' ']);
    if text.len() == line.len() {
        return None;
    }
    let colon = memchr::memrchr(b':', text.as_bytes())?;
    let digits = text[colon + 1..].bytes().take_while(u8::is_ascii_digit).count();
    let after = &text[colon + 1 + digits..];
    if colon == 0 || digits == 0 || !(after.is_empty() || after.starts_with([' ', '\t'])) {
        return None;
    }
    let number = text[colon + 1..colon + 1 + digits].parse().unwrap_or(u32::MAX);
    Some((&text[..colon], number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_functions_arguments_end_its_name() {
        let table = [
            ("main.main()", "main.main"),
            ("main.(*T).f(0x1, {0x2, ...})", "main.(*T).f"),
            ("main.(*T).f(...)", "main.(*T).f"),
            ("main.G[...](0xc00001c0a8?)", "main.G[...]"),
            ("main.run.func1.2()", "main.run.func1.2"),
            ("c_function", "c_function"),
        ];
        for (line, name) in table {
            assert_eq!(function(line), name);
        }
    }

    #[test]
    fn places_are_read_on_every_system() {
        let table = [
            ("\t/src/a.go:12 +0x1d", Some(("/src/a.go", 12))),
            ("\t/src/a.go:12", Some(("/src/a.go", 12))),
            ("    /src/a.go:12 +0x1d", Some(("/src/a.go", 12))),
            ("\tC:/Program Files/a.go:12 +0x1d fp=0x1 sp=0x2 pc=0x3", Some(("C:/Program Files/a.go", 12))),
            ("\t_cgo_gotypes.go:55 +0x4c", Some(("_cgo_gotypes.go", 55))),
            ("\t/src/a.go:99999999999", Some(("/src/a.go", u32::MAX))),
            ("/src/a.go:12", None),
            ("\t/src/a.go", None),
            ("\t:12", None),
            ("\tsee a.go:12.", None),
        ];
        for (line, told) in table {
            assert_eq!(place(line), told, "{line}");
        }
    }
}
