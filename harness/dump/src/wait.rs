//! What a task waits for, by name: from the functions it is in where one of them is known, else from its state.

mod known;

use unstuck_record::digest::WaitKind;
use unstuck_record::{Resource, Runtime};

use crate::dump::{Dump, Frame, Task};

/// So many of the innermost functions are looked at: a wait is named by what waits, not by what it is part of.
const DEPTH: usize = 10;

/// The name of a wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named<'a> {
    /// `NewStream/quota`, or the state.
    pub(crate) site: &'a str,
    pub(crate) kind: WaitKind,
    /// In words; empty where only the site is known.
    pub(crate) what: &'a str,
    /// The function whose first argument is the thing waited for.
    pub(crate) by: Option<&'a str>,
}

/// Names the wait of a task.
pub(crate) fn name<'a>(dump: &Dump<'a>, task: &Task<'a>) -> Named<'a> {
    if let Some(wait) = task.wait {
        let (kind, what) = match &wait.resource {
            Resource::Link { .. } => (WaitKind::Link, "the peer at the other end of a link"),
            Resource::Channel { .. } => (WaitKind::Channel, ""),
            Resource::Lock { .. } => (WaitKind::Lock, "a lock"),
            Resource::Join { .. } => (WaitKind::Join, "the end of other tasks"),
            Resource::Timer { .. } => (WaitKind::Timer, "the clock"),
        };
        return Named { site: &wait.site, kind, what, by: None };
    }
    let state = known::STATES.iter().find(|(state, ..)| task.state.starts_with(state));
    if let Some(&(_, WaitKind::None, what)) = state {
        return Named { site: task.state, kind: WaitKind::None, what, by: None };
    }
    let runtime = dump.form.runtime();
    let known = |frame: Frame<'a>| {
        let known = known::WAITS.iter().find(|known| {
            runtime == Some(known.0) && !astray(known.0, &frame) && matches(known.1, known.2, &frame)
        })?;
        Some(Named { site: known.3, kind: known.4, what: known.5, by: Some(frame.function) })
    };
    let mut frames = dump.frames(task.stack).take(DEPTH);
    let by_frame = match runtime {
        // a queue waits in a condition: the outermost function of Python's own says what for
        Some(Runtime::Python) => frames.take_while(of_python).filter_map(known).last(),
        _ => frames.find_map(known),
    };
    // a lock, a group: the state says it, some function in the stack has its address
    by_frame.unwrap_or_else(|| {
        let (kind, what) = state.map_or((WaitKind::Unknown, ""), |&(_, kind, what)| (kind, what));
        let site = match task.state {
            "" => first_own(dump, task).unwrap_or_default(),
            state => state,
        };
        Named { site, kind, what, by: None }
    })
}

fn matches(file: &str, function: &str, frame: &Frame<'_>) -> bool {
    frame.function.ends_with(function) && (file.is_empty() || frame.file.contains(file))
}

/// Whether a place in tokio's sources is meant, and the frame is not there.
fn astray(runtime: Runtime, frame: &Frame<'_>) -> bool {
    runtime == Runtime::Tokio && !frame.file.contains("/tokio-")
}

/// The innermost function that is not the runtime's.
fn first_own<'a>(dump: &Dump<'a>, task: &Task<'_>) -> Option<&'a str> {
    dump.frames(task.stack)
        .find(|frame| !of_the_runtime(dump.form.runtime(), frame))
        .map(|frame| frame.function)
}

/// Whether a function belongs to the runtime or its standard library, so that a reader looks further.
pub(crate) fn of_the_runtime(runtime: Option<Runtime>, frame: &Frame<'_>) -> bool {
    let function = frame.function;
    match runtime {
        Some(Runtime::Go) => {
            let package = function.rsplit_once('/').map_or(0, |(path, _)| path.len() + 1);
            let name = &function[package..];
            let (first, _) = name.split_once('.').unwrap_or((name, ""));
            matches!(first, "runtime" | "sync" | "syscall" | "poll" | "reflect" | "time")
                && !function[..package].contains('.')
        }
        Some(Runtime::Tokio) => ["/tokio-", "/rustc/", "/library/core/", "/futures-util-", "/futures-core-"]
            .iter()
            .any(|place| frame.file.contains(place)),
        Some(Runtime::Python) => of_python(frame),
        None => false,
    }
}

/// Whether a function is one of Python's library; py-spy tells it by its file's name alone.
fn of_python(frame: &Frame<'_>) -> bool {
    frame.file.contains("/lib/python")
        || matches!(frame.file, "threading.py" | "queue.py" | "selectors.py" | "socket.py")
}

/// The first argument of the function `name` in the text of a task, if Go tells one that is an address and not stale.
pub(crate) fn argument<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    for (at, _) in text.match_indices(name) {
        let Some(rest) = text[at + name.len()..].strip_prefix('(') else { continue };
        return address(rest);
    }
    None
}

/// `0xc004e638c0` at the start of `text`.
pub(crate) fn address(text: &str) -> Option<&str> {
    let digits = text.strip_prefix("0x")?.bytes().take_while(u8::is_ascii_hexdigit).count();
    // Go marks with `?` what it took from a register that may have been used again; small numbers are no addresses
    let told = digits >= 6 && !text[2 + digits..].starts_with('?');
    told.then_some(&text[..2 + digits])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_argument_is_an_address_or_none() {
        let text =
            "sync.runtime_SemacquireMutex(0x0?, 0x0?)\n\tx:1\nsync.(*Mutex).lockSlow(0xc000123450)\n\tx:2\n";
        assert_eq!(argument(text, "sync.(*Mutex).lockSlow"), Some("0xc000123450"));
        assert_eq!(argument(text, "sync.runtime_SemacquireMutex"), None);
        assert_eq!(argument("f(0xc000123450?)", "f"), None);
        assert_eq!(argument("f(...)", "f"), None);
        assert_eq!(argument("f({0xc000123450, 0x1})", "f"), None);
    }
}
