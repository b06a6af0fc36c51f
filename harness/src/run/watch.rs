//! Watches for what the faults of a plan wait for.
//!
//! ```text
//! journal: a call arrives, names its region, ends ──┐
//! log: a line of the client's ──────────────────────┼──► Watch ──► fired, at this moment ──► the loop of the run
//! meter, journal: work may have been done ──► the loop asks for the progress ┘
//! ```
//!
//! Each is told where it happens, so that in virtual time the fault begins at the very moment.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fake_tikv::journal::{Journal, Moment, Outcome, Step};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::probe::Meter;
use crate::scenario::trigger::OnCall;
use crate::scenario::{On, Trigger};

/// What is still waited for. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Watch(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    waiting: Mutex<Vec<Waiting>>,
    fired: UnboundedSender<usize>,
    grown: Arc<Notify>,
}

#[derive(Debug)]
struct Waiting {
    trigger: usize,
    on: On,
    /// How many calls have counted so far.
    seen: u32,
}

impl Watch {
    /// The watch, and the triggers that fire, by index, in the order in which they do.
    pub(super) fn new(triggers: &[Trigger], meter: &Meter) -> (Self, UnboundedReceiver<usize>) {
        let (fired, receiver) = unbounded_channel();
        let waiting = |(trigger, one): (usize, &Trigger)| Waiting { trigger, on: one.on.clone(), seen: 0 };
        let waiting = triggers.iter().enumerate().map(waiting).collect();
        let inner = Inner { waiting: Mutex::new(waiting), fired, grown: Arc::clone(meter.grown()) };
        (Self(Arc::new(inner)), receiver)
    }

    /// Hears of each call.
    pub(super) fn attach(&self, journal: &Journal) {
        if self.waiting().is_empty() {
            return;
        }
        let watch = self.clone();
        journal.watch(move |moment| watch.call(moment));
    }

    /// A line of the client's.
    pub(super) fn line(&self, text: &str) {
        self.fire(|waiting| matches!(&waiting.on, On::Log(pattern) if pattern.matches(text)));
    }

    /// So much of the work is done.
    pub(super) fn progress(&self, unique: u64, total: u64) {
        let reached = |waiting: &mut Waiting| match waiting.on {
            On::Progress(amount) => amount.units(total).is_some_and(|wanted| unique >= wanted),
            _ => false,
        };
        self.fire(reached);
    }

    /// Waits until work may have been done; for ever where nobody waits for it.
    pub(super) async fn may_have_progressed(&self) {
        if !self.waiting().iter().any(|waiting| matches!(waiting.on, On::Progress(_))) {
            std::future::pending::<()>().await;
        }
        self.0.grown.notified().await;
    }

    fn call(&self, moment: &Moment) {
        if let Step::Ended(_) = moment.step {
            self.0.grown.notify_one();
        }
        self.fire(|waiting| match &waiting.on {
            On::Call(call) if counts(call, moment) => {
                waiting.seen += 1;
                waiting.seen == call.count
            }
            _ => false,
        });
    }

    fn fire(&self, happened: impl FnMut(&mut Waiting) -> bool) {
        let mut waiting = self.waiting();
        for fired in waiting.extract_if(.., happened) {
            let _the_run_is_over = self.0.fired.send(fired.trigger);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a step is the one at which such a call counts: each call has one.
fn counts(call: &OnCall, moment: &Moment) -> bool {
    let step = match moment.step {
        Step::Arrived => !call.answered && call.region.is_none(),
        Step::Named => !call.answered && call.region.is_some(),
        Step::Ended(outcome) => call.answered && outcome == Outcome::Ok,
    };
    step && call.methods.mean(moment.method)
        && call.node.is_none_or(|node| node == moment.node)
        && (call.region.is_none() || call.region == moment.region)
}
