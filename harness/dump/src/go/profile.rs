//! Go's `debug=1` profile: every distinct stack with the number of goroutines that have it.
//!
//! ```text
//! goroutine profile: total 13                                    also `goroutineleak profile:` (Go 1.26)
//! 11 @ 0x1c2d6ee 0x1c3e185
//! # labels: {"key":"value"}                                      Go 1.16
//! #<TAB>0x21cf23b<TAB>main.(*T).f+0x7b<TAB><TAB>/src/a.go:327
//! #<TAB>0x21cf23b                                                a frame without a name
//! ```

use crate::dump::{Form, Frame, Task};
use crate::found::Found;
use crate::lines::Lines;

const LABELS: &str = "labels:";

/// Whether a profile begins in this line.
pub(crate) fn begins_profile(line: &str) -> bool {
    line.strip_prefix("goroutine")
        .is_some_and(|rest| rest.starts_with(" profile: total ") || rest.starts_with("leak profile: total "))
}

/// Whether a stack begins in this line.
pub(crate) fn begins(line: &str) -> bool {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let addresses = |text: &str| text.split(' ').skip(1).all(|word| word.starts_with("0x"));
    digits > 0 && line[digits..].strip_prefix(" @").is_some_and(|rest| rest.is_empty() || addresses(rest))
}

/// Reads the stack whose first line is the next.
pub(crate) fn read<'a>(lines: &mut Lines<'a>, found: &mut Found<'a>) {
    let start = lines.offset();
    let Some(line) = lines.next() else { return };
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let Ok(count) = line[..digits].parse() else {
        return found.unread(start, lines.since(start), "more goroutines than there can be");
    };
    let dump = found.dump(Form::GoProfile, 0, false);
    let mut frames = std::mem::take(&mut dump.scratch);
    let mut labels = "";
    let mut ahead = *lines;
    while let Some(text) = ahead.next().and_then(|line| line.trim_start().strip_prefix('#')) {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix(LABELS) {
            labels = rest.trim().trim_start_matches('{').trim_end_matches('}');
        } else if let Some(frame) = frame(text) {
            frames.push(dump.dump.frame(frame));
        }
        *lines = ahead;
    }
    let stack = dump.dump.stack(&frames, None);
    dump.dump.tasks.push(Task { count, labels, ..Task::new(0, stack, lines.since(start)) });
    frames.clear();
    dump.scratch = frames;
}

/// `0x21cf23b<TAB>main.(*T).f+0x7b<TAB>/src/a.go:327`; tabs may have become spaces on the way.
fn frame(text: &str) -> Option<Frame<'_>> {
    let (address, rest) = text.split_once(['\t', ' ']).unwrap_or((text, ""));
    if !address.starts_with("0x") {
        return None;
    }
    let rest = rest.trim_start();
    if rest.is_empty() {
        return Some(Frame { function: address, file: "", line: 0 });
    }
    let (function, place) = rest.split_once(['\t', ' ']).unwrap_or((rest, ""));
    let function = function.rsplit_once("+0x").map_or(function, |(function, _)| function);
    let (file, line) = place.trim().rsplit_once(':').unwrap_or((place.trim(), ""));
    Some(Frame { function, file, line: line.parse().unwrap_or(0) })
}
