//! What a screen may show while a case runs, and the flag that stops it. Read from other threads; nothing in it
//! reaches the record, but for the one flag.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use unstuck_record::Sample;

use super::recorder::Recorder;
use crate::probe::Tasks;

/// The state of one running case, for a screen and a watchdog.
#[derive(Debug, Default)]
pub struct Status {
    stop: AtomicBool,
    stopped: Notify,
    beats: AtomicU64,
    shown: Mutex<Shown>,
    news: Mutex<Vec<News>>,
    handles: Mutex<(Option<Recorder>, Option<Tasks>)>,
}

/// The phase in which faults happen; the only other is the fault-free run before it.
pub const RUNNING: &str = "running";

/// What there is to show.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// What is being done.
    pub phase: String,
    /// Virtual (or, on real sockets, real) milliseconds since the client's start.
    pub at_ms: u64,
    /// When the run is ended if the client has not: likewise. Zero where it is not known yet.
    pub until_ms: u64,
    /// Unique work done.
    pub unique: u64,
    /// Work to do.
    pub total: u64,
    /// The faults that are active.
    pub faults: Vec<String>,
    /// Where Toxiproxy's API over the links is; on real sockets only.
    pub control: Option<String>,
}

/// Something that happened, for a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// Virtual (or, on real sockets, real) milliseconds since the client's start.
    pub at_ms: u64,
    /// In words.
    pub what: String,
}

/// A plan of a thousand faults is told in part where nobody reads along.
const MOST_NEWS: usize = 1000;

impl Status {
    /// Asks the case to end soon: faults are healed, what is known is recorded.
    pub fn interrupt(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.stopped.notify_one();
    }
    /// Whether it was asked to end.
    pub fn interrupted(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
    /// Waits until it is asked to end; one waiter at a time.
    pub(super) async fn interruption(&self) {
        while !self.interrupted() {
            self.stopped.notified().await;
        }
    }
    /// How often the run's loop has turned: a number that stands still is a poll that never returns.
    pub fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }
    /// What there is to show now.
    pub fn shown(&self) -> Shown {
        self.show().clone()
    }
    /// What happened since the last call, in order.
    pub fn take_news(&self) -> Vec<News> {
        std::mem::take(&mut self.news.lock().unwrap_or_else(PoisonError::into_inner))
    }
    /// The record and the tasks of the run, for whoever must end a wedged one.
    pub fn handles(&self) -> (Option<Recorder>, Option<Tasks>) {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    pub(super) fn beat(&self) {
        self.beats.fetch_add(1, Ordering::Relaxed);
    }
    pub(super) fn phase(&self, phase: &str) {
        let mut shown = self.show();
        *shown = Shown { phase: phase.to_owned(), ..Shown::default() };
    }
    pub(super) fn until(&self, until_ms: u64) {
        self.show().until_ms = until_ms;
    }
    pub(super) fn tell(&self, at_ms: u64, what: String) {
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        if news.len() < MOST_NEWS {
            news.push(News { at_ms, what });
        }
    }
    pub(super) fn sampled(&self, sample: &Sample) {
        let mut shown = self.show();
        shown.at_ms = sample.at_ms;
        shown.unique = sample.unique;
        shown.total = sample.total;
    }
    pub(super) fn faults(&self, faults: Vec<String>) {
        self.show().faults = faults;
    }
    pub(super) fn control(&self, api: String) {
        self.tell(0, format!("Toxiproxy's API on {api}"));
        self.show().control = Some(api);
    }
    pub(super) fn attach(&self, recorder: &Recorder) {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).0 = Some(recorder.clone());
    }
    pub(super) fn attach_tasks(&self, tasks: &Tasks) {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).1 = Some(tasks.clone());
    }
    fn show(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
