//! `JUnit` XML in the dialect that Jenkins and `cargo-nextest` agree on.
//!
//! One suite a scenario file, one test case a case, client, world and seed. A case that failed is a `failure`; one whose
//! fault touched nothing, and one that the harness could not run, is an `error`; one that nobody began is `skipped`. What a
//! terminal shows of a failed case is its text, the last task dump its `system-out`. Whatever a client printed, the XML
//! is valid: characters that XML forbids are shown by their code.

use std::collections::BTreeMap;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use unstuck_record::{EndReason, Judgement, Run, Verdict};

use crate::batch::{Ended, Which};
use crate::dump;
use crate::terminal::{self, Aside, Style};
use crate::text::clean;

/// Bytes of a task dump that go into the report; all of it lies beside the record.
const DUMP: usize = 256 << 10;

/// The report. `commit` is what was tested, if anybody knows.
pub fn xml(cases: &[Ended<'_>], commit: Option<&str>) -> String {
    let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
    for case in cases {
        let file = case.which().file;
        let suite = suites.entry(file).or_insert_with(|| TestSuite::new(clean(file)));
        suite.add_test_case(test_case(case, commit));
    }
    let mut report = Report::new("unstuck");
    for (_, mut suite) in suites {
        suite.set_time(suite.test_cases.iter().filter_map(|case| case.time).sum());
        report.add_test_suite(suite);
    }
    report.set_time(report.test_suites.iter().filter_map(|suite| suite.time).sum());
    report.to_string().expect("XML in memory, of strings that are made valid")
}

fn test_case(case: &Ended<'_>, commit: Option<&str>) -> TestCase {
    let which = case.which();
    let mut junit = TestCase::new(clean(&name(which)), status(case));
    junit.set_classname(clean(which.file.trim_end_matches(".yaml")));
    let seed = which.seed.to_string();
    let mut properties = vec![("seed", seed), ("unstuck", env!("CARGO_PKG_VERSION").to_owned())];
    properties.extend(commit.map(|commit| ("commit", clean(commit))));
    if let Ended::Judged { run, judgement, aside } = case {
        junit.set_time(Duration::from_millis(aside.wall_ms.unwrap_or(0)));
        properties.extend(of_run(run, judgement, aside));
        if judgement.verdict != Verdict::Pass
            && let Some(text) = last_dump(run)
        {
            junit.set_system_out(text);
        }
    }
    junit.properties.extend(properties.into_iter().map(|(name, value)| Property::new(name, value)));
    junit
}

fn name(which: Which<'_>) -> String {
    format!("{} [{}, {}, seed {}]", which.case, which.client, which.world, which.seed)
}

fn status(case: &Ended<'_>) -> TestCaseStatus {
    let non_success = |kind, type_: &str, message: String, text: String| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_type(type_).set_message(message).set_description(text);
        status
    };
    match case {
        Ended::Judged { judgement, .. } if judgement.verdict == Verdict::Pass => TestCaseStatus::success(),
        Ended::Judged { run, judgement, aside } => {
            let kind = match judgement.verdict {
                Verdict::Unknown => NonSuccessKind::Error,
                Verdict::Pass | Verdict::Fail => NonSuccessKind::Failure,
            };
            let outcome = terminal::outcome(judgement.outcome);
            let text = terminal::case(run, judgement, *aside, Style::default());
            non_success(kind, outcome, clean(&judgement.reason), text)
        }
        Ended::Broken { error, .. } => {
            non_success(NonSuccessKind::Error, "harness", clean(error), String::new())
        }
        Ended::NotRun(_) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message("interrupted before it began");
            status
        }
    }
}

fn of_run(run: &Run, judgement: &Judgement, aside: &Aside<'_>) -> Vec<(&'static str, String)> {
    let header = &run.header;
    let mut properties = vec![
        ("client", clean(&header.client)),
        ("world", clean(&header.world)),
        ("scale", header.scale.to_string()),
        ("tokioUnstable", header.tokio_unstable.to_string()),
        ("outcome", terminal::outcome(judgement.outcome).to_owned()),
        ("budgetMs", judgement.budget_ms.to_string()),
        ("virtualMs", terminal::end_ms(run).to_string()),
        ("runAgain", terminal::again(run)),
    ];
    for fault in 0..header.plan.len() {
        properties.push(("fault", clean(&terminal::planned(run, fault))));
    }
    properties.extend(aside.record.map(|record| ("record", clean(record))));
    properties
}

/// The last dump of a client that did not end by itself, as far as it fits.
fn last_dump(run: &Run) -> Option<String> {
    let ended = run.end.as_ref().is_some_and(|end| end.reason == EndReason::ClientEnded);
    let mut text = dump::go(run.dumps.last().filter(|_| !ended)?);
    if text.len() > DUMP {
        // whole tasks: an empty line ends each
        let end = text.as_bytes()[..DUMP].windows(2).rposition(|two| two == b"\n\n").map_or(0, |end| end + 2);
        text.truncate(end);
        text.push_str("... the rest lies beside the record\n");
    }
    Some(text)
}
