//! The report as one self-contained page: what is new and bad first, every case at the end.

use std::io::{self, Write};

use maud::{Markup, html};
use unstuck_record::Span;

use super::told::{Item, Section, Tone, facts, sections};
use super::{Line, Report, spark};
use crate::history::Cell;
use crate::shell::{Shell, command, theme_button, untrusted};

const STYLE: &str = include_str!("page/night.css");
const SCRIPT: &str = include_str!("page/night.js");

/// So many of a section are open at first.
const OPEN: usize = 12;
/// Characters of a name.
const NAME: usize = 200;

/// Where a page's links lead.
#[derive(Clone, Copy)]
pub struct Links<'a> {
    /// The page of the night at this place of [`Report::nights`], as seen from this page, if there is one.
    pub night: &'a dyn Fn(usize) -> Option<String>,
    /// A page or record below the history's folder, as seen from this page.
    pub below: &'a dyn Fn(&str) -> Option<String>,
}

/// Writes the page.
pub fn page<W: Write>(out: &mut W, report: &Report, links: Links<'_>) -> io::Result<()> {
    let title = format!("Night {}: {}", report.night.date(), report.headline());
    let shell = Shell { title: &title, styles: &[STYLE], scripts: &[SCRIPT] };
    shell.write(out, |out| write!(out, "{}", body(report, links).into_string()))
}

fn body(report: &Report, links: Links<'_>) -> Markup {
    let sections = sections(report);
    html! {
        header.top {
            div {
                p.eyebrow { "unstuck · night " (untrusted(&report.night.name, NAME)) " · " (report.night.date()) " UTC" }
                h1 { (report.headline()) }
            }
            (theme_button())
        }
        main {
            @for note in &report.notes { p.note { (untrusted(note, NAME)) } }
            (tiles(report, &sections))
            dl.facts.night {
                @for (name, text) in facts(report) { dt { (name) } dd { (untrusted(&text, 400)) } }
            }
            @if sections.is_empty() {
                p.empty { "Everything came out as it did the night before." }
            }
            @for section in &sections { (told(report, section, links)) }
            (all(report, links))
        }
    }
}

/// The numbers that a reader looks for first, each a way to its section.
fn tiles(report: &Report, sections: &[Section<'_>]) -> Markup {
    let counts = report.counts;
    html! {
        nav.tiles aria-label="sections" {
            @for section in sections {
                a.tile.(tone(section.tone)) href=(format!("#{}", section.id)) {
                    b { (section.items.len()) } span { (section.title.to_lowercase()) }
                }
            }
            a.tile href="#all" {
                b { (counts.cells) }
                span { "cases, " (counts.runs) " runs" }
            }
        }
    }
}

fn tone(tone: Tone) -> &'static str {
    match tone {
        Tone::Bad => "bad",
        Tone::Warn => "warn",
        Tone::Good => "good",
        Tone::Plain => "plain",
    }
}

fn told(report: &Report, section: &Section<'_>, links: Links<'_>) -> Markup {
    let (first, rest) = section.items.split_at(section.items.len().min(OPEN));
    html! {
        section id=(section.id) class=(tone(section.tone)) {
            h2 { (section.title) " " span.count { (section.items.len()) } }
            p.about { (section.about) }
            ul.items {
                @for item in first { (one(report, item, links)) }
            }
            @if !rest.is_empty() {
                details {
                    summary { (rest.len()) " more" }
                    ul.items {
                        @for item in rest { (one(report, item, links)) }
                    }
                }
            }
        }
    }
}

fn one(report: &Report, item: &Item<'_>, links: Links<'_>) -> Markup {
    let line = item.cell.and_then(|cell| {
        report.cells.binary_search_by(|line| line.cell.cmp(cell)).ok().map(|place| &report.cells[place])
    });
    html! {
        li.item {
            div.what {
                h3 {
                    @match item.cell {
                        Some(cell) => (name(cell)),
                        None => "All cases on real sockets",
                    }
                }
                p.said { (untrusted(&item.said, 400)) }
                @for more in &item.more { p.more { (untrusted(more, 400)) } }
                @if let Some(page) = item.page.and_then(links.below) {
                    p.more { a href=(page) { "the run that shows it" } }
                }
            }
            @if let Some(line) = line {
                div.trend { (spark::bars(report, line, links.night)) }
            }
            @if let Some(again) = &item.again { (command(again)) }
        }
    }
}

/// A cell's name, with what tells it from its like.
fn name(cell: &Cell) -> Markup {
    html! {
        span.case { (untrusted(&cell.name, NAME)) }
        " " span.chip { (untrusted(&cell.client, NAME)) }
        " " span.chip { (untrusted(&cell.world, NAME)) }
        @if !cell.variant.is_empty() && cell.variant != cell.world {
            " " span.chip { (untrusted(&cell.variant, NAME)) }
        }
    }
}

/// Every case, by file.
fn all(report: &Report, links: Links<'_>) -> Markup {
    html! {
        section #all.plain {
            h2 { "All cases " span.count { (report.cells.len()) } }
            div.bar {
                p.about {
                    "A bar is a night: its height the share of the budget that the median run took, "
                    span.key.bad { "red and a mark" } " the share of runs that failed, "
                    span.key.none { "hollow" } " if none showed anything. The newest is at the right."
                }
                label.filter {
                    span.sr { "show cases whose name has" }
                    input type="search" placeholder="filter" autocomplete="off" spellcheck="false";
                }
            }
            div.scroll {
                table.table.cells {
                    thead {
                        tr {
                            th scope="col" { "case" }
                            th scope="col" { "last " (report.nights.len()) " nights" }
                            th.num scope="col" { "failed" }
                            th.num scope="col" { "time" }
                            th.num scope="col" { "of budget" }
                        }
                    }
                    @for lines in report.cells.chunk_by(|a, b| a.cell.file == b.cell.file) {
                        tbody {
                            tr.file { th colspan="5" scope="rowgroup" { (untrusted(&lines[0].cell.file, NAME)) } }
                            @for line in lines { (row(report, line, links)) }
                        }
                    }
                }
            }
            p.empty.nothing hidden { "No case has that in its name." }
        }
    }
}

fn row(report: &Report, line: &Line, links: Links<'_>) -> Markup {
    let tonight = line.points.last().filter(|point| point.night + 1 == report.nights.len());
    html! {
        tr id=(line.anchor) {
            td { (name(&line.cell)) }
            td { (spark::bars(report, line, links.night)) }
            @match tonight {
                Some(point) => {
                    td.num.failed[point.bad > 0] {
                        @if point.bad > 0 { (point.bad) " of " (point.runs) } @else { span.dim { "0 of " (point.runs) } }
                    }
                    td.num { (Span(point.time_ms)) }
                    td.num { (point.time_ms.saturating_mul(100) / point.budget_ms.max(1)) " %" }
                }
                None => td.dim colspan="3" { "did not run tonight" },
            }
        }
    }
}
