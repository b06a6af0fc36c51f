//! What a client counts of itself: unique work, attempts, retries, jobs in flight.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// A client's own counters. Cheap to clone. Clients whose work the fake cluster can see need not report units.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<Counts>>, Arc<Notify>);

/// The counters at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many units there are to do, as far as the client knows.
    pub total: u64,
    /// Requests sent, jobs begun.
    pub attempts: u64,
    /// Retries, restarts, redials.
    pub retries: u64,
    /// Jobs in flight now.
    pub in_flight: u64,
    /// What the client says of itself from outside of our process; the most that it has ever said.
    pub reported: Reported,
    /// How often what it said was less than before.
    pub fell: u64,
    /// Bytes that its links have carried, both ways.
    pub carried: u64,
    /// What it said last.
    said: u64,
    complete: bool,
    done: BTreeSet<String>,
    again: u64,
    wrong: Vec<String>,
}

/// So much of what is wrong is told.
const TOLD: usize = 5;

/// How far a client says it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reported {
    /// Units done.
    pub done: u64,
    /// Units to do, if it says so.
    pub total: Option<u64>,
}

impl Counts {
    /// Units done at least once.
    pub fn unique(&self) -> u64 {
        self.done.len() as u64
    }
    /// Whether this unit is done.
    pub fn is_done(&self, unit: &str) -> bool {
        self.done.contains(unit)
    }
    /// How often a unit was done that was done before.
    pub fn again(&self) -> u64 {
        self.again
    }
    /// What was done and is not right, the first few of it.
    pub fn wrong(&self) -> &[String] {
        &self.wrong
    }
}

impl Meter {
    /// Says how many units there are to do.
    pub fn expect(&self, total: u64) {
        self.counts().total = total;
    }
    /// One unit is done. The same unit twice counts once.
    pub fn done(&self, unit: impl Into<String>) {
        let mut counts = self.counts();
        if counts.done.insert(unit.into()) {
            drop(counts);
            self.1.notify_one();
            super::progressed();
        } else {
            counts.again += 1;
        }
    }
    /// Something was done that is not right: what the audit is to tell.
    pub fn wrong(&self, what: impl Into<String>) {
        let mut counts = self.counts();
        if counts.wrong.len() < TOLD {
            counts.wrong.push(what.into());
        }
    }
    /// A client outside of our process says how far it is. Useful work is not undone: the most counts.
    pub fn report(&self, now: Reported) {
        let mut counts = self.counts();
        counts.fell += u64::from(now.done < counts.said);
        counts.said = now.done;
        counts.reported.done = counts.reported.done.max(now.done);
        counts.reported.total = now.total.or(counts.reported.total);
        drop(counts);
        self.1.notify_one();
    }
    /// Its links have carried so many bytes by now.
    pub fn carried(&self, bytes: u64) {
        self.counts().carried = bytes;
    }
    /// Rings when work may have been done. Whoever sees work elsewhere may ring it too.
    pub fn grown(&self) -> &Arc<Notify> {
        &self.1
    }
    /// One attempt: a request sent, a job begun.
    pub fn attempt(&self) {
        self.counts().attempts += 1;
    }
    /// One retry, restart or redial.
    pub fn retry(&self) {
        self.counts().retries += 1;
    }
    /// A job is in flight until the guard drops.
    #[must_use = "the job counts as in flight until this guard drops"]
    pub fn job(&self) -> Job {
        self.counts().in_flight += 1;
        Job(self.clone())
    }
    /// All units are done, as the run's samples show it.
    pub fn complete(&self) {
        self.counts().complete = true;
    }
    /// Whether they are.
    pub fn is_complete(&self) -> bool {
        self.counts().complete
    }
    /// The counters now.
    pub fn read(&self) -> Counts {
        self.counts().clone()
    }
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job in flight.
#[derive(Debug)]
pub struct Job(Meter);

impl Drop for Job {
    fn drop(&mut self) {
        self.0.counts().in_flight -= 1;
    }
}
