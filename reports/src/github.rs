//! What GitHub Actions shows: a summary of a step in Markdown, annotations on the scenario file's line.

use std::fmt::Write as _;

use unstuck_record::{Judgement, Run, Verdict};

use crate::batch::Ended;
use crate::terminal::{self, Style};
use crate::text::clean;

/// Bytes of a step's summary; GitHub drops one of more than a mebibyte.
const SUMMARY: usize = 1000 << 10;

/// The summary of a step: what failed in full, then a line for each case.
pub fn summary(cases: &[Ended<'_>]) -> String {
    let mut out = String::from("## unstuck\n\n");
    let _infallible = writeln!(out, "{}\n", counted(cases));
    for case in cases {
        if let Ended::Judged { run, judgement, aside } = case
            && judgement.verdict != Verdict::Pass
        {
            let text = terminal::case(run, judgement, *aside, Style::default());
            let section = format!("### {}\n\n{}\n", heading(run, judgement), fenced(&text));
            if out.len() + section.len() > SUMMARY / 2 {
                out.push_str("More failed; the table names them, their records tell all.\n\n");
                break;
            }
            out.push_str(&section);
        }
    }
    out.push_str("| verdict | case | client | world | seed | what happened |\n|---|---|---|---|---|---|\n");
    for (index, case) in cases.iter().enumerate() {
        let line = line(case);
        if out.len() + line.len() > SUMMARY {
            let _infallible = writeln!(out, "\n… and {} more.", cases.len() - index);
            break;
        }
        out.push_str(&line);
    }
    out
}

/// Annotations as workflow commands, one a line: an error for a failed case, a warning for an unknown one.
pub fn annotations(cases: &[Ended<'_>]) -> String {
    let mut out = String::new();
    for case in cases {
        let which = case.which();
        let (level, said) = match case {
            Ended::Judged { judgement, .. } => match judgement.verdict {
                Verdict::Pass => continue,
                Verdict::Fail => ("error", judgement.reason.as_str()),
                Verdict::Unknown => ("warning", judgement.reason.as_str()),
            },
            Ended::Broken { error, .. } => ("error", *error),
            Ended::NotRun(_) => ("warning", "interrupted before it began"),
        };
        let title = format!("{} ({}, {}, seed {})", which.case, which.client, which.world, which.seed);
        let _infallible = writeln!(
            out,
            "::{level} file={},line={},title={}::{}",
            property(which.file),
            which.line,
            property(&title),
            data(said)
        );
    }
    out
}

fn counted(cases: &[Ended<'_>]) -> String {
    let count = |want: Verdict| {
        let judged =
            |case: &&Ended<'_>| matches!(case, Ended::Judged { judgement, .. } if judgement.verdict == want);
        cases.iter().filter(judged).count()
    };
    let (broken, not_run) = cases.iter().fold((0, 0), |(broken, not_run), case| match case {
        Ended::Broken { .. } => (broken + 1, not_run),
        Ended::NotRun(_) => (broken, not_run + 1),
        Ended::Judged { .. } => (broken, not_run),
    });
    let mut said = format!(
        "{} passed, {} failed, {} unknown",
        count(Verdict::Pass),
        count(Verdict::Fail),
        count(Verdict::Unknown)
    );
    for (many, what) in [(broken, "could not be run"), (not_run, "not run")] {
        if many > 0 {
            let _infallible = write!(said, ", {many} {what}");
        }
    }
    said
}

fn heading(run: &Run, judgement: &Judgement) -> String {
    let verdict = terminal::verdict(judgement.verdict);
    format!("{verdict}: {}, {}", cell(&run.header.case), cell(&run.header.client))
}

fn line(case: &Ended<'_>) -> String {
    let which = case.which();
    let (verdict, said) = match case {
        Ended::Judged { judgement, .. } => (terminal::verdict(judgement.verdict), judgement.reason.as_str()),
        Ended::Broken { error, .. } => ("BROKEN", *error),
        Ended::NotRun(_) => ("NOT RUN", "interrupted before it began"),
    };
    let (case, client, world) = (cell(which.case), cell(which.client), cell(which.world));
    format!("| {verdict} | {case} | {client} | {world} | {} | {} |\n", which.seed, cell(said))
}

/// Untrusted text within a line of Markdown: nothing in it is markup, a link, or the end of a cell.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '!' | '|' | '~' | '@' => {
                let _infallible = write!(out, "&#{};", u32::from(c));
            }
            ':' => out.push_str("&#58;"),
            c => out.push(c),
        }
    }
    out
}

/// A block of text as it is, in a fence that no line of it closes.
fn fenced(text: &str) -> String {
    let ticks = text.lines().map(|line| line.chars().take_while(|c| *c == '`').count()).max().unwrap_or(0);
    let fence = "`".repeat(ticks.max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", text.trim_end())
}

/// As actions/toolkit escapes the message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// As actions/toolkit escapes a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
