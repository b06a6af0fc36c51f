//! The values of a mapping, each checked as it is taken; every problem goes to one list.

use std::ops::Range;
use std::time::Duration;

use super::diagnostic::Problem;
use super::keys::{self, Key};
use super::node::{Node, Value};
use super::suggest::{did_you_mean, list, nearest};
use super::units;

/// A mapping that is being read.
pub(crate) struct Fields<'a> {
    entries: Vec<(&'static str, &'a Node, &'a Node)>,
    /// Where a missing key is reported: the mapping's first key.
    place: Range<usize>,
}

impl<'a> Fields<'a> {
    /// Takes the keys of the table `keys`; reports those that are unknown or missing. `None` if `node` is no mapping.
    pub(crate) fn of(
        node: &'a Node,
        what: &str,
        keys: &'static [Key],
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let Value::Map(map) = &node.value else {
            let names: Vec<_> = keys.iter().map(|k| k.name).collect();
            let message = format!("{what} must be a mapping, not {}", node.kind());
            problems.push(
                Problem::error(node.span.clone(), message).hint(format!("its keys are {}", list(&names))),
            );
            return None;
        };
        let mut entries = Vec::new();
        for (key, value) in map {
            match keys.iter().find(|k| key.scalar() == Some(k.name)) {
                Some(known) => entries.push((known.name, key, value)),
                None => problems.push(unknown(key, what, keys)),
            }
        }
        let place = map.first().map_or(node.span.clone(), |(key, _)| key.span.clone());
        for missing in keys.iter().filter(|k| k.required && !entries.iter().any(|(name, ..)| *name == k.name))
        {
            // A typo of the missing key has already been told.
            let typo =
                map.iter().any(|(key, _)| key.scalar().and_then(|k| nearest(k, &[missing.name])).is_some());
            if !typo {
                let message = format!("{what} has no `{}`", missing.name);
                problems.push(Problem::error(place.clone(), message).hint(missing.doc.replace("\\\"", "\"")));
            }
        }
        Some(Self { entries, place })
    }
    /// Where the mapping begins.
    pub(crate) fn place(&self) -> Range<usize> {
        self.place.clone()
    }
    /// The value of a key, `~` counting as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Node> {
        self.entries.iter().find(|(n, ..)| *n == name).map(|(.., v)| *v).filter(|v| v.value != Value::Null)
    }
    /// The place of a key itself.
    pub(crate) fn key(&self, name: &str) -> Range<usize> {
        self.entries.iter().find(|(n, ..)| *n == name).map_or(self.place(), |(_, k, _)| k.span.clone())
    }
    /// A scalar as it was written.
    pub(crate) fn text(&self, name: &str, problems: &mut Vec<Problem>) -> Option<(&'a str, Range<usize>)> {
        let node = self.get(name)?;
        match node.scalar() {
            Some(text) => Some((text, node.span.clone())),
            None => {
                problems.push(Problem::error(
                    node.span.clone(),
                    format!("`{name}` must be text, not {}", node.kind()),
                ));
                None
            }
        }
    }
    /// What `parse` makes of a scalar; `example` is the hint where it refuses.
    fn parsed<T>(
        &self,
        name: &str,
        problems: &mut Vec<Problem>,
        example: impl Fn(&str) -> String,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let (text, span) = self.text(name, problems)?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(message) => {
                problems.push(Problem::error(span, format!("`{name}`: {message}")).hint(example(text)));
                None
            }
        }
    }
    /// `1h30m`
    pub(crate) fn duration(&self, name: &str, problems: &mut Vec<Problem>) -> Option<Duration> {
        self.parsed(name, problems, duration_hint, units::duration)
    }
    /// `"@every 3m"`
    pub(crate) fn every(&self, name: &str, problems: &mut Vec<Problem>) -> Option<Duration> {
        let hint = |text: &str| {
            let bare = text.trim_start_matches('@').trim_start_matches("every").trim();
            let bare = if units::duration(bare).is_ok() { bare } else { "3m" };
            format!("write `\"@every {bare}\"`")
        };
        self.parsed(name, problems, hint, |text| {
            let rest = text.strip_prefix("@every ").ok_or_else(|| format!("`{text}` is not a period"))?;
            match units::duration(rest.trim()) {
                Ok(Duration::ZERO) => Err("the period is zero".into()),
                other => other,
            }
        })
    }
    /// `16KiB`
    pub(crate) fn size(&self, name: &str, bounds: Range<u64>, problems: &mut Vec<Problem>) -> Option<u64> {
        self.parsed(
            name,
            problems,
            |_| "write a size such as `16KiB` or `1MiB`".into(),
            |text| {
                let size = units::size(text)?;
                if bounds.contains(&size) { Ok(size) } else { Err(format!("`{text}` is out of bounds")) }
            },
        )
    }
    /// A whole number within the bounds of its key.
    pub(crate) fn count(&self, name: &str, keys: &[Key], problems: &mut Vec<Problem>) -> Option<u32> {
        let (low, high) = bounds(name, keys);
        let hint = |_: &str| format!("write a whole number from {low} to {high}");
        self.parsed(name, problems, hint, |text| whole(text, low, high))
    }
    /// A list of anything; empty if it is absent.
    pub(crate) fn list(&self, name: &str, problems: &mut Vec<Problem>) -> &'a [Node] {
        match self.get(name) {
            Some(Node { value: Value::List(items), .. }) => items,
            Some(other) => {
                let message = format!("`{name}` must be a list, not {}", other.kind());
                problems.push(Problem::error(other.span.clone(), message).hint("each item begins with `- `"));
                &[]
            }
            None => &[],
        }
    }
    /// One of a few words.
    pub(crate) fn word(
        &self,
        name: &str,
        words: &[&'static str],
        problems: &mut Vec<Problem>,
    ) -> Option<&'static str> {
        self.parsed(
            name,
            problems,
            |text| did_you_mean(text, words),
            |text| {
                words
                    .iter()
                    .find(|w| **w == text)
                    .copied()
                    .ok_or_else(|| format!("`{text}` is none of the choices"))
            },
        )
    }
}

/// What to write instead of a text that is no duration.
pub(crate) fn duration_hint(text: &str) -> String {
    if !text.is_empty() && text.len() < 9 && text.bytes().all(|b| b.is_ascii_digit()) {
        format!("write the unit: `{text}s` or `{text}m`")
    } else {
        "write a duration such as `90s`, `1h30m` or `250ms`".into()
    }
}

/// A whole number within bounds.
pub(crate) fn whole(text: &str, low: u32, high: u32) -> Result<u32, String> {
    match text.parse() {
        Ok(n) if (low..=high).contains(&n) => Ok(n),
        Ok(_) => Err(format!("`{text}` is out of bounds")),
        Err(_) => Err(format!("`{text}` is not a whole number in bounds")),
    }
}

fn bounds(name: &str, keys: &[Key]) -> (u32, u32) {
    match keys.iter().find(|k| k.name == name).map(|k| k.shape) {
        Some(keys::Shape::Count(low, high)) => (low, high),
        _ => (0, u32::MAX),
    }
}

fn unknown(key: &Node, what: &str, keys: &[Key]) -> Problem {
    let names: Vec<_> = keys.iter().map(|k| k.name).collect();
    let Some(name) = key.scalar() else {
        return Problem::error(key.span.clone(), format!("a key of {what} must be text, not {}", key.kind()));
    };
    if keys::NOT_YET.contains(&name) {
        return Problem::error(key.span.clone(), format!("key `{name}` is known but not supported yet"))
            .hint(format!("take it out; {what} takes {}", list(&names)));
    }
    if name == "<<" {
        return Problem::error(key.span.clone(), "merge keys are not supported").hint("write the keys out");
    }
    Problem::error(key.span.clone(), format!("unknown key `{}` in {what}", shorten(name)))
        .hint(did_you_mean(name, &names))
}

/// Foreign text, short enough for a message.
pub(crate) fn shorten(text: &str) -> String {
    if text.chars().count() <= 80 {
        text.to_owned()
    } else {
        text.chars().take(77).chain("...".chars()).collect()
    }
}
