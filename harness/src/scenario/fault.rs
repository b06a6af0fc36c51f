//! One fault of a case: what goes wrong, where, when, how long, how often.

use std::ops::Range;

use super::diagnostic::{Problem, Severity};
use super::fault_type::{self, FaultType, ROLLING_RESTART};
use super::fields::Fields;
use super::fit;
use super::mode;
use super::node::{Node, Value};
use super::period::Spread;
use super::refused;
use super::schedule::{self, Begins, Schedule};
use super::selector::{Component, Qualifier, Selector};

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
    pub duration: Spread,
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
    let mut selector = f
        .text("selector", problems)
        .and_then(|(text, span)| fit::read_selector(text, many, span, (pd, stores), problems));
    if let Some((selector, span)) = &mut selector
        && node.and_then(word).is_some_and(|word| word == ROLLING_RESTART)
    {
        take_turns(selector, span, problems);
    }
    let duration = f.spread("faultDuration", problems);
    let in_turn = selector.as_ref().map(|(selector, _)| selector);
    let schedule = schedule::read_schedule(f, duration, in_turn, problems);
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

/// A rolling restart of all nodes takes one after the other.
fn take_turns(selector: &mut Selector, span: &Range<usize>, problems: &mut Vec<Problem>) {
    match selector {
        Selector::Nodes(end)
            if matches!(end.qualifier, Qualifier::All | Qualifier::Each)
                && matches!(end.component, Component::Tikv | Component::Pd) =>
        {
            end.qualifier = Qualifier::Each;
        }
        other => {
            let message =
                format!("`{ROLLING_RESTART}` takes one node after the other, and `{other}` does not");
            problems.push(Problem::error(span.clone(), message).hint("write `tikv(each)` or `pd(each)`"));
        }
    }
}

/// The bare word of a fault type that could not be resolved.
fn bare_word(node: &Node) -> Option<&'static str> {
    let word = word(node)?;
    refused::FAULTS.iter().map(|refused| refused.word).find(|w| *w == word)
}

/// The word of a fault type in either form.
fn word(node: &Node) -> Option<String> {
    let text = match &node.value {
        Value::Map(entries) => entries.first()?.0.scalar()?,
        _ => node.scalar()?,
    };
    Some(text.split('(').next().unwrap_or_default().replace('-', "_"))
}
