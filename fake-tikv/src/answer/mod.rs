//! Scripted answers: what nodes answer instead of the truth.
//!
//! * [`script`][]: what a script says
//! * `refusal`: region errors, made of what the cluster knows
//!
//! Scripts are met at two places. Every call passes the gate in front of its node's services, where it can be late, silent,
//! refused or cut whatever its method is. A command, which names a region, is met once more where it is carried out, alone or
//! in a batch: there it can be answered with a region error.
//!
//! Of several scripts that match, the older comes first. Delays and silences add up; any other ends the search.

mod refusal;
pub mod script;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Notify;

pub(crate) use self::refusal::{detail, refusal};
pub use self::script::{After, BadScript, Calls, How, Keys, Leader, RegionError, Script, Then, When};
use crate::methods::Method;
use crate::spec::Node;

/// The scripted answers of a cluster. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Answers(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// How many rules there are: all that a call without rules looks at.
    active: AtomicUsize,
    rules: Mutex<Rules>,
}

#[derive(Debug, Default)]
struct Rules {
    /// By id, which is the order in which they were set.
    set: Vec<Arc<Rule>>,
    last_id: u64,
}

/// A script that is set.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) id: u64,
    pub(crate) script: Script,
    seen: AtomicU64,
    matched: Matched,
    /// Delays that were drawn.
    delays: AtomicU64,
    removed: AtomicBool,
    removal: Notify,
}

/// How often a script took effect; still to be read when it is gone.
#[derive(Clone, Debug, Default)]
pub struct Matched(Arc<AtomicU64>);

impl Matched {
    /// Calls that were answered otherwise, until now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A script that is set, for people and machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Set {
    /// By which it is removed.
    pub id: u64,
    /// What it says.
    #[serde(flatten)]
    pub script: Script,
    /// Calls to its node, of its methods and keys.
    pub seen: u64,
    /// Those of them that were answered otherwise.
    pub matched: u64,
}

/// Removes its script when it drops: silent calls go on, everything is answered with the truth again.
#[derive(Debug)]
#[must_use = "the script is removed when this drops"]
pub struct Guard {
    answers: Answers,
    id: u64,
    matched: Matched,
}

impl Guard {
    /// By which the script can be removed too.
    pub fn id(&self) -> u64 {
        self.id
    }
    /// How often it took effect.
    pub fn matched(&self) -> Matched {
        self.matched.clone()
    }
    /// Leaves the script set until [`Answers::remove`].
    pub fn keep(mut self) -> u64 {
        std::mem::take(&mut self.id)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.answers.remove(self.id);
    }
}

/// A command that a store is about to carry out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) store: u64,
    /// `RawGet`, whether it came alone or in a batch; in full outside of the `Tikv` service.
    pub(crate) method: &'static str,
    /// Whether it came in a batch, and so did not pass the gate by itself.
    pub(crate) in_batch: bool,
    /// The region that it names; 0 where it names none.
    pub(crate) region: u64,
    /// Its keys, as the client names them; of ranges the starts.
    pub(crate) keys: &'a [&'a [u8]],
}

impl Answers {
    /// Sets a script, from now until the guard drops.
    pub fn set(&self, script: Script) -> Result<Guard, BadScript> {
        script.check()?;
        let mut rules = self.rules();
        rules.last_id += 1;
        let id = rules.last_id;
        let matched = Matched::default();
        rules.set.push(Arc::new(Rule {
            id,
            script,
            seen: AtomicU64::new(0),
            matched: matched.clone(),
            delays: AtomicU64::new(0),
            removed: AtomicBool::new(false),
            removal: Notify::new(),
        }));
        self.0.active.store(rules.set.len(), Ordering::Relaxed);
        drop(rules);
        Ok(Guard { answers: self.clone(), id, matched })
    }

    /// Removes a script. False if there is none with this id.
    pub fn remove(&self, id: u64) -> bool {
        let mut rules = self.rules();
        let Some(at) = rules.set.iter().position(|rule| rule.id == id) else { return false };
        let rule = rules.set.remove(at);
        self.0.active.store(rules.set.len(), Ordering::Relaxed);
        drop(rules);
        rule.removed.store(true, Ordering::Release);
        rule.removal.notify_waiters();
        true
    }

    /// All that is set, by id.
    pub fn list(&self) -> Vec<Set> {
        let set = |rule: &Arc<Rule>| Set {
            id: rule.id,
            script: rule.script.clone(),
            seen: rule.seen.load(Ordering::Relaxed),
            matched: rule.matched.get(),
        };
        self.rules().set.iter().map(set).collect()
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.0.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether no script is set. One atomic load.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.active.load(Ordering::Relaxed) == 0
    }

    /// The rules with an id above this, by id.
    fn since(&self, id: u64) -> Vec<Arc<Rule>> {
        let rules = self.rules();
        let from = rules.set.partition_point(|rule| rule.id <= id);
        rules.set[from..].to_vec()
    }

    /// What a call that has just come to a node is to meet, and the id of the last rule that was asked.
    pub(crate) fn met_by(&self, node: Node, method: Option<&'static Method>) -> (Vec<Arc<Rule>>, u64) {
        let all = self.since(0);
        let last = all.last().map_or(0, |rule| rule.id);
        let mut met = Vec::new();
        for rule in all {
            let meets = !rule.script.on_commands() && rule.is_for(node, method) && rule.answers(method);
            if meets && rule.count() {
                let goes_on = rule.goes_on();
                met.push(rule);
                if !goes_on {
                    break;
                }
            }
        }
        (met, last)
    }

    /// The rules set since that one that a call in flight is to meet: those for every call that let it go on.
    pub(crate) fn met_in_flight(
        &self,
        node: Node,
        method: Option<&'static Method>,
        last: &mut u64,
    ) -> Vec<Arc<Rule>> {
        let mut new = self.since(*last);
        *last = new.last().map_or(*last, |rule| rule.id);
        new.retain(|rule| {
            let flows = rule.goes_on() || matches!(rule.script.then, Then::Cut { .. });
            let every = rule.script.when.calls == Calls::Every;
            flows && every && !rule.script.on_commands() && rule.is_for(node, method) && rule.count()
        });
        new
    }

    /// Waits as scripts say, and returns the rule that answers instead of the truth, if one does.
    pub(crate) async fn instead(&self, command: Seen<'_>) -> Option<Arc<Rule>> {
        let method = Method::named(command.method);
        for rule in self.since(0) {
            let script = &rule.script;
            let here = script.on_commands() || (command.in_batch && script.then.fits_a_command());
            let when = &script.when;
            let meets = here
                && rule.is_for(Node::Store(command.store), method)
                && when.region.is_none_or(|region| region == command.region)
                && when.keys.as_ref().is_none_or(|keys| command.keys.iter().any(|key| keys.contain(key)));
            if !meets || rule.is_removed() || !rule.count() {
                continue;
            }
            if !rule.goes_on() {
                return Some(rule);
            }
            rule.hold().await;
        }
        None
    }
}

impl Then {
    /// Whether a command in a batch can meet it.
    fn fits_a_command(&self) -> bool {
        matches!(self, Self::Delay { .. } | Self::Silence | Self::Status { .. })
    }
}

impl Rule {
    fn is_for(&self, node: Node, method: Option<&'static Method>) -> bool {
        let when = &self.script.when;
        when.node.is_none_or(|only| only == node) && when.method.mean(method)
    }

    /// Whether it has an answer for this method.
    fn answers(&self, method: Option<&'static Method>) -> bool {
        let pd = |method: &Method| method.package == "pdpb" && !method.name.ends_with("GlobalConfig");
        !matches!(self.script.then, Then::PdError { .. }) || method.is_some_and(pd)
    }

    /// Counts a call that matches; whether the script means it.
    fn count(&self) -> bool {
        let number = self.seen.fetch_add(1, Ordering::Relaxed) + 1;
        let means = self.script.when.calls.mean(number);
        if means {
            self.matched.0.fetch_add(1, Ordering::Relaxed);
        }
        means
    }

    /// Whether a call that meets it goes on after a while.
    pub(crate) fn goes_on(&self) -> bool {
        matches!(self.script.then, Then::Delay { .. } | Then::Silence)
    }

    pub(crate) fn is_removed(&self) -> bool {
        self.removed.load(Ordering::Acquire)
    }

    /// Waits as long as it holds a call up. Whatever does not is over at once.
    pub(crate) async fn hold(&self) {
        match self.script.then {
            Then::Silence => self.removal().await,
            Then::Delay { ms, jitter_ms } => {
                let number = self.delays.fetch_add(1, Ordering::Relaxed) + 1;
                let departs = script::drawn(number, 2 * jitter_ms + 1);
                let ms = (ms + departs).saturating_sub(jitter_ms);
                tokio::select! {
                    biased;
                    () = self.removal() => {}
                    () = tokio::time::sleep(Duration::from_millis(ms)) => {}
                }
            }
            _ => {}
        }
    }

    async fn removal(&self) {
        loop {
            let removal = self.removal.notified();
            if self.is_removed() {
                return;
            }
            removal.await;
        }
    }
}
