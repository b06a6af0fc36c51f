//! What a process runs, and how it ends.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use hyper::rt::Executor;
use pin_project_lite::pin_project;
use tokio::task::JoinSet;

use crate::freeze::Gate;

/// All tasks of one process, from its start to its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Tasks {
    running: Arc<Mutex<Running>>,
    gate: Arc<Gate>,
}

#[derive(Debug, Default)]
struct Running {
    tasks: JoinSet<()>,
    ended: bool,
}

impl Tasks {
    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Where all tasks stand while the process is frozen.
    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }
    /// Runs a task until the process ends; not at all where it has: a task that is being ended may still start others.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut running = self.lock();
        if running.ended {
            return;
        }
        while running.tasks.try_join_next().is_some() {}
        running.tasks.spawn(self.gate.clone().holding(task));
    }
    /// The same for the task that opens a process's doors: it runs even where the process is frozen at once.
    pub(super) fn open(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut running = self.lock();
        if !running.ended {
            running.tasks.spawn(task);
        }
    }
    /// Ends all tasks: none of them runs again.
    pub(super) fn end(&self) {
        let mut running = self.lock();
        running.ended = true;
        running.tasks.abort_all();
    }
    pub(super) fn ended(&self) -> bool {
        self.lock().ended
    }
    /// Ends all tasks and waits until they are gone, with all that they held.
    pub(super) async fn gone(&self) {
        self.end();
        let mut tasks = std::mem::take(&mut self.lock().tasks);
        tasks.shutdown().await;
    }
}

/// Runs the handlers of a process's connections, and counts them.
#[derive(Clone, Debug)]
pub(super) struct Handlers {
    pub(super) tasks: Tasks,
    pub(super) streams: Arc<AtomicU64>,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Handlers {
    fn execute(&self, handler: F) {
        self.tasks.spawn(Handler { handler, _counted: Counted::new(&self.streams) });
    }
}

pin_project! {
    /// One handler, counted. Not an async block: that would keep the handler, which is large, twice.
    struct Handler<F> {
        #[pin]
        handler: F,
        _counted: Counted,
    }
}

impl<F: Future<Output = ()>> Future for Handler<F> {
    type Output = ();
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().handler.poll(cx)
    }
}

/// Counts while it lives.
struct Counted(Arc<AtomicU64>);

impl Counted {
    fn new(count: &Arc<AtomicU64>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
