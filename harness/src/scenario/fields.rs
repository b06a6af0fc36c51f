//! The values of a mapping, each checked as it is taken; every problem goes to one list.

use std::ops::Range;
use std::time::Duration;

use unstuck_record::Demand;

use super::diagnostic::Problem;
use super::keys::{self, Key, LeftOut, Shape};
use super::node::{Node, Value};
use super::period::{Period, Spread};
use super::suggest::{did_you_mean, list, nearest};
use super::units;

/// A mapping that is being read.
pub(crate) struct Fields<'a> {
    keys: &'static [Key],
    entries: Vec<(&'static Key, &'a Node, &'a Node)>,
    /// The keys that are probably misspelt ones of the table.
    misspelt: Vec<&'static str>,
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
            let message = format!("{what} must be a mapping, not {}", node.kind());
            let hint = format!("its keys are {}", keys::names(keys));
            problems.push(Problem::error(node.span.clone(), message).hint(hint));
            return None;
        };
        let place = map.first().map_or(node.span.clone(), |(key, _)| key.span.clone());
        let mut fields = Self { keys, entries: Vec::new(), misspelt: Vec::new(), place };
        let names: Vec<_> = keys.iter().map(|k| k.name).collect();
        for (key, value) in map {
            if let Some(known) = keys.iter().find(|k| key.scalar() == Some(k.name)) {
                fields.entries.push((known, key, value));
            } else {
                problems.push(unknown(key, what, keys));
                fields.misspelt.extend(key.scalar().and_then(|k| nearest(k, &names)));
            }
        }
        for missing in keys.iter().filter(|k| k.required() && !fields.mentions(k.name)) {
            let problem = Problem::error(fields.place(), format!("{what} has no `{}`", missing.name));
            problems.push(problem.hint(format!("add `{}: {}`", missing.name, missing.example)));
        }
        for (key, written, value) in &fields.entries {
            if key.required() && value.value == Value::Null {
                let problem = Problem::error(written.span.clone(), format!("`{}` is empty", key.name));
                problems.push(problem.hint(format!("write `{}: {}`", key.name, key.example)));
            }
        }
        Some(fields)
    }
    /// Whether a key has a value, or is misspelt (which has been reported).
    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.misspelt.contains(&name) || self.get(name).is_some()
    }
    /// Where the mapping begins.
    pub(crate) fn place(&self) -> Range<usize> {
        self.place.clone()
    }
    /// The keys that are there and are not carried out, each with a warning.
    pub(crate) fn left_out(&self, problems: &mut Vec<Problem>) -> Vec<&'static str> {
        let mut names = Vec::new();
        for (key, written, _) in &self.entries {
            let Shape::LeftOut(LeftOut { why, instead }) = key.shape else { continue };
            let message = format!("`{}` is not carried out: {why}", key.name);
            problems.push(Problem::warning(written.span.clone(), message).hint(instead));
            names.push(key.name);
        }
        names
    }
    /// The value of a key, `~` counting as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Node> {
        self.entries
            .iter()
            .find(|(k, ..)| k.name == name)
            .map(|(.., v)| *v)
            .filter(|v| v.value != Value::Null)
    }
    /// The place of a key itself.
    pub(crate) fn key(&self, name: &str) -> Range<usize> {
        self.entries.iter().find(|(k, ..)| k.name == name).map_or(self.place(), |(_, k, _)| k.span.clone())
    }
    /// A scalar as it was written.
    pub(crate) fn text(&self, name: &str, problems: &mut Vec<Problem>) -> Option<(&'a str, Range<usize>)> {
        let node = self.get(name)?;
        let Some(text) = node.scalar() else {
            let message = format!("`{name}` cannot be {}", node.kind());
            problems.push(Problem::error(node.span.clone(), message).hint(self.shape(name).hint()));
            return None;
        };
        Some((text, node.span.clone()))
    }
    fn shape(&self, name: &str) -> Shape {
        self.keys.iter().find(|k| k.name == name).map_or(Shape::Text, |k| k.shape)
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
    /// `1h30m`, or `10s..1m`
    pub(crate) fn spread(&self, name: &str, problems: &mut Vec<Problem>) -> Option<Spread> {
        let hint = |text: &str| if text.contains("..") { Shape::Spread.hint() } else { duration_hint(text) };
        self.parsed(name, problems, hint, Spread::parse)
    }
    /// `40%`, or a number
    pub(crate) fn amount(&self, name: &str, problems: &mut Vec<Problem>) -> Option<Demand> {
        self.parsed(name, problems, |_| Shape::Amount.hint(), units::amount)
    }
    /// `"@every 3m"`, or cron
    pub(crate) fn period(&self, name: &str, problems: &mut Vec<Problem>) -> Option<Period> {
        let hint = |text: &str| {
            if text.split_whitespace().count() > 2 {
                let fields = "minute, hour, day of the month, month, day of the week";
                return format!("cron has five fields ({fields}), as in `\"*/10 * * * *\"`");
            }
            let bare = text.trim_start_matches('@').trim_start_matches("every").trim();
            let bare = if units::duration(bare).is_ok() { bare } else { "3m" };
            format!("write `\"@every {bare}\"`")
        };
        self.parsed(name, problems, hint, Period::parse)
    }
    /// `16KiB`
    pub(crate) fn size(&self, name: &str, bounds: Range<u64>, problems: &mut Vec<Problem>) -> Option<u64> {
        self.parsed(
            name,
            problems,
            |_| Shape::Size.hint(),
            |text| {
                let size = units::size(text)?;
                if bounds.contains(&size) { Ok(size) } else { Err(format!("`{text}` is out of bounds")) }
            },
        )
    }
    /// A whole number within the bounds of its key.
    pub(crate) fn count(&self, name: &str, problems: &mut Vec<Problem>) -> Option<u32> {
        let shape = self.shape(name);
        let Shape::Count(low, high) = shape else { return None };
        self.parsed(name, problems, |_| shape.hint(), |text| whole(text, low, high))
    }
    /// A whole number from 1.
    pub(crate) fn number(&self, name: &str, problems: &mut Vec<Problem>) -> Option<u64> {
        let parse = |text: &str| match text.parse() {
            Ok(0) | Err(_) => Err(format!("`{}` is not a whole number from 1", shorten(text))),
            Ok(number) => Ok(number),
        };
        self.parsed(name, problems, |_| Shape::Number.hint(), parse)
    }
    /// A list of anything; empty if it is absent.
    pub(crate) fn list(&self, name: &str, problems: &mut Vec<Problem>) -> &'a [Node] {
        match self.get(name) {
            Some(Node { value: Value::List(items), .. }) => items,
            Some(other) => {
                let message = format!("`{name}` must be a list, not {}", other.kind());
                problems.push(Problem::error(other.span.clone(), message).hint(self.shape(name).hint()));
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
        Shape::Duration.hint()
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

fn unknown(key: &Node, what: &str, keys: &[Key]) -> Problem {
    let names: Vec<_> = keys.iter().map(|k| k.name).collect();
    let Some(name) = key.scalar() else {
        return Problem::error(key.span.clone(), format!("a key of {what} must be text, not {}", key.kind()))
            .hint(format!("its keys are {}", list(&names)));
    };
    if name == "<<" {
        return Problem::error(key.span.clone(), "merge keys are not supported").hint("write the keys out");
    }
    let hint = match (nearest(name, &names), keys::home(name)) {
        (None, Some(home)) => format!("it belongs to {home}"),
        _ => did_you_mean(name, &names),
    };
    Problem::error(key.span.clone(), format!("unknown key `{}` in {what}", shorten(name))).hint(hint)
}

/// Foreign text, short enough for a message.
pub(crate) fn shorten(text: &str) -> String {
    if text.chars().count() <= 80 {
        text.to_owned()
    } else {
        text.chars().take(77).chain("...".chars()).collect()
    }
}
