//! One fault of a case: what goes wrong, where, when, how long, how often.

use std::time::Duration;

use super::diagnostic::{Problem, Severity};
use super::fault_type::{self, FaultType};
use super::fields::Fields;
use super::fit;
use super::mode;
use super::node::Node;
use super::schedule::{self, Begins, Schedule};
use super::selector::Selector;

/// A fault, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What goes wrong.
    pub fault: FaultType,
    /// The fault type as written.
    pub kind: String,
    /// Where.
    pub selector: Selector,
    /// When first.
    pub begins: Begins,
    /// How long one injection lasts.
    pub duration: Duration,
    /// How often.
    pub schedule: Schedule,
}

/// What could be read of a fault: the words count even where the whole is wrong.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) fault: Option<Fault>,
    pub(super) word: Option<&'static str>,
    pub(super) selector: Option<Selector>,
}

/// Reads the keys of a fault, which may stand in the case itself. `stores` and `pd` bound indices.
pub(super) fn read(
    f: &Fields<'_>,
    begins: Begins,
    (pd, stores): (u32, u32),
    problems: &mut Vec<Problem>,
) -> Read {
    let before = problems.len();
    let node = f.get("faultType");
    let way = fault_type::direction(f, problems);
    let fault = node.and_then(|n| fault_type::read(n, way, problems));
    let many = mode::read(f, problems);
    let selector = f
        .text("selector", problems)
        .and_then(|(text, span)| fit::read_selector(text, many, span, (pd, stores), problems));
    let duration = f.duration("faultDuration", problems);
    let schedule = schedule::read_schedule(f, duration, problems);
    if let Some(fault) = &fault {
        schedule::check_duration(f, fault, duration, problems);
        if let Some((selector, span)) = &selector {
            fit::check_fit(fault, *selector, span.clone(), problems);
        }
    }
    let word = fault.as_ref().map(FaultType::name).or_else(|| node.and_then(bare_word));
    let selector = selector.map(|(selector, _)| selector);
    let right = problems[before..].iter().all(|p| p.severity != Severity::Error);
    let made = |fault: FaultType| {
        Some(Fault {
            kind: node.and_then(Node::scalar).unwrap_or(fault.name()).to_owned(),
            fault,
            selector: selector?,
            begins,
            duration: duration.unwrap_or_default(),
            schedule: schedule?,
        })
    };
    Read { fault: fault.filter(|_| right).and_then(made), word, selector }
}

/// The bare word of a fault type that could not be resolved.
fn bare_word(node: &Node) -> Option<&'static str> {
    let text = node.scalar()?;
    let word = text.split('(').next().unwrap_or_default().replace('-', "_");
    fault_type::NOT_YET.iter().map(|(w, _)| *w).find(|w| *w == word)
}
