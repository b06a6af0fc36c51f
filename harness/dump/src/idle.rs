//! Tasks for which waiting is normal: an allow-list per runtime, and whatever a user adds to it.

mod known;

use std::collections::BTreeMap;

use indexmap::IndexSet;
use serde::Deserialize;
use unstuck_record::Runtime;

use crate::dump::{Dump, StackId, Task};

/// What may wait for ever.
#[derive(Clone, Debug, Default)]
pub struct Allow {
    rules: Vec<(Runtime, Rule)>,
    /// Whole stacks, as the functions that they go through, creator last.
    stacks: IndexSet<Vec<String>>,
}

/// One rule: all that it names must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Parts of function names that stand in the stack, innermost first, others may stand between. One that begins
    /// with `^` is the whole name of the innermost function.
    #[serde(default)]
    pub stack: Vec<String>,
    /// The state, as the dump has it, or the first words of it.
    #[serde(default)]
    pub state: String,
    /// Why it is normal, for people.
    pub why: String,
}

/// Rules as a user writes them, by runtime (`go`, `tokio`, `python`).
///
/// ```yaml
/// go:
///   - stack: [(*Pool).worker]
///     state: chan receive
///     why: a worker without a job
/// ```
pub type Rules = BTreeMap<Runtime, Vec<Rule>>;

impl Allow {
    /// What is known to idle in every program.
    pub fn known() -> Self {
        let mut allow = Self::default();
        for &(runtime, state, stack, why) in known::RULES {
            let stack = stack.iter().map(|&part| part.to_owned()).collect();
            allow.rules.push((runtime, Rule { stack, state: state.to_owned(), why: why.to_owned() }));
        }
        allow
    }

    /// Adds rules.
    pub fn add(&mut self, rules: Rules) {
        for (runtime, rules) in rules {
            self.rules.extend(rules.into_iter().map(|rule| (runtime, rule)));
        }
    }

    /// Adds every stack of a dump that is known to be good: allow files of the
    /// kind that `TiPocket` reads are such dumps.
    pub fn add_dump(&mut self, dump: &Dump<'_>) {
        for task in &dump.tasks {
            self.stacks.insert(signature(dump, task.stack));
        }
    }

    /// Why a task may wait where it is, if it may.
    pub fn why(&self, dump: &Dump<'_>, task: &Task<'_>) -> Option<&str> {
        if let Some(wait) = task.wait
            && wait.idle
        {
            return Some("marked as idle by the client");
        }
        let rule = self.rules.iter().find(|(runtime, rule)| {
            dump.form.runtime() == Some(*runtime)
                && task.state.starts_with(&rule.state)
                && rule.holds(dump, task.stack)
        });
        if let Some((_, rule)) = rule {
            return Some(&rule.why);
        }
        let listed = !self.stacks.is_empty() && self.stacks.contains(&signature(dump, task.stack));
        listed.then_some("in the dump that is allowed")
    }
}

impl Rule {
    fn holds(&self, dump: &Dump<'_>, stack: StackId) -> bool {
        if self.stack.is_empty() {
            return !self.state.is_empty();
        }
        let mut frames = dump.frames(stack);
        self.stack.iter().all(|part| match part.strip_prefix('^') {
            Some(name) => frames.next().is_some_and(|frame| frame.function == name),
            None => frames.any(|frame| frame.function.contains(part.as_str())),
        })
    }
}

fn signature(dump: &Dump<'_>, stack: StackId) -> Vec<String> {
    let frames = dump.frames(stack).chain(dump.created_by(stack));
    frames.map(|frame| frame.function.to_owned()).collect()
}
