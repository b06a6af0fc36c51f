//! Words and frames as the terminal and the page show them; not yet made harmless.

use unstuck_record::digest::{Digest, Group, Movement, Resource, Stack, WaitKind, Waited};
use unstuck_record::{Frame, Runtime, Span};

/// A frame to show, or how many are left out there.
pub(crate) enum Shown<'a> {
    Frame(&'a Frame),
    /// So many functions of libraries.
    Left(usize),
}

/// So many dumps of a series are told by name.
const DUMPS: usize = 6;
/// So many frames of one stack are shown.
const FRAMES: usize = 14;

/// `12 goroutines`
pub(crate) fn tasks(runtime: Option<Runtime>, count: u64) -> String {
    let word = word(runtime);
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

pub(crate) fn word(runtime: Option<Runtime>) -> &'static str {
    match runtime {
        Some(Runtime::Go) => "goroutine",
        Some(Runtime::Python) => "thread",
        Some(Runtime::Tokio) | None => "task",
    }
}

/// `1204 goroutines, 63 distinct stacks, 1100 idle (Go debug=2)`
pub(crate) fn summary(digest: &Digest) -> String {
    let stacks = if digest.stacks == 1 { "stack" } else { "stacks" };
    let tasks = tasks(digest.runtime, digest.tasks);
    let form = if digest.form.is_empty() { String::new() } else { format!(" ({})", digest.form) };
    format!("{tasks}, {} distinct {stacks}, {} idle{form}", digest.stacks, digest.idle)
}

/// `32 goroutines wait at NewStream/quota [select] in local.(*Backend).writeToTiKV, for 7h1m`
pub(crate) fn title(digest: &Digest, group: &Group) -> String {
    format!("{}{}", subject(digest, group), age(group))
}

/// The same without the age.
pub(crate) fn subject(digest: &Digest, group: &Group) -> String {
    let tasks = tasks(digest.runtime, group.tasks);
    let one = group.tasks == 1;
    let site = &group.wait.site;
    let does = match (group.wait.kind, site.is_empty()) {
        (WaitKind::None, _) => format!("{} {site}", if one { "is" } else { "are" }),
        (_, true) => if one { "is here" } else { "are here" }.to_owned(),
        _ => format!("{} at {site}", if one { "waits" } else { "wait" }),
    };
    let state = if group.state.is_empty() || group.state == *site {
        String::new()
    } else {
        format!(" [{}]", group.state)
    };
    let place = own(group).map_or(String::new(), |function| format!(" in {}", short(function)));
    format!("{tasks} {does}{state}{place}")
}

/// The innermost function of the program's own.
fn own(group: &Group) -> Option<&str> {
    let frames = &group.stacks.first()?.frames;
    let own = frames.iter().find(|frame| !frame.file.is_empty() && !library(frame) && !runtime(frame))?;
    (own.function != group.wait.site).then_some(&own.function)
}

/// `, for 7h1m`, or from the shortest to the longest wait.
pub(crate) fn age(group: &Group) -> String {
    let span = |minutes: u64| Span(minutes.saturating_mul(60_000));
    match (group.youngest_minutes, group.oldest_minutes) {
        (_, None) => String::new(),
        (_, Some(0)) => ", for less than 1m".to_owned(),
        (Some(0), Some(oldest)) => format!(", the longest for {}", span(oldest)),
        (Some(youngest), Some(oldest)) if youngest < oldest => {
            format!(", for {} to {}", span(youngest), span(oldest))
        }
        (_, Some(oldest)) => format!(", for {}", span(oldest)),
    }
}

/// What more there is to say of a wait, each with its heading.
pub(crate) fn facts(runtime: Option<Runtime>, wait: &Waited) -> Vec<(&'static str, String)> {
    let mut facts = vec![];
    if !wait.what.is_empty() && wait.kind != WaitKind::None {
        facts.push(("for", wait.what.clone()));
    }
    if !wait.on.is_empty() {
        let one = |on: &Resource| match on.waiting {
            0 | 1 => on.address.clone(),
            many => format!("{} ({many} wait for it)", on.address),
        };
        let mut on: Vec<String> = wait.on.iter().map(one).collect();
        if wait.more > 0 {
            on.push(format!("and {} more", wait.more));
        }
        facts.push(("on", on.join(", ")));
    }
    for on in wait.on.iter().filter(|on| !on.holders.is_empty()) {
        facts.push(("held", held(runtime, on, wait.on.len() > 1)));
    }
    if !wait.started.is_empty() {
        let places = wait.started.iter().map(|(site, count)| {
            let site = if site.is_empty() { "an unnamed wait" } else { site };
            format!("{count} at {site}")
        });
        facts.push(("ends", format!("when those end that are: {}", places.collect::<Vec<_>>().join(", "))));
    }
    facts
}

fn held(runtime: Option<Runtime>, on: &Resource, several: bool) -> String {
    let which = if several { format!("{} ", on.address) } else { String::new() };
    let holders = on.holders.iter().map(|holder| {
        let minutes = holder.minutes.filter(|&minutes| minutes > 0);
        let age =
            minutes.map_or(String::new(), |minutes| format!(" for {}", Span(minutes.saturating_mul(60_000))));
        let (maybe, function) = match holder.function.as_str() {
            "" => ("", String::new()),
            function => ("perhaps ", format!(" in {}", short(function))),
        };
        let state =
            if holder.state.is_empty() { String::new() } else { format!(", at {}{age}", holder.state) };
        format!("{maybe}by {} {}{function}{state}", word(runtime), holder.id)
    });
    format!("{which}{}", holders.collect::<Vec<_>>().join("; "))
}

/// The ids of a group's tasks, not all of many; empty where the dump tells none.
pub(crate) fn ids(stacks: &[Stack], most: usize) -> String {
    let ids = stacks.iter().flat_map(|stack| &stack.members).filter_map(|member| {
        let name = if member.name.is_empty() { String::new() } else { format!(" `{}`", member.name) };
        Some(format!("{}{name}", member.id?))
    });
    listed(ids, most)
}

/// Some of a list, and how many more there are.
pub(crate) fn listed(all: impl Iterator<Item = String>, most: usize) -> String {
    let mut all = all;
    let first: Vec<String> = all.by_ref().take(most).collect();
    match all.count() {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// The labels that a group's tasks have, not all of many.
pub(crate) fn labels(stacks: &[Stack], most: usize) -> String {
    let mut seen: Vec<&(String, String)> = vec![];
    for label in stacks.iter().flat_map(|stack| &stack.members).flat_map(|member| &member.labels) {
        // a few are enough to look at, and to look through
        if seen.len() <= most && !seen.contains(&label) {
            seen.push(label);
        }
    }
    let more = if seen.len() > most { ", …" } else { "" };
    let told = seen.iter().take(most).map(|(key, value)| format!("{key}={value}"));
    format!("{}{more}", told.collect::<Vec<_>>().join(", "))
}

/// A function without the path of its package: `transport.(*http2Client).NewStream`.
pub(crate) fn short(function: &str) -> &str {
    // what follows a bracket may be a type with a path of its own
    let end = function.find(['(', '[', '<']).unwrap_or(function.len());
    match function[..end].rfind('/') {
        Some(slash) => &function[slash + 1..],
        None => function,
    }
}

/// `http2_client.go:829`
pub(crate) fn place(frame: &Frame) -> String {
    if frame.file.is_empty() {
        return String::new();
    }
    let file = frame.file.rsplit(['/', '\\']).next().unwrap_or_default();
    if frame.line == 0 { file.to_owned() } else { format!("{file}:{}", frame.line) }
}

/// The frames worth a look: the program's own, as far as there is room, and where it went into libraries: of what it
/// waits in, the function that was called of the standard library, or the innermost of another.
pub(crate) fn frames(frames: &[Frame], all: bool) -> Vec<Shown<'_>> {
    if all {
        return frames.iter().map(Shown::Frame).collect();
    }
    let entered = frames.iter().take_while(|frame| runtime(frame)).count().saturating_sub(1);
    let (mut shown, mut left, mut inside) = (vec![], 0, false);
    for (index, frame) in frames.iter().enumerate() {
        let again = index > 0 && frames[index - 1].function == frame.function;
        let told = match (runtime(frame), library(frame)) {
            (true, _) => index == entered,
            (false, true) => !std::mem::replace(&mut inside, true),
            (false, false) => {
                inside = false;
                !again
            }
        };
        if told && shown.len() < FRAMES {
            if left > 0 {
                shown.push(Shown::Left(left));
            }
            left = 0;
            shown.push(Shown::Frame(frame));
        } else {
            left += 1;
        }
    }
    if left > 0 {
        shown.push(Shown::Left(left));
    }
    shown
}

/// Whether a function is that of a library rather than of the program.
fn library(frame: &Frame) -> bool {
    const PLACES: [&str; 7] = [
        "/pkg/mod/",
        "/vendor/",
        ".cargo/registry",
        "/rustc/",
        "site-packages",
        "/lib/python",
        "\\pkg\\mod\\",
    ];
    PLACES.iter().any(|place| frame.file.contains(place))
}

/// Whether a function is that of Go's standard library.
fn runtime(frame: &Frame) -> bool {
    const PLACES: [&str; 3] = ["/go/src/", "/libexec/src/", "golang.org/toolchain"];
    // a package of the standard library has no host in its path
    let path = frame.function.rfind('/').map_or("", |slash| &frame.function[..slash]);
    let own = path.contains('.') || frame.function.starts_with("main.");
    !own && PLACES.iter().any(|place| frame.file.contains(place))
}

/// `a.txt (1204), b.txt (1210)`
pub(crate) fn dumps(movement: &Movement) -> String {
    let told = movement.dumps.iter().map(|(name, tasks)| format!("{name} ({tasks})"));
    let last =
        movement.dumps.last().map_or(String::new(), |(name, tasks)| format!(", the last {name} ({tasks})"));
    format!("{}{}", listed(told, DUMPS), if movement.dumps.len() > DUMPS { last } else { String::new() })
}

/// What happened between the last two dumps, in numbers.
pub(crate) fn changes(movement: &Movement) -> String {
    let still: usize = movement.still.iter().map(|still| still.ids.len()).sum();
    format!(
        "between the last two: {} moved, {} new, {} gone; {still} stand where they stood, and {} that idle",
        movement.moved, movement.new, movement.gone, movement.idle
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_lose_the_path_of_their_package_and_nothing_else() {
        let table = [
            (
                "google.golang.org/grpc/internal/transport.(*http2Client).NewStream",
                "transport.(*http2Client).NewStream",
            ),
            ("main.main", "main.main"),
            ("example.com/a/b.F[example.com/c.T]", "b.F[example.com/c.T]"),
            ("poll<core::pin::Pin<a/b>>", "poll<core::pin::Pin<a/b>>"),
        ];
        for (function, name) in table {
            assert_eq!(short(function), name);
        }
    }

    #[test]
    fn places_are_told_by_the_files_own_name() {
        let frame = |file: &str, line| Frame { function: "f".into(), file: file.into(), line };
        assert_eq!(place(&frame("/a/b.go", 3)), "b.go:3");
        assert_eq!(place(&frame("C:\\a\\b.py", 3)), "b.py:3");
        assert_eq!(place(&frame("a.rs", 0)), "a.rs");
        assert_eq!(place(&frame("", 3)), "");
    }
}
