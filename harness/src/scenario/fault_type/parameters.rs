//! A fault type's parameters as they are written, each checked as it is taken: `word(k:v,k:v)` or `{word: {k: v}}`.

use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use super::super::diagnostic::Problem;
use super::super::fields::{duration_hint, shorten};
use super::super::node::{Node, Value};
use super::super::suggest::did_you_mean;
use super::super::units;
use super::words::Word;
use super::{DIRECTIONS, Direction};

/// A parameter as written.
#[derive(Clone)]
pub(super) struct Parameter {
    name: String,
    pub(super) value: String,
    pub(super) span: Range<usize>,
}

/// The word as written, its place, its parameters.
pub(super) type Written = (String, Range<usize>, Vec<Parameter>);

/// The parameters of one fault type.
pub(super) struct Parameters<'p> {
    pub(super) word: &'static Word,
    /// Of the word.
    pub(super) span: Range<usize>,
    pub(super) given: Vec<Parameter>,
    /// The case's own `direction`, and its place.
    pub(super) way: Option<(Direction, Range<usize>)>,
    pub(super) problems: &'p mut Vec<Problem>,
}

/// Takes a fault type apart, whichever of the forms it has.
pub(super) fn written(node: &Node, problems: &mut Vec<Problem>) -> Option<Written> {
    match &node.value {
        Value::Text(text) | Value::Plain(text) => inline(text, &node.span, problems),
        Value::Map(entries) if entries.len() == 1 => {
            let (key, value) = &entries[0];
            let parameters = match &value.value {
                Value::Map(parameters) => {
                    parameters.iter().map(|(k, v)| named(k, v, problems)).collect::<Option<_>>()?
                }
                Value::Null => Vec::new(),
                _ => {
                    let message = format!("the parameters must be a mapping, not {}", value.kind());
                    problems.push(
                        Problem::error(value.span.clone(), message)
                            .hint("as in `{stall_read: {then: reset}}`"),
                    );
                    return None;
                }
            };
            Some((key.scalar().unwrap_or_default().to_owned(), key.span.clone(), parameters))
        }
        _ => {
            let message = format!("`faultType` must be one fault type, not {}", node.kind());
            problems.push(
                Problem::error(node.span.clone(), message)
                    .hint("as in `failure`, or `{stall_read: {then: reset}}`"),
            );
            None
        }
    }
}

/// `word(k:v,k:v)`, QA's form.
fn inline(text: &str, span: &Range<usize>, problems: &mut Vec<Problem>) -> Option<Written> {
    // In quotes the span is longer than the text.
    let at = span.start + (span.len().saturating_sub(text.len())) / 2;
    let Some(open) = text.find('(') else { return Some((text.to_owned(), span.clone(), Vec::new())) };
    let name = text[..open].to_owned();
    let Some(inner) = text[open + 1..].strip_suffix(')') else {
        let problem = Problem::error(span.clone(), "the bracket is not closed");
        problems.push(problem.hint("write `type(key:value,key:value)`"));
        return None;
    };
    let mut parameters = Vec::new();
    let mut from = at + open + 1;
    for part in inner.split(',') {
        let span = from..from + part.len();
        from += part.len() + 1;
        if part.trim().is_empty() && inner.trim().is_empty() {
            continue;
        }
        let Some((name, value)) = part.split_once(':') else {
            let problem = Problem::error(span, format!("`{}` is not a parameter", shorten(part.trim())));
            problems.push(problem.hint("write `type(key:value,key:value)`"));
            return None;
        };
        parameters.push(Parameter { name: name.trim().to_owned(), value: value.trim().to_owned(), span });
    }
    Some((name, at..at + open, parameters))
}

/// One entry of the mapping form.
fn named(key: &Node, value: &Node, problems: &mut Vec<Problem>) -> Option<Parameter> {
    let (Some(name), Some(text)) = (key.scalar(), value.scalar()) else {
        let message = format!("a parameter must be a scalar, not {}", value.kind());
        problems
            .push(Problem::error(value.span.clone(), message).hint("as in `{stall_read: {then: reset}}`"));
        return None;
    };
    Some(Parameter { name: name.to_owned(), value: text.to_owned(), span: key.span.start..value.span.end })
}

impl Parameters<'_> {
    pub(super) fn refuse_unknown(&mut self) {
        for (i, p) in self.given.iter().enumerate() {
            let name = shorten(&p.name);
            if !self.word.parameters.contains(&p.name.as_str()) {
                let hint = match self.word.parameters {
                    [] => format!("`{}` takes none", self.word.name),
                    some => did_you_mean(&p.name, some),
                };
                let message = format!("`{}` has no parameter `{name}`", self.word.name);
                self.problems.push(Problem::error(p.span.clone(), message).hint(hint));
            } else if self.given[..i].iter().any(|q| q.name == p.name) {
                self.problems.push(
                    Problem::error(p.span.clone(), format!("parameter `{name}` is given twice"))
                        .hint("give it once"),
                );
            }
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<Parameter> {
        self.given.iter().find(|p| p.name == name).cloned()
    }

    /// What `read` makes of a parameter, if it is given; `hint` tells how it is written.
    pub(super) fn parsed<T, E: Display>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
        hint: impl FnOnce(&str) -> String,
    ) -> Option<T> {
        let p = self.find(name)?;
        match read(&p.value) {
            Ok(value) => Some(value),
            Err(message) => {
                let problem = Problem::error(p.span, format!("`{name}`: {message}"));
                self.problems.push(problem.hint(hint(&p.value)));
                None
            }
        }
    }

    /// Takes a parameter that the word makes no sense without.
    pub(super) fn required<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self, &str) -> Option<T>,
    ) -> Option<T> {
        if self.find(name).is_none() {
            // one that is misspelt has been told
            let known = |p: &Parameter| self.word.parameters.contains(&p.name.as_str());
            if self.given.iter().all(known) {
                let message = format!("`{}` has no `{name}`", self.word.name);
                let hint = format!("as in `{}`", self.word.example);
                self.problems.push(Problem::error(self.span.clone(), message).hint(hint));
            }
            return None;
        }
        read(self, name)
    }

    pub(super) fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)], default: T) -> T {
        let Some(p) = self.find(name) else { return default };
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == p.value) {
            return *value;
        }
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        let problem = Problem::error(p.span, format!("`{name}` cannot be `{}`", shorten(&p.value)));
        self.problems.push(problem.hint(did_you_mean(&p.value, &words)));
        default
    }

    pub(super) fn direction(&mut self, default: Direction) -> Direction {
        let Some((way, span)) = self.way.clone() else {
            return self.choice("direction", &DIRECTIONS, default);
        };
        if self.choice("direction", &DIRECTIONS, way) != way {
            let problem = Problem::error(span, "the case has two directions");
            self.problems.push(problem.hint("say it once, here or in the brackets of the fault type"));
        }
        way
    }

    pub(super) fn duration(&mut self, name: &str) -> Option<Duration> {
        self.parsed(name, units::duration, duration_hint)
    }

    /// 0 to 1.
    pub(super) fn share(&mut self, name: &str) -> Option<f64> {
        self.parsed(name, units::share, |_| "write a share from `0%` to `100%`".to_owned())
    }

    /// Bytes.
    pub(super) fn size(&mut self, name: &str) -> Option<u64> {
        self.parsed(name, units::size, |_| "write a size such as `16KiB` or `1MiB`".to_owned())
    }

    /// Bytes a second.
    pub(super) fn rate(&mut self, name: &str) -> Option<u64> {
        let hint = "write a rate such as `1MiB/s`, `500KB/s`, or `1mbps` as Chaos Mesh has it (1 MiB/s)";
        self.parsed(name, units::rate, |_| hint.to_owned())
    }

    /// A whole number.
    pub(super) fn number<T: FromStr>(&mut self, name: &str) -> Option<T> {
        let read = |text: &str| text.parse().map_err(|_| format!("`{}` is no such number", shorten(text)));
        self.parsed(name, read, |_| format!("write a whole number, as in `{name}:3`"))
    }
}
