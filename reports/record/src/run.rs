//! Reading and writing records.

use crate::{At, End, Event, Header, Judgement, Line, Sample, TaskDump, VERSION};

/// A record read back. What was cut off by a crash is simply missing: `end` and `judgement` are then `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The first line.
    pub header: Header,
    /// What happened, in order.
    pub events: Vec<At<Event>>,
    /// Counters, in order.
    pub samples: Vec<Sample>,
    /// Dumps, in order.
    pub dumps: Vec<TaskDump>,
    /// The end, if the run got there.
    pub end: Option<End>,
    /// The judgement, if it was written.
    pub judgement: Option<Judgement>,
}

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nothing, or not a header, in the first line.
    #[error("line 1 is not a record's header: {0}")]
    NoHeader(String),
    /// A version of the format that is not ours.
    #[error("record version {found}, this build reads version {VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// A line in the middle is broken (a broken last line is a crash, and is dropped).
    #[error("line {line}: {reason}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}

impl Line {
    /// The line as it stands in the file, without the newline.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("every field of a record is plain data")
    }
}

impl Run {
    /// A run that has only begun.
    pub fn new(header: Header) -> Self {
        Self { header, events: vec![], samples: vec![], dumps: vec![], end: None, judgement: None }
    }

    /// Takes up one more line. A second header is ignored; a later judgement replaces an earlier one.
    pub fn push(&mut self, line: Line) {
        match line {
            Line::Header(_) => {}
            Line::Event(event) => {
                if let Event::FaultMoved { fault, links, nodes } = &event.what
                    && let Some(planned) = self.header.plan.get_mut(*fault)
                {
                    (planned.links, planned.nodes) = (links.clone(), nodes.clone());
                }
                self.events.push(event);
            }
            Line::Sample(sample) => self.samples.push(sample),
            Line::Dump(dump) => self.dumps.push(dump),
            Line::End(end) => self.end = Some(end),
            Line::Judgement(judgement) => self.judgement = Some(judgement),
        }
    }

    /// Reads a record as it lies in a file. A crash may cut a line inside a character, so what is not UTF-8 is
    /// replaced: in the last line it is dropped with it, elsewhere it can only stand in foreign text.
    pub fn parse_bytes(bytes: &[u8]) -> Result<Self, ReadError> {
        Self::parse(&String::from_utf8_lossy(bytes))
    }

    /// Reads a record. A last line that a crash cut in half is dropped.
    pub fn parse(text: &str) -> Result<Self, ReadError> {
        let mut lines = text.lines().enumerate().peekable();
        let (_, first) = lines.next().ok_or_else(|| ReadError::NoHeader("the file is empty".into()))?;
        let header = match serde_json::from_str(first) {
            Ok(Line::Header(header)) => header,
            Ok(_) => return Err(ReadError::NoHeader("another kind of line comes first".into())),
            Err(error) => return Err(version_error(first).unwrap_or(ReadError::NoHeader(error.to_string()))),
        };
        if header.version != VERSION {
            return Err(ReadError::Version { found: header.version });
        }
        let mut run = Self::new(header);
        while let Some((index, text)) = lines.next() {
            match serde_json::from_str(text) {
                Ok(line) => run.push(line),
                Err(_) if lines.peek().is_none() => {}
                Err(error) => return Err(ReadError::Line { line: index + 1, reason: error.to_string() }),
            }
        }
        Ok(run)
    }
}

/// A header of another version need not parse as ours; its version number does.
fn version_error(first: &str) -> Option<ReadError> {
    let value: serde_json::Value = serde_json::from_str(first).ok()?;
    let found = u32::try_from(value.get("header")?.get("version")?.as_u64()?).ok()?;
    (found != VERSION).then_some(ReadError::Version { found })
}
