//! What is wrong with a file: every problem with its place, a caret and the way out.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, renderer::DecorStyle};

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// It can be used, and probably does not say what its author means.
    Warning,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad.
    pub severity: Severity,
    /// A lowercase fragment that names the thing in backticks.
    pub message: String,
    /// Bytes of the source.
    pub span: Range<usize>,
    /// A word or two at the caret; may be empty.
    pub label: String,
    /// The fix.
    pub hint: Option<String>,
}

impl Problem {
    /// An error at `span`.
    pub fn error(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, message: message.into(), span, label: String::new(), hint: None }
    }
    /// A warning at `span`.
    pub fn warning(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(span, message) }
    }
    /// Says a word or two at the caret.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }
    /// Gives the fix.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A file with more problems than this is something else than a scenario.
const MOST_SHOWN: usize = 50;

/// The problems of one file, by place. Displays as rustc shows its own, without colour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    /// The file, as given.
    pub file: String,
    /// Its text; empty if it could not be read as text.
    pub source: String,
    /// By place, errors before warnings at the same place.
    pub problems: Vec<Problem>,
}

impl Diagnostics {
    /// Sorts what was found in `source`, and drops what was said twice.
    pub fn new(file: &str, source: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|p| (p.span.start, p.severity));
        problems.dedup();
        Self { file: file.to_owned(), source: source.to_owned(), problems }
    }
    /// How many of the problems are errors.
    pub fn errors(&self) -> usize {
        self.problems.iter().filter(|p| p.severity == Severity::Error).count()
    }
    /// How many of the problems are warnings.
    pub fn warnings(&self) -> usize {
        self.problems.len() - self.errors()
    }
    /// Line and column of a byte, both from 1; columns count characters.
    pub fn position(&self, byte: usize) -> (usize, usize) {
        position(&self.source, byte)
    }
    /// All problems with their carets; `colour` for terminals only.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let mut shown = Vec::new();
        for problem in self.problems.iter().take(MOST_SHOWN) {
            let level = match problem.severity {
                Severity::Error => Level::ERROR,
                Severity::Warning => Level::WARNING,
            };
            let mut annotation = AnnotationKind::Primary.span(clamp(&self.source, &problem.span));
            if !problem.label.is_empty() {
                annotation = annotation.label(problem.label.as_str());
            }
            let snippet = Snippet::source(self.source.as_str()).path(self.file.as_str());
            let mut group =
                level.primary_title(problem.message.as_str()).element(snippet.annotation(annotation));
            if let Some(hint) = &problem.hint {
                group = group.element(Level::HELP.message(hint.as_str()));
            }
            let report: [Group<'_>; 1] = [group];
            shown.push(renderer.render(&report));
        }
        if self.problems.len() > MOST_SHOWN {
            shown.push(format!("and {} more", self.problems.len() - MOST_SHOWN));
        }
        shown.join("\n\n")
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

/// Line and column of a byte, both from 1; columns count characters.
pub(crate) fn position(source: &str, byte: usize) -> (usize, usize) {
    let before = &source[..floor(source, byte)];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    (line, before[start..].chars().count() + 1)
}

/// The nearest character boundary at or before `byte`.
fn floor(source: &str, byte: usize) -> usize {
    let mut at = byte.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A span that lies in the source, on one line, and covers a character where there is one.
fn clamp(source: &str, span: &Range<usize>) -> Range<usize> {
    let start = floor(source, span.start);
    let line_end = source[start..].find('\n').map_or(source.len(), |i| start + i);
    let end = floor(source, span.end).clamp(start, line_end);
    let width = source[start..].chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
    start..end.max(start + width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_outside_the_source_is_shown_at_its_end() {
        let d = Diagnostics::new("f", "ab\nä", vec![Problem::error(90..99, "late")]);
        assert!(d.render(false).contains("--> f:2:2"), "{d}");
        assert_eq!(d.position(4), (2, 1), "inside a character counts as at its start");
    }

    #[test]
    fn problems_are_in_the_order_of_the_file_and_told_once() {
        let twice = Problem::error(1..2, "b");
        let d = Diagnostics::new("f", "abc", vec![twice.clone(), Problem::warning(0..1, "a"), twice]);
        assert_eq!(d.problems.iter().map(|p| p.message.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((d.errors(), d.warnings()), (1, 1));
    }

    #[test]
    fn colour_is_off_unless_asked_for() {
        let d = Diagnostics::new("f", "abc", vec![Problem::error(0..1, "a")]);
        assert!(!d.to_string().contains('\u{1b}'));
        assert!(d.render(true).contains('\u{1b}'));
    }
}
