//! The few colours of a report.

use unstuck_record::Verdict;

use super::{Style, case};

/// The verdict as its word, in its colour.
pub(super) fn verdict(style: Style, verdict: Verdict) -> String {
    let code = match verdict {
        Verdict::Pass => "32",
        Verdict::Fail => "31",
        Verdict::Unknown => "33",
    };
    paint(style, &format!("1;{code}"), case::verdict(verdict))
}

pub(crate) fn bold(style: Style, text: &str) -> String {
    paint(style, "1", text)
}

/// What somebody must act on.
pub(crate) fn bad(style: Style, text: &str) -> String {
    paint(style, "1;31", text)
}

/// What somebody must look at.
pub(crate) fn warn(style: Style, text: &str) -> String {
    paint(style, "1;33", text)
}

/// What is good news.
pub(crate) fn good(style: Style, text: &str) -> String {
    paint(style, "1;32", text)
}

fn paint(style: Style, code: &str, text: &str) -> String {
    if style.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}
