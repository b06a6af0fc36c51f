//! A folded dump on a terminal: first the numbers, then what did not move, then the suspicious stacks with the wait
//! they are in, then a line for what idles.

use std::fmt::Write as _;

use unstuck_record::Frame;
use unstuck_record::digest::{Digest, Group, Grown, Movement, Still};

use super::shown::{self, Shown};
use super::tree;
use crate::terminal::{Style, colour};
use crate::text::{clean, wrap};

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// Every stack, those that idle too, with every frame.
    pub all: bool,
    /// Who started whom.
    pub tree: bool,
}

/// So many stacks are told, unless all are asked for.
const GROUPS: usize = 12;
/// So many ids of one stack.
const IDS: usize = 12;
/// So many parts that could not be read.
const UNREAD: usize = 8;

/// The report of one dump; `movement` is told with the last of a series.
pub fn terminal(digest: &Digest, movement: Option<&Movement>, detail: Detail, style: Style) -> String {
    let mut out = String::new();
    let source =
        if digest.source.is_empty() { String::new() } else { format!("{}: ", clean(&digest.source)) };
    let _infallible = writeln!(out, "{source}{}", colour::bold(style, &clean(&shown::summary(digest))));
    if let Some(movement) = movement {
        self::movement(&mut out, digest, movement, detail, style);
    }
    let told: Vec<&Group> = digest.groups.iter().filter(|group| detail.all || group.idle.is_none()).collect();
    let most = if detail.all { told.len() } else { GROUPS };
    for group in told.iter().take(most) {
        self::group(&mut out, digest, group, detail, style);
    }
    if let Some(left) = told.get(most..).filter(|left| !left.is_empty()) {
        let tasks = left.iter().fold(0, |sum: u64, group| sum.saturating_add(group.tasks));
        let line =
            format!("and {} in {} more stacks: `--all`", shown::tasks(digest.runtime, tasks), left.len());
        let _infallible = writeln!(out, "\n{line}");
    }
    if !detail.all {
        idle(&mut out, digest, style);
    }
    if detail.tree {
        out.push_str(&colour::bold(style, "\nwho started whom\n"));
        tree::draw(&mut out, digest);
    }
    unread(&mut out, digest, style);
    out
}

fn group(out: &mut String, digest: &Digest, group: &Group, detail: Detail, style: Style) {
    let title = clean(&shown::title(digest, group));
    out.push('\n');
    let _infallible = writeln!(out, "{}", colour::bold(style, &title));
    let mut line = |name: &str, text: &str| {
        if !text.is_empty() {
            wrap(out, style.width, &format!("  {name:<7}"), &clean(text));
        }
    };
    line("idle", group.idle.as_deref().unwrap_or_default());
    for (name, text) in shown::facts(digest.runtime, &group.wait) {
        line(name, &text);
    }
    line("labels", &shown::labels(&group.stacks, IDS));
    line("ids", &shown::ids(&group.stacks, IDS));
    if group.stacks.iter().flat_map(|stack| &stack.members).any(|member| member.locked) {
        line("thread", "locked to it");
    }
    let Some(stack) = group.stacks.first() else { return };
    frames(out, &stack.frames, stack.created_by.as_ref(), detail.all, style);
    if group.stacks.len() > 1 {
        let _infallible = writeln!(out, "    (one of {} stacks through these functions)", group.stacks.len());
    }
}

fn frames(out: &mut String, frames: &[Frame], created_by: Option<&Frame>, all: bool, style: Style) {
    let shown = shown::frames(frames, all);
    let names = shown.iter().filter_map(|shown| match shown {
        Shown::Frame(frame) => Some(shown::short(&frame.function).chars().count()),
        Shown::Left(_) => None,
    });
    let created = created_by.map(|frame| format!("created by {}", shown::short(&frame.function)));
    let names = names.chain(created.iter().map(|created| created.chars().count()));
    let width = names.max().unwrap_or(0).min(style.width / 2);
    let mut line = |function: &str, place: &str| {
        let text = format!("    {:<width$}  {}", clean(function), clean(place));
        let _infallible = writeln!(out, "{}", text.trim_end());
    };
    for shown in shown {
        match shown {
            Shown::Frame(frame) => {
                let place = if all { full(frame) } else { shown::place(frame) };
                line(shown::short(&frame.function), &place);
            }
            Shown::Left(1) => line("… 1 more", ""),
            Shown::Left(left) => line(&format!("… {left} more"), ""),
        }
    }
    if let (Some(frame), Some(created)) = (created_by, created) {
        line(&created, &if all { full(frame) } else { shown::place(frame) });
    }
}

fn full(frame: &Frame) -> String {
    if frame.line == 0 { frame.file.clone() } else { format!("{}:{}", frame.file, frame.line) }
}

/// What idles, by why.
fn idle(out: &mut String, digest: &Digest, style: Style) {
    let mut reasons: Vec<(&str, u64)> = vec![];
    for group in &digest.groups {
        let Some(why) = &group.idle else { continue };
        match reasons.iter_mut().find(|(known, _)| known == why) {
            Some((_, count)) => *count = count.saturating_add(group.tasks),
            None => reasons.push((why, group.tasks)),
        }
    }
    if reasons.is_empty() {
        return;
    }
    reasons.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let reasons = reasons.into_iter().map(|(why, count)| format!("{count} {why}"));
    out.push('\n');
    wrap(out, style.width, "idle    ", &clean(&shown::listed(reasons, IDS)));
}

fn movement(out: &mut String, digest: &Digest, movement: &Movement, detail: Detail, style: Style) {
    wrap(
        out,
        style.width,
        "  ",
        &clean(&format!("{} dumps: {}", movement.dumps.len(), shown::dumps(movement))),
    );
    wrap(out, style.width, "  ", &clean(&shown::changes(movement)));
    let most = if detail.all { movement.still.len() } else { GROUPS };
    for still in movement.still.iter().take(most) {
        self::still(out, digest, movement, still, detail, style);
    }
    if let Some(left) = movement.still.get(most..).filter(|left| !left.is_empty()) {
        let _infallible = writeln!(out, "\nand {} more stacks that did not move: `--all`", left.len());
    }
    for grown in &movement.grown {
        self::grown(out, digest, grown, style);
    }
    out.push_str(&colour::bold(style, &format!("\nin {}\n", clean(&digest.source))));
}

fn still(
    out: &mut String,
    digest: &Digest,
    movement: &Movement,
    still: &Still,
    detail: Detail,
    style: Style,
) {
    let tasks = shown::tasks(digest.runtime, still.ids.len() as u64);
    let since = movement.dumps.get(still.first).map_or("", |(name, _)| name);
    let proof = if still.proved { "not moved since" } else { "in the same place since" };
    let title = format!("{tasks} {proof} {since}, at {}", still.wait.site);
    let _infallible = writeln!(out, "\n{}", colour::bold(style, &clean(&title)));
    wrap(out, style.width, "  first  ", &clean(&still.before));
    wrap(out, style.width, "  last   ", &clean(&still.after));
    wrap(out, style.width, "  ids    ", &shown::listed(still.ids.iter().map(u64::to_string), IDS));
    frames(out, &still.frames, still.created_by.as_ref(), detail.all, style);
}

fn grown(out: &mut String, digest: &Digest, grown: &Grown, style: Style) {
    let counts: Vec<String> = grown.counts.iter().map(u64::to_string).collect();
    let title = format!(
        "{}s that become more: {}, at {}",
        shown::word(digest.runtime),
        counts.join(" → "),
        grown.wait.site
    );
    let _infallible = writeln!(out, "\n{}", colour::bold(style, &clean(&title)));
    frames(out, &grown.frames, None, false, style);
}

fn unread(out: &mut String, digest: &Digest, style: Style) {
    if digest.unread.is_empty() {
        return;
    }
    out.push_str(&colour::bold(style, "\nnot read\n"));
    for unread in digest.unread.iter().take(UNREAD) {
        let begins: String = unread.text.lines().next().unwrap_or_default().chars().take(60).collect();
        let text = format!("line {}: {}: `{begins}`", unread.line, unread.error);
        wrap(out, style.width, "  ", &clean(&text));
    }
    if digest.unread.len() > UNREAD {
        let _infallible = writeln!(out, "  and {} more", digest.unread.len() - UNREAD);
    }
}
