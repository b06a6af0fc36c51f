//! What a fault waits for: `when: {call: ImportSST/Write, count: 1, delay: 10s}`.

use std::fmt;
use std::time::Duration;

use fake_tikv::Node as ClusterNode;
use fake_tikv::methods::{METHODS, Methods};
use regex::Regex;
use unstuck_record::Demand;

use super::diagnostic::Problem;
use super::fields::{Fields, shorten};
use super::keys::WHEN;
use super::node::Node;
use super::selector::{Component, Qualifier, Selector};

/// What a fault waits for, and how long after that it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// What is to happen.
    pub on: On,
    /// How long after that.
    pub delay: Duration,
}

/// Something that happens once in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum On {
    /// So much of the work is done.
    Progress(Demand),
    /// The nodes have seen calls.
    Call(OnCall),
    /// A line of the client's log or output matches.
    Log(Pattern),
}

/// So many calls of some kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnCall {
    /// Of these methods.
    pub methods: Methods,
    /// To this node.
    pub node: Option<ClusterNode>,
    /// That name this region.
    pub region: Option<u64>,
    /// Not when they arrive: when they have been answered well.
    pub answered: bool,
    /// How many.
    pub count: u32,
}

/// A regular expression; equal to another of the same text.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// Whether some of a line matches.
    pub fn matches(&self, line: &str) -> bool {
        self.0.is_match(line)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

/// A hostile expression must not take much memory.
const LARGEST_PATTERN: usize = 1 << 20;

/// Reads `when:`. `stores` and `pd` bound indices.
pub(super) fn read(node: &Node, (pd, stores): (u32, u32), problems: &mut Vec<Problem>) -> Option<Trigger> {
    let f = Fields::of(node, "`when`", WHEN, problems)?;
    let given: Vec<_> = ["progress", "call", "log"].into_iter().filter(|key| f.mentions(key)).collect();
    match given[..] {
        [_] => {}
        [] => {
            let problem = Problem::error(f.place(), "`when` does not say what to wait for");
            problems.push(
                problem.hint("give one of `progress: 40%`, `call: ImportSST/Write`, `log: 'import done'`"),
            );
        }
        [_, second, ..] => {
            let problem = Problem::error(f.key(second), "`when` waits for two things");
            problems.push(problem.hint("keep one: a fault of its own can wait for the other"));
        }
    }
    if !f.mentions("call") {
        for key in ["count", "answered", "node", "region"].into_iter().filter(|key| f.get(key).is_some()) {
            let problem = Problem::error(f.key(key), format!("`{key}` without `call`"));
            problems.push(problem.hint("it says which calls count: add `call: ImportSST/Write`"));
        }
    }
    let delay = f.duration("delay", problems).unwrap_or_default();
    let progress = f.amount("progress", problems).map(On::Progress);
    let call = read_call(&f, (pd, stores), problems).map(On::Call);
    let log = read_log(&f, problems).map(On::Log);
    Some(Trigger { on: progress.or(call).or(log)?, delay })
}

fn read_call(f: &Fields<'_>, (pd, stores): (u32, u32), problems: &mut Vec<Problem>) -> Option<OnCall> {
    let (text, span) = f.text("call", problems)?;
    let methods = methods(text).map_err(|message| {
        problems.push(Problem::error(span, message).hint("as in `ImportSST/Write`, `RawGet`, `PD/*`"));
    });
    let (count, answered) = (f.count("count", problems), f.count("answered", problems));
    if count.is_some() && answered.is_some() {
        let problem = Problem::error(f.key("answered"), "calls are counted twice");
        problems
            .push(problem.hint(
                "`count` counts those that arrive, `answered` those that were answered well: keep one",
            ));
    }
    let node = f.text("node", problems).and_then(|(text, span)| {
        let (end, most) = match Selector::parse(text) {
            Ok(Selector::Nodes(end)) if end.component == Component::Tikv => (end, stores),
            Ok(Selector::Nodes(end)) if end.component == Component::Pd => (end, pd),
            _ => {
                let problem = Problem::error(span, format!("`{}` is no single node", shorten(text)));
                problems.push(problem.hint("write `tikv(0)` or `pd(0)`"));
                return None;
            }
        };
        match end.qualifier {
            Qualifier::Index(index) if index < most => Some(match end.component {
                Component::Pd => ClusterNode::Pd(index),
                _ => ClusterNode::Store(u64::from(index) + 1),
            }),
            _ => {
                let message = format!("`{}` is no single node of {most}", shorten(text));
                problems.push(Problem::error(span, message).hint("write `tikv(0)` or `pd(0)`"));
                None
            }
        }
    });
    Some(OnCall {
        methods: methods.ok()?,
        node,
        region: f.number("region", problems),
        answered: answered.is_some(),
        count: answered.or(count).unwrap_or(1),
    })
}

/// `ImportSST/Write`, `import_sstpb.ImportSST/Write`, `Write`, `ImportSST/*`.
fn methods(text: &str) -> Result<Methods, String> {
    let full = match text.split_once('/') {
        Some((service, name)) if !service.contains('.') => METHODS
            .iter()
            .find(|method| method.service == service)
            .map(|method| format!("{}.{service}/{name}", method.package)),
        _ => None,
    };
    full.as_deref()
        .unwrap_or(text)
        .parse()
        .map_err(|error: fake_tikv::methods::UnknownMethod| error.to_string())
}

fn read_log(f: &Fields<'_>, problems: &mut Vec<Problem>) -> Option<Pattern> {
    let (text, span) = f.text("log", problems)?;
    match regex::RegexBuilder::new(text).size_limit(LARGEST_PATTERN).build() {
        Ok(regex) => Some(Pattern(regex)),
        Err(error) => {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            let problem = Problem::error(span, format!("`{}` is no regular expression", shorten(text)));
            problems.push(problem.hint(why));
            None
        }
    }
}

/// `progress 40%`, `call 1 of import_sstpb.ImportSST/Write to tikv-1, 10s later`
impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.on.fmt(f)?;
        if self.delay.is_zero() { Ok(()) } else { write!(f, ", {} later", super::units::show(self.delay)) }
    }
}

impl fmt::Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Progress(amount) => write!(f, "progress {amount}"),
            Self::Log(Pattern(regex)) => write!(f, "log `{regex}`"),
            Self::Call(OnCall { methods, node, region, answered, count }) => {
                let what = if *answered { "answer" } else { "call" };
                write!(f, "{what} {count} of {methods}")?;
                if let Some(node) = node {
                    write!(f, " to {node}")?;
                }
                region.map_or(Ok(()), |region| write!(f, " for region {region}"))
            }
        }
    }
}
