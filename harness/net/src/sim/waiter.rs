//! A task that waits on a connection, and the timer that wakes it.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Waker};

use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// One direction of one end can have one waiting task. Whoever causes an event sets the timer on the waiting
/// task's behalf, so that the task is polled when the event arrives and not before.
#[derive(Debug, Default)]
pub(super) struct Waiter {
    waker: Option<Waker>,
    /// When the timer fires, if it is set.
    armed: Option<Instant>,
    /// Kept for reuse.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Waiter {
    /// The task of `cx` waits, until `at` if an event is already known to arrive then.
    pub(super) fn wait(&mut self, cx: &Context<'_>, at: Option<Instant>) {
        match &mut self.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => self.waker = Some(cx.waker().clone()),
        }
        self.armed = None;
        if let Some(at) = at {
            self.wake_at(at);
        }
    }

    /// Wakes the waiting task, if there is one, at `at` or earlier.
    pub(super) fn wake_at(&mut self, at: Instant) {
        let Some(waker) = &self.waker else { return };
        if self.armed.is_some_and(|armed| armed <= at) {
            return;
        }
        if tokio::runtime::Handle::try_current().is_err() {
            // The runtime is gone or going: there is no clock to wait for, and nobody left who would.
            waker.wake_by_ref();
            return;
        }
        self.armed = Some(at);
        let timer = match &mut self.timer {
            Some(timer) => {
                timer.as_mut().reset(at);
                timer
            }
            None => self.timer.insert(Box::pin(sleep_until(at))),
        };
        // Unconstrained: it is not the waiting task whose budget would be charged.
        let timer = pin!(unconstrained(timer.as_mut()));
        if timer.poll(&mut Context::from_waker(waker)).is_ready() {
            waker.wake_by_ref();
        }
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.waker.is_some()
    }

    /// The waiting task, to be woken now. It waits no more.
    pub(super) fn take(&mut self) -> Option<Waker> {
        self.waker.take()
    }
}
