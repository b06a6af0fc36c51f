//! The report for chat and mail: short, in the Markdown that all of them read.

use std::fmt::Write as _;

use super::Report;
use super::told::{Item, facts, sections};
use crate::text::clean;

/// So many of a section are told.
const MOST: usize = 10;

/// The report in Markdown. `page` is where the whole report lies, if that is known.
pub fn markdown(report: &Report, page: Option<&str>) -> String {
    let mut out = String::new();
    let _infallible = writeln!(out, "## Night {}: {}\n", code(&report.night.name), report.headline());
    for note in &report.notes {
        let _infallible = writeln!(out, "> {}\n", text(note));
    }
    for (name, fact) in facts(report) {
        let _infallible = writeln!(out, "* {name}: {}", text(&fact));
    }
    for section in sections(report) {
        let _infallible = writeln!(out, "\n### {} ({})\n", section.title, section.items.len());
        for item in section.items.iter().take(MOST) {
            told(&mut out, item);
        }
        if section.items.len() > MOST {
            let _infallible = writeln!(out, "* … and {} more", section.items.len() - MOST);
        }
    }
    if let Some(page) = page {
        let _infallible = writeln!(out, "\nAll of it: {}", clean(page));
    }
    out
}

fn told(out: &mut String, item: &Item<'_>) {
    let name = item.cell.map_or_else(|| "all".to_owned(), ToString::to_string);
    let _infallible = writeln!(out, "* {}: {}", code(&name), text(&item.said));
    for more in &item.more {
        let _infallible = writeln!(out, "  * {}", text(more));
    }
}

/// A name as it is, in a code span: nothing in it is markup, a link or a mention.
pub(super) fn code(name: &str) -> String {
    format!("`{}`", clean(name).replace('`', "'"))
}

/// Untrusted text in a line of its own: nothing in it is markup or a link, and it still reads well where nobody renders it.
pub(super) fn text(text: &str) -> String {
    let text = clean(text);
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let within = before.is_alphanumeric() && rest.peek().is_some_and(|next| next.is_alphanumeric());
        match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '#' | '|' | '~' | '&' => out.extend(['\\', c]),
            '_' if !within => out.push_str("\\_"),
            '@' => out.push_str("&#64;"),
            c => out.push(c),
        }
        before = c;
    }
    out.replace("://", "\\://").replace("www.", "www\\.")
}
