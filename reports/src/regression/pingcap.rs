//! The report in the two forms that PingCAP's CI reads: the problem cases of a run (PingCAP-QE/ci pull request 4853), and what
//! its weekly issues of flaky tests say (tidb 67420). A scenario file stands for a test binary, a cell for a test.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::Report;
use super::markdown::{code, text};
use super::standing::{Failure, Standing};
use crate::history::Cell;

/// Nights of the weekly form.
const WEEK: usize = 7;
/// Characters of a message.
const MESSAGE: usize = 200;

/// The problems of one test binary.
#[derive(Debug, Default, Serialize)]
struct Problems {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    new_flaky: Vec<Flaky>,
    /// Seconds; −1 for what never ended.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    long_time: BTreeMap<String, f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    crash: Vec<Crash>,
}

#[derive(Debug, Serialize)]
struct Flaky {
    name: String,
    reason: &'static str,
}

#[derive(Debug, Serialize)]
struct Crash {
    attempt: u64,
    cases: Vec<String>,
    panic: String,
}

/// The problem cases of the night: what failed in some runs or comes and goes is flaky, what failed in all of them a
/// crash, what missed its time takes long.
pub fn problem_cases(report: &Report) -> String {
    let mut files: BTreeMap<&str, Problems> = BTreeMap::new();
    for failure in
        report.failures.iter().filter(|failure| failure.bad > 0 && failure.standing != Standing::Fixed)
    {
        let problems = files.entry(&failure.cell.file).or_default();
        let name = failure.cell.to_string();
        let late = failure.what.starts_with("stuck") || failure.what.starts_with("slow");
        if late {
            problems.long_time.insert(name.clone(), seconds(report, failure));
        }
        if failure.standing == Standing::Flaky || failure.bad < failure.runs {
            problems.new_flaky.push(Flaky { name, reason: if late { "timeout" } else { "flaky" } });
        } else {
            let panic = failure.what.chars().take(MESSAGE).collect();
            problems.crash.push(Crash { attempt: failure.runs, cases: vec![name], panic });
        }
    }
    serde_json::to_string_pretty(&files).expect("every field is plain data") + "\n"
}

/// The median time of tonight; −1 for what was stuck.
fn seconds(report: &Report, failure: &Failure) -> f64 {
    if failure.what.starts_with("stuck") {
        return -1.0;
    }
    let place = report.cells.binary_search_by(|line| line.cell.cmp(&failure.cell));
    let point = place.ok().and_then(|place| report.cells[place].points.last());
    point.map_or(-1.0, |point| point.time_ms as f64 / 1000.0)
}

/// The last seven nights of every cell that failed in them, most often first, in Markdown.
pub fn weekly(report: &Report) -> String {
    let first = report.nights.len().saturating_sub(WEEK);
    let mut flaky: Vec<(&Cell, usize, usize, &str)> = vec![];
    for line in &report.cells {
        let week = || line.points.iter().filter(|point| point.night >= first);
        let bad = week().filter(|point| point.bad > 0);
        let late = week().filter(|point| point.time_ms > point.budget_ms).count();
        if let Some(last) = bad.clone().next_back() {
            flaky.push((&line.cell, bad.count(), late, &report.nights[last.night].night));
        }
    }
    flaky.sort_by_key(|(_, bad, ..)| std::cmp::Reverse(*bad));
    let mut out =
        String::from("| Case | Flaky Count | Time Thresholded Count | Latest Build |\n|---|---|---|---|\n");
    for (cell, bad, late, build) in flaky {
        let _infallible = writeln!(
            out,
            "| {} | {bad} | {late} | {} |",
            code(&cell.to_string()).replace('|', "/"),
            text(build)
        );
    }
    let date = |night: Option<&super::When>| night.map_or("none", |night| night.date.as_str()).to_owned();
    let (from, to) = (date(report.nights.get(first)), date(report.nights.last()));
    let _infallible = writeln!(out, "\nWindow: {from} → {to} (UTC)\nThreshold: the budget of each case");
    out
}
