//! The few colours of a report.

use unstuck_record::Verdict;

use super::Style;

/// The verdict as its word, in its colour.
pub(super) fn verdict(style: Style, verdict: Verdict) -> String {
    let (word, code) = match verdict {
        Verdict::Pass => ("PASS", "32"),
        Verdict::Fail => ("FAIL", "31"),
        Verdict::Unknown => ("UNKNOWN", "33"),
    };
    paint(style, &format!("1;{code}"), word)
}

pub(crate) fn bold(style: Style, text: &str) -> String {
    paint(style, "1", text)
}

fn paint(style: Style, code: &str, text: &str) -> String {
    if style.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}
