//! How many streams a connection may have open, and the queue of those who wait for one to end.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// The streams that a connection may have open. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Quota(Arc<Mutex<Counts>>);

#[derive(Debug)]
struct Counts {
    open: usize,
    max: usize,
    waiting: VecDeque<oneshot::Sender<Permit>>,
}

/// One stream's place. Dropping it lets the next one in.
#[derive(Debug)]
pub(super) struct Permit(Quota);

/// A place, or a place in the queue.
#[derive(Debug)]
pub(super) enum Turn {
    Now(Permit),
    Later(oneshot::Receiver<Permit>),
}

impl Quota {
    pub(super) fn new(max: usize) -> Self {
        Self(Arc::new(Mutex::new(Counts { open: 0, max, waiting: VecDeque::new() })))
    }
    /// Asks for a place; those who asked before come first.
    pub(super) fn ask(&self) -> Turn {
        let mut counts = self.counts();
        counts.waiting.retain(|waiter| !waiter.is_closed());
        if counts.open < counts.max && counts.waiting.is_empty() {
            counts.open += 1;
            return Turn::Now(Permit(self.clone()));
        }
        let (waiter, turn) = oneshot::channel();
        counts.waiting.push_back(waiter);
        Turn::Later(turn)
    }
    /// The peer allows `max` from now on; what is open stays open.
    pub(super) fn set_max(&self, max: usize) {
        let mut counts = self.counts();
        if counts.max != max {
            counts.max = max;
            drop(counts);
            self.grant();
        }
    }
    /// Streams open, streams allowed.
    pub(super) fn usage(&self) -> (usize, usize) {
        let counts = self.counts();
        (counts.open, counts.max)
    }
    fn grant(&self) {
        loop {
            let mut counts = self.counts();
            if counts.open >= counts.max {
                return;
            }
            let Some(waiter) = counts.waiting.pop_front() else { return };
            if waiter.is_closed() {
                continue;
            }
            counts.open += 1;
            drop(counts);
            // Should it be gone by now, the permit comes back and drops here.
            let _permit_of_one_gone = waiter.send(Permit(self.clone()));
        }
    }
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.counts().open -= 1;
        self.0.grant();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(quota: &Quota) -> oneshot::Receiver<Permit> {
        match quota.ask() {
            Turn::Later(turn) => turn,
            Turn::Now(_) => panic!("the quota is used up"),
        }
    }

    #[test]
    fn places_go_to_the_longest_waiting_first() {
        let quota = Quota::new(1);
        let Turn::Now(held) = quota.ask() else { panic!("the quota is free") };
        let (mut first, mut second) = (later(&quota), later(&quota));
        drop(held);
        let held = first.try_recv().unwrap();
        assert!(second.try_recv().is_err());
        drop(held);
        assert!(second.try_recv().is_ok());
    }

    #[test]
    fn whoever_gave_up_is_passed_over_and_a_granted_but_unused_place_returns() {
        let quota = Quota::new(1);
        let Turn::Now(held) = quota.ask() else { panic!("the quota is free") };
        let (gone, granted, mut last) = (later(&quota), later(&quota), later(&quota));
        drop(gone);
        drop(held);
        assert!(last.try_recv().is_err());
        drop(granted);
        assert!(last.try_recv().is_ok());
        assert_eq!(quota.usage(), (0, 1));
    }

    #[test]
    fn a_raised_limit_lets_waiters_in_and_a_lowered_one_ends_nobody() {
        let quota = Quota::new(0);
        let (mut first, mut second) = (later(&quota), later(&quota));
        quota.set_max(1);
        let held = first.try_recv().unwrap();
        assert!(second.try_recv().is_err());
        quota.set_max(0);
        assert_eq!(quota.usage(), (1, 0));
        drop(held);
        assert!(second.try_recv().is_err());
        quota.set_max(5);
        assert!(second.try_recv().is_ok());
    }
}
