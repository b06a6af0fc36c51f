//! The report for a terminal, and for a log.

use std::fmt::Write as _;

use super::Report;
use super::told::{Item, Tone, facts, sections};
use crate::terminal::{Style, colour};
use crate::text::{clean, wrap};

/// So many of a section are told; the page and the JSON have all.
const MOST: usize = 20;

/// The report in plain text.
pub fn plain(report: &Report, style: Style) -> String {
    let mut out = String::new();
    let night = format!("night {}", clean(&report.night.name));
    let _infallible = writeln!(out, "{}: {}", colour::bold(style, &night), report.headline());
    for note in &report.notes {
        wrap(&mut out, style.width, "  note     ", note);
    }
    for (name, text) in facts(report) {
        wrap(&mut out, style.width, &format!("  {name:<10} "), &text);
    }
    for section in sections(report) {
        let title = format!("{} ({})", section.title.to_lowercase(), section.items.len());
        let title = match section.tone {
            Tone::Bad => colour::bad(style, &title),
            Tone::Warn => colour::warn(style, &title),
            Tone::Good => colour::good(style, &title),
            Tone::Plain => colour::bold(style, &title),
        };
        let _infallible = writeln!(out, "\n{title}");
        for item in section.items.iter().take(MOST) {
            told(&mut out, item, style);
        }
        if section.items.len() > MOST {
            let _infallible = writeln!(out, "  … and {} more", section.items.len() - MOST);
        }
    }
    out
}

fn told(out: &mut String, item: &Item<'_>, style: Style) {
    let name = item.cell.map_or_else(|| "all".to_owned(), ToString::to_string);
    wrap(out, style.width, "  ", &colour::bold(style, &name));
    wrap(out, style.width, "    ", &item.said);
    for more in &item.more {
        wrap(out, style.width, "    - ", more);
    }
    if let Some(page) = item.page {
        let _infallible = writeln!(out, "    see  {}", clean(page));
    }
    // one line, however long: it is there to be copied
    if let Some(again) = &item.again {
        let _infallible = writeln!(out, "    run  {again}");
    }
}
