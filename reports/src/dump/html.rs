//! A folded dump as one page that needs nothing else, and the parts of it that the page of a run has too. Everything that
//! the dump says is cleaned and escaped.

use std::io::Write as _;

use maud::{Markup, html};
use unstuck_record::digest::{Digest, Group, Movement, Still};
use unstuck_record::{Frame, Runtime};

use super::shown::{self, Shown};
use super::tree;
use crate::shell::{Shell, theme_button, untrusted};

/// Stacks, and those that stand still: on every page that has tasks.
pub(crate) const STYLE: &str = include_str!("tasks.css");
/// So many ids of one stack.
const IDS: usize = 200;
/// So many frames of one stack.
const FRAMES: usize = 200;
/// So many characters of a name or a line; what a dump has of more says nothing more.
const LINE: usize = 2_000;
/// So many of the first are open.
const OPEN: usize = 5;

/// The page of some dumps, with what moved between them if they are a series.
pub fn html(digests: &[Digest], movement: Option<&Movement>) -> String {
    let title = match digests {
        [one] => one.source.clone(),
        many => format!("{} dumps", many.len()),
    };
    let body = html! {
        header.top {
            div { p.dim { "unstuck dump" } h1 { (line(&title)) } }
            (theme_button())
        }
        main {
            @if let (Some(movement), Some(last)) = (movement, digests.last()) {
                section { h2 { "what did not move" } (self::movement(last.runtime, movement)) }
            }
            // the last dump is what people come for
            @for (index, digest) in digests.iter().enumerate().rev() {
                (one(digest, index + 1 == digests.len()))
            }
        }
    };
    let mut out = vec![];
    let title = format!("{title} - unstuck dump");
    let shell = Shell { title: &title, styles: &[STYLE], scripts: &[] };
    shell.write(&mut out, |out| out.write_all(body.into_string().as_bytes())).expect("writing to memory");
    String::from_utf8(out).expect("a page is text")
}

fn one(digest: &Digest, open: bool) -> Markup {
    let mut drawn = String::new();
    tree::draw(&mut drawn, digest);
    let idle = |group: &&Group| group.idle.is_some();
    html! {
        section {
            h2 { (line(&digest.source)) }
            p { strong { (line(&shown::summary(digest))) } }
            @for (index, group) in digest.groups.iter().enumerate().filter(|(_, group)| group.idle.is_none()) {
                (self::group(digest, group, open && index < OPEN))
            }
            @if digest.groups.iter().any(|group| group.idle.is_some()) {
                h3 { "idle: " (digest.idle) }
                @for group in digest.groups.iter().filter(idle) { (self::group(digest, group, false)) }
            }
            details.group.idle { summary { "who started whom" } pre { (lines(&drawn)) } }
            @if !digest.unread.is_empty() {
                h3 { "not read: " (digest.unread.len()) }
                @for unread in &digest.unread {
                    details.group.idle {
                        summary { "line " (unread.line) ": " (line(&unread.error)) }
                        pre { (lines(&unread.text)) }
                    }
                }
            }
        }
    }
}

fn group(digest: &Digest, group: &Group, open: bool) -> Markup {
    let mut facts = vec![("idle", group.idle.clone().unwrap_or_default())];
    facts.extend(shown::facts(digest.runtime, &group.wait));
    facts.push(("labels", shown::labels(&group.stacks, IDS)));
    facts.push(("ids", shown::ids(&group.stacks, IDS)));
    html! {
        details.group.idle[group.idle.is_some()] open[open] {
            summary { span.what { (line(&shown::title(digest, group))) } }
            dl.facts {
                @for (name, text) in facts.iter().filter(|(_, text)| !text.is_empty()) {
                    dt { (name) } dd { (untrusted(text, IDS * LINE)) }
                }
            }
            @if let Some(stack) = group.stacks.first() { (frames(&stack.frames, stack.created_by.as_ref())) }
            @if group.stacks.len() > 1 { p.dim { "one of " (group.stacks.len()) " stacks through these functions" } }
        }
    }
}

/// The functions of a stack, innermost first.
pub(crate) fn frames(frames: &[Frame], created_by: Option<&Frame>) -> Markup {
    let row = |function: &str, frame: &Frame| {
        html! {
            tr {
                td title=(line(&frame.function)) { (line(function)) }
                td title=(line(&frame.file)) { (line(&shown::place(frame))) }
            }
        }
    };
    html! {
        table.frames {
            @for shown in shown::frames(frames, true).iter().take(FRAMES) {
                @if let Shown::Frame(frame) = shown { (row(shown::short(&frame.function), frame)) }
            }
            @if frames.len() > FRAMES { tr { td.dim { "and " (frames.len() - FRAMES) " more" } td {} } }
            @if let Some(frame) = created_by {
                (row(&format!("created by {}", shown::short(&frame.function)), frame))
            }
        }
    }
}

fn movement(runtime: Option<Runtime>, movement: &Movement) -> Markup {
    html! {
        p { strong { (line(&shown::dumps(movement))) } }
        p { (line(&shown::changes(movement))) }
        @for (index, still) in movement.still.iter().enumerate() {
            (stood(runtime, movement, still, index < OPEN))
        }
        @for grown in &movement.grown { (self::grown(&grown.counts, &grown.wait.site, &grown.frames)) }
    }
}

/// Tasks that stand where they stood, with the two dumps that show it.
pub(crate) fn stood(runtime: Option<Runtime>, movement: &Movement, still: &Still, open: bool) -> Markup {
    let since = movement.dumps.get(still.first).map_or("", |(name, _)| name);
    html! {
        details.group open[open] {
            summary {
                span.what { (shown::tasks(runtime, still.ids.len() as u64)) }
                @if still.proved { " not moved since " } @else { " in the same place since " }
                (line(since)) ", at " code { (line(&still.wait.site)) }
            }
            dl.facts {
                dt { "first" } dd.mono { (line(&still.before)) }
                dt { "last" } dd.mono { (line(&still.after)) }
                dt { "ids" } dd { (shown::listed(still.ids.iter().map(u64::to_string), IDS)) }
            }
            (frames(&still.frames, still.created_by.as_ref()))
        }
    }
}

/// A stack that more and more tasks have.
pub(crate) fn grown(counts: &[u64], site: &str, stack: &[Frame]) -> Markup {
    let counts: Vec<String> = counts.iter().map(u64::to_string).collect();
    html! {
        details.group {
            summary { span.what { "become more" } ": " (line(&counts.join(" → "))) ", at " code { (line(site)) } }
            (frames(stack, None))
        }
    }
}

fn line(text: &str) -> String {
    untrusted(text, LINE)
}

fn lines(text: &str) -> String {
    text.lines().map(|one| line(one) + "\n").collect()
}
