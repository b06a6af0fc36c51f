//! A gate that tasks stand at while their process is frozen.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

/// Open, or closed: then none of its tasks is polled, whatever happens to what they wait for.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    closed: AtomicBool,
    tasks: AtomicU64,
    /// Those that would have run.
    held: Mutex<BTreeMap<u64, Waker>>,
}

impl Gate {
    /// The same task, behind this gate.
    pub(crate) fn holding<F>(self: Arc<Self>, task: F) -> Held<F> {
        let id = self.tasks.fetch_add(1, Ordering::Relaxed);
        Held { task, id, gate: self }
    }
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }
    pub(crate) fn open(&self) {
        self.closed.store(false, Ordering::SeqCst);
        for (_, waker) in std::mem::take(&mut *self.lock()) {
            waker.wake();
        }
    }
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Waker>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Whether a task has to wait; it is woken when the gate opens.
    fn holds(&self, task: u64, cx: &Context<'_>) -> bool {
        if !self.closed.load(Ordering::SeqCst) {
            return false;
        }
        let mut held = self.lock();
        // it may have opened before the lock was had: whoever opens looks at what is held afterwards
        if !self.closed.load(Ordering::SeqCst) {
            return false;
        }
        held.insert(task, cx.waker().clone());
        true
    }
}

pin_project! {
    /// A task behind a [`Gate`].
    pub(crate) struct Held<F> {
        #[pin]
        task: F,
        id: u64,
        gate: Arc<Gate>,
    }
}

impl<F: Future> Future for Held<F> {
    type Output = F::Output;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if this.gate.holds(*this.id, cx) { Poll::Pending } else { this.task.poll(cx) }
    }
}
