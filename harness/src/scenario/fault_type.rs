//! The words for what goes wrong, with their parameters: `network_partition(direction:to,reject:true)`.
//!
//! What each word does to a link or a node is the mapping's to say, where faults are planned.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use fake_tikv::answer::Script;

use super::answers;
use super::diagnostic::Problem;
use super::fields::{duration_hint, shorten};
use super::node::{Node, Value};
use super::suggest::{did_you_mean, list, nearest};
use super::units;

/// Which way, seen from the selector's source, as Chaos Mesh has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// What the source sends.
    To,
    /// What the source receives.
    From,
    /// Both.
    #[default]
    Both,
}

/// What becomes, at the heal, of a connection whose peer had stopped reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// It goes on.
    #[default]
    Resume,
    /// FIN.
    Close,
    /// RST.
    Reset,
}

/// A fault type with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultType {
    /// The node's process is gone until the heal.
    Failure,
    /// The node's process is gone; a store's comes back elsewhere at the heal, and its old address hangs for ever.
    Kill,
    /// The node's process stands still until the heal: connections are made, nothing is answered.
    Freeze,
    /// The node's leads move to others, once.
    TransferLeader,
    /// A store joins beside each, once, and takes its share of the regions.
    ScaleOut,
    /// Each region that the store leads becomes two, once.
    RegionSplit,
    /// Each region that the store leads becomes one with the next, once.
    RegionMerge,
    /// Silence on live connections, and new ones hang; or, rejecting, RST and refusal.
    NetworkPartition {
        /// Which way.
        direction: Direction,
        /// RST and refuse rather than drop.
        reject: bool,
    },
    /// Silence on connections; new ones are made and stay silent.
    Blackhole {
        /// Which way.
        direction: Direction,
    },
    /// The node stops reading.
    StallRead {
        /// What happens at the heal.
        then: Then,
    },
    /// Live connections are reset, once.
    Reset,
    /// Live connections are closed, once.
    Close,
    /// New connections are refused.
    Refuse,
    /// New connections hang.
    ConnectHang,
    /// Every chunk is late.
    NetworkDelay {
        /// Which way.
        direction: Direction,
        /// The mean.
        latency: Duration,
        /// The largest departure from it.
        jitter: Duration,
    },
    /// A node answers otherwise than with the truth.
    Answer {
        /// The word for it.
        word: &'static str,
        /// What it answers, and which calls; the node is the selector's.
        script: Box<Script>,
    },
}

/// A fault type's word and parameters.
pub(crate) struct Word {
    pub(crate) name: &'static str,
    pub(crate) parameters: &'static [&'static str],
    pub(crate) doc: &'static str,
}

pub(super) const fn word(name: &'static str, parameters: &'static [&'static str], doc: &'static str) -> Word {
    Word { name, parameters, doc }
}

/// Every word that is understood.
pub(crate) fn words() -> impl Iterator<Item = &'static Word> {
    WORDS.iter().chain(&answers::WORDS)
}

/// The words for what a proxy, a process or the cluster does.
const WORDS: [Word; 19] = [
    word("failure", &[], "the process is gone; connections close, new ones are refused"),
    word("kill", &[], "the process is gone, connects hang; a store comes back at another address"),
    word("rolling_restart", &[], "failure of one node after the other: `tikv(each)`"),
    word("freeze", &[], "the process stands still; connections are made, nothing is answered"),
    word("transfer_leader", &[], "the node's leads move to others, once"),
    word("leader_change", &[], "the same as transfer_leader"),
    word("pd_leader_change", &[], "the same as transfer_leader, of `pd(leader)`"),
    word("scale_out", &[], "a store joins and takes its share of the regions, once"),
    word("region_split", &[], "each region that the store leads becomes two, once"),
    word("region_merge", &[], "each region that the store leads becomes one with the next, once"),
    word("network_partition", &["direction", "reject"], "silence; new connections hang"),
    word("blackhole", &["direction"], "silence; new connections are made and stay silent"),
    word("stall_read", &["then"], "the node stops reading, then resumes, closes or resets"),
    word("reset", &[], "RST to live connections, once"),
    word("close", &[], "live connections end, once"),
    word("refuse", &[], "new connections are refused"),
    word("connect_hang", &[], "new connections hang"),
    word("network_delay", &["latency", "jitter", "direction"], "everything is late"),
    word("network_latency", &["latency", "jitter", "direction"], "the same as network_delay"),
];

/// A failure of one node after the other.
pub(crate) const ROLLING_RESTART: &str = "rolling_restart";

/// QA's words that are not understood yet, with what comes nearest.
pub(crate) const NOT_YET: [(&str, &str); 11] = [
    ("io_jitter", "`io_delay(delay:100ms)`"),
    ("network_loss", "`network_delay(latency:200ms,jitter:200ms)` on a link (TCP shows loss as delay)"),
    ("network_duplicate", "`network_delay` on a link"),
    ("network_corrupt", "`reset` on a link (gRPC ends a connection it cannot read)"),
    ("network_bandwidth", "`network_delay` on a link"),
    ("network_reorder", "`network_delay(latency:50ms,jitter:50ms)` on a link"),
    ("scale_in", "`failure`"),
    ("time_offset", "nothing yet"),
    ("az_partition", "`network_partition` on the client's links"),
    ("zone_partition", "`network_partition` on the client's links"),
    ("down", "`failure`"),
];

impl FaultType {
    /// Its word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Kill => "kill",
            Self::Freeze => "freeze",
            Self::TransferLeader => "transfer_leader",
            Self::ScaleOut => "scale_out",
            Self::RegionSplit => "region_split",
            Self::RegionMerge => "region_merge",
            Self::NetworkPartition { .. } => "network_partition",
            Self::Blackhole { .. } => "blackhole",
            Self::StallRead { .. } => "stall_read",
            Self::Reset => "reset",
            Self::Close => "close",
            Self::Refuse => "refuse",
            Self::ConnectHang => "connect_hang",
            Self::NetworkDelay { .. } => "network_delay",
            Self::Answer { word, .. } => word,
        }
    }
    /// Whether it acts on nodes rather than on links.
    pub fn on_node(&self) -> bool {
        matches!(self, Self::Failure | Self::Kill | Self::Freeze | Self::Answer { .. }) || self.is_move()
    }
    /// Whether it changes who leads what, the regions, or which stores there are.
    pub fn is_move(&self) -> bool {
        matches!(self, Self::TransferLeader | Self::ScaleOut) || self.on_regions()
    }
    /// Whether it acts on the regions that a store leads.
    pub fn on_regions(&self) -> bool {
        matches!(self, Self::RegionSplit | Self::RegionMerge)
    }
    /// Whether it is over as soon as it has begun.
    pub fn is_instant(&self) -> bool {
        matches!(self, Self::Reset | Self::Close) || self.is_move()
    }
}

impl fmt::Display for FaultType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A parameter as written.
#[derive(Clone)]
pub(super) struct Parameter {
    name: String,
    pub(super) value: String,
    pub(super) span: Range<usize>,
}

/// Reads `word`, `word(k:v,k:v)` or `{word: {k: v}}`.
pub(crate) fn read(node: &Node, problems: &mut Vec<Problem>) -> Option<FaultType> {
    let (name, name_span, parameters) = match &node.value {
        Value::Text(text) | Value::Plain(text) => inline(text, &node.span, problems)?,
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
            (key.scalar().unwrap_or_default().to_owned(), key.span.clone(), parameters)
        }
        _ => {
            let message = format!("`faultType` must be one fault type, not {}", node.kind());
            problems.push(
                Problem::error(node.span.clone(), message)
                    .hint("as in `failure`, or `{stall_read: {then: reset}}`"),
            );
            return None;
        }
    };
    let known = known(&name, name_span.clone(), problems)?;
    let before = problems.len();
    let mut of = Parameters { word: known, span: name_span.clone(), given: parameters, problems };
    of.refuse_unknown();
    let fault = match known.name {
        "failure" | ROLLING_RESTART => FaultType::Failure,
        "kill" => FaultType::Kill,
        "freeze" => FaultType::Freeze,
        "transfer_leader" | "leader_change" | "pd_leader_change" => FaultType::TransferLeader,
        "scale_out" => FaultType::ScaleOut,
        "region_split" => FaultType::RegionSplit,
        "region_merge" => FaultType::RegionMerge,
        "network_partition" => {
            let direction = of.direction();
            let reject = of.choice("reject", &[("true", true), ("false", false)], false);
            if reject && direction != Direction::Both {
                let problem = Problem::error(name_span, "a rejecting partition has no `direction`");
                of.problems.push(problem.hint("an RST ends both: take out `direction` or `reject`"));
            }
            FaultType::NetworkPartition { direction, reject }
        }
        "blackhole" => FaultType::Blackhole { direction: of.direction() },
        "stall_read" => {
            let choices = [("resume", Then::Resume), ("close", Then::Close), ("reset", Then::Reset)];
            FaultType::StallRead { then: of.choice("then", &choices, Then::Resume) }
        }
        "reset" => FaultType::Reset,
        "close" => FaultType::Close,
        "refuse" => FaultType::Refuse,
        "connect_hang" => FaultType::ConnectHang,
        word if answers::WORDS.iter().any(|one| one.name == word) => {
            FaultType::Answer { word: known.name, script: Box::new(answers::read(&mut of)?) }
        }
        _ => {
            let direction = of.direction();
            let latency = of.duration("latency");
            let jitter = of.duration("jitter").unwrap_or_default();
            match latency {
                Some(latency) if latency.is_zero() || jitter > latency => {
                    let message = "`latency` must be more than zero and at least `jitter`";
                    of.problems.push(
                        Problem::error(name_span, message)
                            .hint("as in `network_delay(latency:364ms,jitter:50ms)`"),
                    );
                }
                None if of.problems.len() == before => {
                    let message = format!("`{}` has no `latency`", known.name);
                    of.problems.push(
                        Problem::error(name_span, message).hint("as in `network_delay(latency:364ms)`"),
                    );
                }
                _ => {}
            }
            FaultType::NetworkDelay { direction, latency: latency.unwrap_or_default(), jitter }
        }
    };
    (problems.len() == before).then_some(fault)
}

type Inline = (String, Range<usize>, Vec<Parameter>);

/// `word(k:v,k:v)`, QA's form.
fn inline(text: &str, span: &Range<usize>, problems: &mut Vec<Problem>) -> Option<Inline> {
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

fn known(name: &str, span: Range<usize>, problems: &mut Vec<Problem>) -> Option<&'static Word> {
    let plain = name.trim().replace('-', "_");
    if let Some(word) = words().find(|w| w.name == plain) {
        return Some(word);
    }
    let problem = if let Some((word, instead)) = NOT_YET.iter().find(|(w, _)| *w == plain) {
        Problem::error(span, format!("fault type `{word}` is known but not supported yet"))
            .hint(format!("what comes nearest: {instead}"))
    } else {
        let names: Vec<_> = words().map(|w| w.name).collect();
        let later: Vec<_> = NOT_YET.iter().map(|(w, _)| *w).collect();
        let hint = match (nearest(name, &names), nearest(name, &later)) {
            (None, Some(later)) => {
                format!("`{later}` is known but not supported yet; choose from {}", list(&names))
            }
            _ => did_you_mean(name, &names),
        };
        Problem::error(span, format!("unknown fault type `{}`", shorten(name))).hint(hint)
    };
    problems.push(problem);
    None
}

/// The parameters of one fault type, each checked as it is taken.
pub(super) struct Parameters<'p> {
    pub(super) word: &'static Word,
    /// Of the word.
    pub(super) span: Range<usize>,
    given: Vec<Parameter>,
    pub(super) problems: &'p mut Vec<Problem>,
}

impl Parameters<'_> {
    fn refuse_unknown(&mut self) {
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
    pub(super) fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)], default: T) -> T {
        let Some(p) = self.given.iter().find(|p| p.name == name) else { return default };
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == p.value) {
            return *value;
        }
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        let problem = Problem::error(p.span.clone(), format!("`{name}` cannot be `{}`", shorten(&p.value)));
        self.problems.push(problem.hint(did_you_mean(&p.value, &words)));
        default
    }
    fn direction(&mut self) -> Direction {
        let choices = [("to", Direction::To), ("from", Direction::From), ("both", Direction::Both)];
        self.choice("direction", &choices, Direction::Both)
    }
    pub(super) fn duration(&mut self, name: &str) -> Option<Duration> {
        let p = self.given.iter().find(|p| p.name == name)?;
        match units::duration(&p.value) {
            Ok(d) => Some(d),
            Err(message) => {
                let problem = Problem::error(p.span.clone(), format!("`{name}`: {message}"));
                self.problems.push(problem.hint(duration_hint(&p.value)));
                None
            }
        }
    }
}
