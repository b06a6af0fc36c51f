//! The page of a run: one file for one or many cases, for people. Verdicts first; for each case what happened when, drawn;
//! what is stuck, as a tree; what moved; the plan with what each fault touched; and the command that runs it again.
//!
//! * [`overview`]: the table of all cases
//! * [`case`]: the sections of one case
//! * [`tasks`]: what is stuck, and what moved
//! * [`chart`]: what the timeline draws, as data; [`curve`]: counters with few enough points, no extreme left out;
//!   [`events`]: what happened, in words
//! * `drawing.js` and `timeline.js` draw it when its case is opened; `page.js` opens cases and filters the table
//!
//! Everything in a record is text of others: it reaches the page cut to a length, cleaned and escaped, and the script puts
//! it there as text alone.

mod case;
mod chart;
mod curve;
mod events;
mod overview;
mod tasks;

use std::io::{self, Write};

use maud::html;
use unstuck_record::Verdict;
use unstuck_record::digest::Program;

use crate::batch::Ended;
use crate::dump;
use crate::shell::{Shell, theme_button};

const STYLE: &str = include_str!("page/page.css");
const DRAWING: &str = include_str!("page/drawing.js");
const TIMELINE: &str = include_str!("page/timeline.js");
const SCRIPT: &str = include_str!("page/page.js");

/// So many characters of a name.
const NAME: usize = 160;
/// So many of a sentence or a line.
const LINE: usize = 1_000;

/// One case of a page.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// How it ended.
    pub ended: Ended<'a>,
    /// The task dumps of its programs, as `unstuck_dump::programs` gives them.
    pub programs: &'a [Program],
}

/// Writes the page of `cases`. `commit` is what was tested, if anybody knows.
pub fn write<W: Write>(out: &mut W, cases: &[Case<'_>], commit: Option<&str>) -> io::Result<()> {
    let counts = overview::Counts::of(cases);
    let mut cases: Vec<&Case<'_>> = cases.iter().collect();
    cases.sort_by_key(|case| urgency(verdict(case)));
    let title = match cases.as_slice() {
        [one] => format!("{}: {}", counts.word(), one.ended.which().case),
        many => format!("{}: {} cases", counts.word(), many.len()),
    };
    let shell = Shell { title: &title, styles: &[dump::TASKS, STYLE], scripts: &[DRAWING, TIMELINE, SCRIPT] };
    shell.write(out, |out| {
        let head = html! {
            header.top {
                (overview::heading(cases.len(), &counts, commit))
                (theme_button())
            }
        };
        writeln!(out, "{}\n<main>", head.into_string())?;
        writeln!(out, "{}", overview::table(&cases, &counts).into_string())?;
        let spans = curve::spans(cases.len());
        for (index, case) in cases.iter().enumerate() {
            // the worst is what people come for
            let open = index == 0 && (cases.len() == 1 || verdict(case) == Some(Verdict::Fail));
            writeln!(out, "{}", case::section(index, case, open, spans).into_string())?;
        }
        write!(out, "</main>")
    })
}

fn verdict(case: &Case<'_>) -> Option<Verdict> {
    match case.ended {
        Ended::Judged { judgement, .. } => Some(judgement.verdict),
        Ended::Broken { .. } | Ended::NotRun(_) => None,
    }
}

/// Those that need somebody come first.
fn urgency(verdict: Option<Verdict>) -> u8 {
    match verdict {
        Some(Verdict::Fail) => 0,
        None => 1,
        Some(Verdict::Unknown) => 2,
        Some(Verdict::Pass) => 3,
    }
}

/// Milliseconds as part of a whole, in thousandths; never more than all of it.
fn thousandths(part: u64, whole: u64) -> u64 {
    (u128::from(part.min(whole)) * 1000 / u128::from(whole.max(1))) as u64
}
