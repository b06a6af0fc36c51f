//! How many of the nodes that a selector names: Chaos Mesh's modes, as `tikv(fixed:2)` or as the keys `mode` and `value`.

use std::fmt;

use super::diagnostic::Problem;
use super::fields::{Fields, shorten, whole};
use super::selector::{Component, Endpoint, Qualifier};
use super::suggest::did_you_mean;

/// So many, chosen anew at each injection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Many {
    /// This many.
    Fixed(u32),
    /// So many percent, rounded down, and one at least.
    FixedPercent(u32),
    /// From one to so many percent, rounded down, and one at least.
    RandomMaxPercent(u32),
}

/// A case's `mode`, with its `value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    One,
    All,
    Some(Many),
}

/// The words of `mode`.
pub(crate) const MODES: [&str; 5] = ["one", "all", "fixed", "fixed-percent", "random-max-percent"];
/// A number of nodes is no larger: a cluster has no more.
const MOST: u32 = 100;

/// The mode of a case.
pub(crate) fn read(f: &Fields<'_>, problems: &mut Vec<Problem>) -> Option<Mode> {
    let word = f.word("mode", &MODES, problems);
    let value = f.text("value", problems);
    let span = f.key("mode");
    let mode = match (word, value) {
        (None, Some((_, span))) if !f.mentions("mode") => {
            let problem = Problem::error(span, "`value` without `mode`");
            problems.push(problem.hint("say what it counts, as in `mode: fixed`"));
            return None;
        }
        (None, _) => return None,
        (Some("one"), None) => Mode::One,
        (Some("all"), None) => Mode::All,
        (Some(word @ ("one" | "all")), Some((_, span))) => {
            let problem = Problem::error(span, format!("mode `{word}` takes no `value`"));
            problems.push(problem.hint("take it out, or choose `fixed`"));
            return None;
        }
        (Some(word), None) => {
            if !f.mentions("value") {
                let problem = Problem::error(span, format!("mode `{word}` has no `value`"));
                problems.push(problem.hint("say how many, as in `value: 2`"));
            }
            return None;
        }
        (Some(word), Some((value, span))) => match Many::of(word, value) {
            Ok(many) => Mode::Some(many),
            Err(message) => {
                problems.push(Problem::error(span, format!("`value`: {message}")).hint(hint(word)));
                return None;
            }
        },
    };
    Some(mode)
}

fn hint(word: &str) -> &'static str {
    if word == "fixed" { "write a number of nodes" } else { "write a percentage from 1 to 100" }
}

// === impl Mode ===

impl Mode {
    /// What it chooses from what an end names; `None` where the end has chosen already.
    pub(crate) fn of(self, end: Endpoint) -> Option<Endpoint> {
        let qualifier = match (end.qualifier, self) {
            (all @ (Qualifier::All | Qualifier::Follower { all: true }), Mode::All) => all,
            (Qualifier::All, Mode::One) => Qualifier::Random,
            (Qualifier::All, Mode::Some(many)) => Qualifier::Some(many),
            (Qualifier::Follower { all: true }, Mode::One) => Qualifier::Follower { all: false },
            (Qualifier::Follower { all: true }, Mode::Some(many)) => Qualifier::SomeFollowers(many),
            _ => return None,
        };
        let has_many = matches!(end.component, Component::Tikv | Component::Pd | Component::All);
        has_many.then_some(Endpoint { qualifier, ..end })
    }
}

// === impl Many ===

impl Many {
    /// `fixed` and `2`.
    fn of(word: &str, value: &str) -> Result<Self, String> {
        let percent = || whole(value.trim_end_matches('%'), 1, 100);
        match word {
            "fixed" => whole(value, 1, MOST).map(Self::Fixed),
            "fixed-percent" => percent().map(Self::FixedPercent),
            _ => percent().map(Self::RandomMaxPercent),
        }
    }

    /// `fixed:2`; `None` if it is no mode at all. An error has a hint.
    pub(crate) fn parse(text: &str) -> Option<Result<Self, (String, String)>> {
        let (word, value) = text.split_once(':')?;
        let word = word.trim();
        if !MODES[2..].contains(&word) {
            let message = format!("unknown mode `{}`", shorten(word));
            return Some(Err((message, did_you_mean(word, &MODES[2..]))));
        }
        Some(Self::of(word, value.trim()).map_err(|message| (message, hint(word).to_owned())))
    }

    /// How many of `all`; `draw` is asked for a number from 1 to the one that it is given.
    pub(crate) fn count(self, all: usize, draw: impl FnOnce(u32) -> u32) -> usize {
        let share = |percent: u32| (all * percent as usize / 100).max(1);
        match self {
            Self::Fixed(n) => n as usize,
            Self::FixedPercent(percent) => share(percent),
            Self::RandomMaxPercent(most) => share(draw(most)),
        }
        .min(all)
    }
}

impl fmt::Display for Many {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(n) => write!(f, "fixed:{n}"),
            Self::FixedPercent(percent) => write!(f, "fixed-percent:{percent}"),
            Self::RandomMaxPercent(percent) => write!(f, "random-max-percent:{percent}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_counts_as_chaos_mesh_does_but_never_nobody() {
        let count = |text: &str, all| Many::parse(text).unwrap().unwrap().count(all, |most| most);
        assert_eq!(count("fixed:2", 3), 2);
        assert_eq!(count("fixed-percent:50", 3), 1, "rounded down");
        assert_eq!(count("fixed-percent:67", 3), 2);
        assert_eq!(count("fixed-percent:10", 3), 1, "a fault of nobody tests nothing");
        assert_eq!(count("random-max-percent:100%", 3), 3);
        assert_eq!(Many::RandomMaxPercent(100).count(3, |_| 34), 1);
    }
}
