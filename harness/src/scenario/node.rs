//! The document as it was written: a tree in which every value knows its place.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Error, Spanned, UserMessageFormatter};

use super::diagnostic::{Diagnostics, Problem};

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// Bytes of the source. Of a list or mapping: where it begins.
    pub(crate) span: Range<usize>,
    /// What stands there.
    pub(crate) value: Value,
}

/// What stands at a place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// A number or a boolean, as written.
    Plain(String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file; no key twice.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// The scalar's text, as written.
    pub(crate) fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Plain(text) | Value::Text(text) => Some(text),
            _ => None,
        }
    }
    /// What stands here, in a word.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Plain(text) if matches!(text.as_str(), "true" | "false") => "a boolean",
            Value::Plain(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
    /// Moves every place: what was read is a part of a larger source.
    fn shift(&mut self, by: usize) {
        self.span = self.span.start + by..self.span.end + by;
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.shift(by)),
            Value::Map(entries) => {
                for (key, value) in entries {
                    key.shift(by);
                    value.shift(by);
                }
            }
            Value::Null | Value::Plain(_) | Value::Text(_) => {}
        }
    }
    /// Numbers and booleans get the text as it was written (`1.50`, `0x10`, `yes`), which serde does not keep.
    fn restore(&mut self, source: &str) {
        match &mut self.value {
            Value::Plain(text) => {
                if let Some(written) = source.get(self.span.clone()).map(str::trim).filter(|t| !t.is_empty())
                {
                    written.clone_into(text);
                }
            }
            Value::List(items) => {
                for item in items {
                    item.restore(source);
                }
            }
            Value::Map(entries) => {
                for (key, value) in entries {
                    key.restore(source);
                    value.restore(source);
                }
            }
            Value::Null | Value::Text(_) => {}
        }
    }
}

/// Parses one document, within limits that no honest scenario meets.
///
/// # Errors
/// The first thing that is not YAML, or that exceeds a limit.
pub(crate) fn parse(file: &str, source: &str) -> Result<Node, Diagnostics> {
    document(source).map_err(|problem| Diagnostics::new(file, source, vec![problem]))
}

/// Parses a document that stands in a part of the source; places are those in the whole.
///
/// # Errors
/// The first thing that is not YAML, or that exceeds a limit.
pub(crate) fn parse_part(source: &str, part: Range<usize>) -> Result<Node, Problem> {
    let by = part.start;
    let mut node = document(&source[part]).map_err(|problem| {
        let span = problem.span.start + by..problem.span.end + by;
        Problem { span, ..problem }
    })?;
    node.shift(by);
    Ok(node)
}

fn document(source: &str) -> Result<Node, Problem> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 24,
            flow_nesting_limit: 24,
            max_events: 100_000,
            max_nodes: 50_000,
            max_aliases: 200,
            max_anchors: 200,
            max_recorded_anchor_events: 50_000,
            max_documents: 2,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 10_000,
            max_replay_stack_depth: 4,
            max_alias_expansions_per_anchor: 200,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::AsOrdinary,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        strict_booleans: true,
        with_snippet: false,
    };
    let mut root: Node =
        serde_saphyr::from_str_with_options(source, options).map_err(|error| syntax(&error, source))?;
    root.restore(source);
    Ok(root)
}

/// What the parser says, in our form.
fn syntax(error: &Error, source: &str) -> Problem {
    let error = match error.without_snippet() {
        Error::AliasError { error, .. } => error.without_snippet(),
        other => other,
    };
    let at = error.location().map_or(0..0, |location| {
        let span = location.span();
        match (span.byte_offset(), span.byte_len()) {
            (Some(start), Some(len)) => start as usize..(start + len) as usize,
            _ => offset(source, location.line(), location.column()),
        }
    });
    let rendered = error.render_with_formatter(&UserMessageFormatter);
    let message = rendered.lines().next().unwrap_or_default();
    let message =
        message.rsplit_once(" at line ").map_or(message, |(text, _)| text).trim_end_matches(['.', ':', ',']);
    let problem = Problem::error(at.clone(), format!("not valid YAML: {message}"));
    let line_start = source.get(..at.start).and_then(|s| s.rfind('\n')).map_or(0, |i| i + 1);
    let indentation: &str =
        source[line_start..].split(|c: char| c != ' ' && c != '\t').next().unwrap_or_default();
    let line = source[line_start..].lines().next().unwrap_or_default();
    match error {
        _ if indentation.contains('\t') => {
            let tab = line_start + indentation.find('\t').unwrap_or_default();
            Problem { span: tab..tab + 1, ..problem }.hint("indent with spaces: YAML does not take tabs")
        }
        _ if line.contains(": @") || line.contains(": %") || line.contains(": `") => {
            problem.hint("put the value in quotes, as in `period: \"@every 3m\"`")
        }
        Error::DuplicateMappingKey { .. } => {
            let key = source.get(at).unwrap_or_default();
            Problem { message: format!("key `{key}` is given twice"), ..problem }.hint("give each key once")
        }
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. } => Problem {
            message: "the document is too large, too deep, or repeats itself too often".into(),
            ..problem
        }
        .hint("no scenario is that large or that deep"),
        Error::MultipleDocuments { .. } => problem.hint("one file holds one document: take out `---`"),
        _ => problem.hint("look at the brackets, quotes and indentation of this line and of the one above"),
    }
}

/// The byte at a line and a column (both from 1, in characters).
fn offset(source: &str, line: u64, column: u64) -> Range<usize> {
    let start =
        source.split_inclusive('\n').take((line as usize).saturating_sub(1)).map(str::len).sum::<usize>();
    let rest = source.get(start..).unwrap_or_default();
    let within = rest.char_indices().nth((column as usize).saturating_sub(1)).map_or(0, |(i, _)| i);
    start + within..start + within
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, defined, .. } = Spanned::<Value>::deserialize(deserializer)?;
        let span = defined.span();
        let start = span.byte_offset().unwrap_or_default() as usize;
        Ok(Self { span: start..start + span.byte_len().unwrap_or_default() as usize, value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Plain(v.to_string()))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Plain(v.to_string()))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(Value::Plain(v.to_string()))
    }
    fn visit_i128<E>(self, v: i128) -> Result<Value, E> {
        Ok(Value::Plain(v.to_string()))
    }
    fn visit_u128<E>(self, v: u128) -> Result<Value, E> {
        Ok(Value::Plain(v.to_string()))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Value::Plain(v.to_string()))
    }
    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::Text(v.to_owned()))
    }
    fn visit_bytes<E>(self, v: &[u8]) -> Result<Value, E> {
        Ok(Value::Text(String::from_utf8_lossy(v).into_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Value::Map(entries))
    }
}
