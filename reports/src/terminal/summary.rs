//! Many cases: a line each, and the count.

use std::fmt::Write as _;

use unstuck_record::{Judgement, Run, Verdict};

use super::{Style, case, colour};
use crate::text::clean;

/// A line for each case, then `3 passed, 1 failed, 0 unknown`.
pub fn summary<'a>(cases: impl IntoIterator<Item = (&'a Run, &'a Judgement)>, style: Style) -> String {
    let mut out = String::new();
    let (mut passed, mut failed, mut unknown) = (0_u64, 0_u64, 0_u64);
    for (run, judgement) in cases {
        match judgement.verdict {
            Verdict::Pass => passed += 1,
            Verdict::Fail => failed += 1,
            Verdict::Unknown => unknown += 1,
        }
        let header = &run.header;
        let line = format!(
            "{} {} (seed {}): {}",
            clean(&header.client),
            clean(&header.case),
            header.seed,
            short(judgement)
        );
        let padding = if judgement.verdict == Verdict::Unknown { "" } else { "   " };
        let _infallible = writeln!(out, "{}{padding} {line}", colour::verdict(style, judgement.verdict));
    }
    let _infallible = writeln!(out, "{passed} passed, {failed} failed, {unknown} unknown");
    out
}

/// `stuck, hang at NewStream/quota`
fn short(judgement: &Judgement) -> String {
    let outcome = case::outcome(judgement.outcome);
    let Some(first) = judgement.findings.first() else { return outcome.to_owned() };
    let site = first.wait_site.as_deref().map_or(String::new(), |site| format!(" at {}", clean(site)));
    format!("{outcome}, {}{site}", case::kind(first.kind))
}
