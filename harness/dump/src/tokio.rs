//! Tokio's trace of tasks, as `Trace` prints it: a tree with the outermost function first, its branches where one
//! task waits for several futures.
//!
//! ```text
//! task 34 worker 31:                                a line of the writer's, here that of our own traces
//! ╼ unstuck::client::work at src/client.rs:12:34
//!   └╼ select at src/client.rs:20:5
//!      ├╼ recv at src/client.rs:21:9
//!      └╼ sleep at src/client.rs:22:9
//! ```

use crate::dump::{Form, Frame, Task};
use crate::found::Found;
use crate::lines::Lines;

const TWIG: &str = "╼";
/// Stands between the branches of one task.
pub(crate) const BRANCH: &str = "(and, in the same task)";

/// Whether a task's trace begins in this line: its title, or the first line of the tree.
pub(crate) fn begins(line: &str) -> bool {
    line.starts_with(TWIG) || title(line).is_some()
}

/// The id and the name of `task 34 worker 31:`.
fn title(line: &str) -> Option<(u64, &str)> {
    let rest = line.strip_prefix("task ")?.trim_end().strip_suffix(':')?;
    let (id, name) = rest.split_once(' ').unwrap_or((rest, ""));
    Some((id.parse().ok()?, name))
}

/// How deep a line of the tree stands, and its frame.
fn twig(line: &str) -> Option<(usize, Frame<'_>)> {
    let at = line.find(TWIG)?;
    let drawn = |c: char| matches!(c, ' ' | '\u{a0}' | '│' | '├' | '└');
    if !line[..at].chars().all(drawn) {
        return None;
    }
    let depth = line[..at].chars().count();
    let text = line[at + TWIG.len()..].trim_start_matches(drawn);
    let Some((function, place)) = text.rsplit_once(" at ") else {
        return Some((depth, Frame { function: text, file: "", line: 0 }));
    };
    // `src/client.rs:12:34`, the column last
    let mut parts = place.rsplitn(3, ':');
    let (column, line, file) = (parts.next(), parts.next(), parts.next());
    let number = |text: Option<&str>| text.and_then(|text| text.parse().ok());
    let (file, line) = match (file, number(line), number(column)) {
        (Some(file), Some(line), Some(_)) => (file, line),
        (_, _, Some(line)) => (place.rsplit_once(':').map_or(place, |(file, _)| file), line),
        _ => (place, 0),
    };
    Some((depth, Frame { function, file, line }))
}

/// Reads the task whose title, or first frame, is the next line.
pub(crate) fn read<'a>(lines: &mut Lines<'a>, found: &mut Found<'a>) {
    let start = lines.offset();
    let mut ahead = *lines;
    let title = ahead.next().and_then(title);
    if title.is_some() {
        *lines = ahead;
        if !lines.peek().is_some_and(|line| line.starts_with(TWIG)) {
            // a title alone may be prose
            return;
        }
    }
    let (id, name) = title.unwrap_or((0, ""));
    let dump = found.dump(Form::TokioTrace, id, false);
    // the path from the root to the line before, each with its depth; what has no child is a leaf
    let mut path: Vec<(usize, u32)> = vec![];
    let mut leaves: Vec<Vec<u32>> = vec![];
    let mut ahead = *lines;
    while let Some(line) = ahead.next() {
        // a second root follows the last line of the first one without a line's end
        let inner = line.rfind(TWIG).filter(|&at| line.find(TWIG) != Some(at));
        let (first, second) = line.split_at(inner.unwrap_or(line.len()));
        let Some((depth, frame)) = twig(first) else { break };
        if depth == 0 && !path.is_empty() {
            break;
        }
        if path.last().is_some_and(|&(last, _)| last >= depth) {
            leaves.push(path.iter().map(|&(_, frame)| frame).collect());
            path.retain(|&(above, _)| above < depth);
        }
        path.push((depth, dump.dump.frame(frame)));
        if let Some((depth, frame)) = twig(second) {
            leaves.push(path.drain(..).map(|(_, frame)| frame).collect());
            path.push((depth, dump.dump.frame(frame)));
        }
        *lines = ahead;
    }
    leaves.push(path.iter().map(|&(_, frame)| frame).collect());
    // tokio tells the branches in any order, so that of equal tasks it differs
    leaves.sort();
    let mut frames = std::mem::take(&mut dump.scratch);
    let branch = Frame { function: BRANCH, file: "", line: 0 };
    for (index, leaf) in leaves.iter().enumerate() {
        let next = leaves.get(index + 1).map_or(&[][..], Vec::as_slice);
        let shared = leaf.iter().zip(next).take_while(|(one, other)| one == other).count();
        frames.extend(leaf[shared..].iter().rev());
        if index + 1 < leaves.len() {
            frames.push(dump.dump.frame(branch));
        }
    }
    let stack = dump.dump.stack(&frames, None);
    dump.dump.tasks.push(Task { name, ..Task::new(id, stack, lines.since(start)) });
    frames.clear();
    dump.scratch = frames;
}
