//! The tasks of one client: spawned by name, dumped at any moment, aborted together.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinError, JoinHandle};
use tokio::time::Instant;
use unstuck_net::Clock;
use unstuck_record::{Frame, Resource, Task, TaskDump};

use super::stack::{CURRENT, Entry, Site, wait};

/// So many polls of one task at one instant are a spin. A busy but sane task needs a few dozen; tokio's own
/// budget makes even an endless loop over ready futures yield after 128 operations, so each poll here is a turn
/// of the scheduler.
pub const SPIN_POLLS: u64 = 100_000;

/// The tasks of one client. Cheap to clone. [`Tasks::abort_all`] ends them; dropping a clone does nothing.
#[derive(Clone, Debug)]
pub struct Tasks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    state: Mutex<State>,
    spun: Notify,
}

#[derive(Debug, Default)]
struct State {
    last_id: u64,
    tasks: BTreeMap<u64, Entered>,
    spin: Option<Spin>,
    closed: bool,
}

/// A task that was polled without end at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spin {
    /// The task.
    pub task: u64,
    /// Its name.
    pub name: String,
    /// How often it was polled at that instant.
    pub polls: u64,
}

#[derive(Debug)]
struct Entered {
    name: String,
    created_by: Frame,
    parent: u64,
    since: Instant,
    polled: Instant,
    polls_at_this_instant: u64,
    progress: Option<Instant>,
    /// By the token that takes an entry off again.
    stack: Vec<(u64, Entry)>,
    last_token: u64,
    abort: Option<AbortHandle>,
}

/// A spawned task that can be waited for.
#[derive(Debug)]
pub struct Joinable<T> {
    id: u64,
    handle: JoinHandle<T>,
}

impl<T> Joinable<T> {
    /// The task's id.
    pub fn id(&self) -> u64 {
        self.id
    }
    /// Ends the task at its next wait.
    pub fn abort(&self) {
        self.handle.abort();
    }
    /// Waits for the task's end, at a wait site of that name.
    #[track_caller]
    pub fn join(self, site: &'static str) -> impl Future<Output = Result<T, JoinError>> {
        wait(Site::new(site, Resource::Join { tasks: vec![self.id] }), self.handle)
    }
}

impl Tasks {
    /// No tasks yet; times count from the start of `clock`.
    pub fn new(clock: Clock) -> Self {
        Self(Arc::new(Inner { clock, state: Mutex::default(), spun: Notify::new() }))
    }

    /// The clock that ages are taken from.
    pub fn clock(&self) -> Clock {
        self.0.clock
    }

    /// Starts a task of the client. After [`Tasks::abort_all`] it ends before its first poll.
    #[track_caller]
    pub fn spawn<F>(&self, name: impl Into<String>, future: F) -> Joinable<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let name = name.into();
        let created_by = frame_at(&name, Location::caller());
        let parent = CURRENT.try_with(|current| current.id).unwrap_or(0);
        let now = Instant::now();
        let mut state = self.state();
        state.last_id += 1;
        let id = state.last_id;
        state.tasks.insert(
            id,
            Entered {
                name,
                created_by,
                parent,
                since: now,
                polled: now,
                polls_at_this_instant: 0,
                progress: None,
                stack: vec![],
                last_token: 0,
                abort: None,
            },
        );
        let closed = state.closed;
        drop(state);
        let current = Current { tasks: self.clone(), id };
        let tracked =
            Tracked { exit: Exit(current.clone()), future: Box::pin(CURRENT.scope(current, future)) };
        let handle = tokio::spawn(tracked);
        if closed {
            handle.abort();
        } else if let Some(entered) = self.state().tasks.get_mut(&id) {
            entered.abort = Some(handle.abort_handle());
        }
        Joinable { id, handle }
    }

    /// Every task alive, by id.
    pub fn dump(&self) -> TaskDump {
        TaskDump { at_ms: self.0.clock.ms(), ..self.dump_outside() }
    }

    /// The same from outside the run's runtime, where its clock cannot be read: `at_ms` is 0.
    pub fn dump_outside(&self) -> TaskDump {
        let clock = self.0.clock;
        let state = self.state();
        let tasks = state.tasks.iter().map(|(&id, task)| Task {
            id,
            name: task.name.clone(),
            created_by: task.created_by.clone(),
            parent: task.parent,
            since_ms: clock.ms_at(task.since),
            polled_ms: clock.ms_at(task.polled),
            progress_ms: task.progress.map(|at| clock.ms_at(at)),
            wait: task.stack.iter().rev().find_map(|(_, entry)| entry.wait(&clock)),
            frames: task.stack.iter().rev().map(|(_, entry)| entry.frame()).collect(),
            foreign: None,
        });
        TaskDump { tasks: tasks.collect(), ..TaskDump::default() }
    }

    /// Tokio's ids of the tasks alive, with ours and their names, to find them in tokio's own dump.
    pub fn tokio_ids(&self) -> BTreeMap<String, (u64, String)> {
        let state = self.state();
        let known = state.tasks.iter().filter_map(|(&id, task)| {
            let abort = task.abort.as_ref()?;
            Some((abort.id().to_string(), (id, task.name.clone())))
        });
        known.collect()
    }

    /// How many tasks are alive.
    pub fn alive(&self) -> u64 {
        self.state().tasks.len() as u64
    }

    /// Waits until some task spins.
    pub async fn spin(&self) -> Spin {
        loop {
            let notified = self.0.spun.notified();
            if let Some(spin) = self.state().spin.clone() {
                return spin;
            }
            notified.await;
        }
    }

    /// Ends every task at its next wait, and every task spawned later before it begins.
    pub fn abort_all(&self) {
        let mut state = self.state();
        state.closed = true;
        let handles: Vec<_> = state.tasks.values_mut().filter_map(|task| task.abort.take()).collect();
        drop(state);
        handles.iter().for_each(AbortHandle::abort);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn polled(&self, id: u64) {
        let now = Instant::now();
        let mut state = self.state();
        let Some(task) = state.tasks.get_mut(&id) else { return };
        if task.polled == now {
            task.polls_at_this_instant += 1;
        } else {
            task.polled = now;
            task.polls_at_this_instant = 1;
        }
        if task.polls_at_this_instant == SPIN_POLLS {
            let spin = Spin { task: id, name: task.name.clone(), polls: SPIN_POLLS };
            if let Some(abort) = task.abort.take() {
                abort.abort();
            }
            state.spin.get_or_insert(spin);
            drop(state);
            self.0.spun.notify_waiters();
        }
    }
}

/// The task that runs now, and where it is registered.
#[derive(Clone, Debug)]
pub(super) struct Current {
    tasks: Tasks,
    pub(super) id: u64,
}

impl Current {
    /// Puts `entry` on top of this task's stack; the token takes it off.
    pub(super) fn enter(&self, entry: Entry) -> u64 {
        let mut state = self.tasks.state();
        let Some(task) = state.tasks.get_mut(&self.id) else { return 0 };
        task.last_token += 1;
        task.stack.push((task.last_token, entry));
        task.last_token
    }
    /// Takes the entry with this token off, wherever it stands: branches of one task end in any order.
    pub(super) fn leave(&self, token: u64) {
        if let Some(task) = self.tasks.state().tasks.get_mut(&self.id)
            && let Some(index) = task.stack.iter().rposition(|(of, _)| *of == token)
        {
            task.stack.remove(index);
        }
    }
    pub(super) fn progressed(&self) {
        if let Some(task) = self.tasks.state().tasks.get_mut(&self.id) {
            task.progress = Some(Instant::now());
        }
    }
}

/// Takes the task off the list when it ends, however it ends.
struct Exit(Current);

impl Drop for Exit {
    fn drop(&mut self) {
        self.0.tasks.state().tasks.remove(&self.0.id);
    }
}

struct Tracked<F> {
    // dropped first: what the future still holds may leave the stack
    future: Pin<Box<F>>,
    exit: Exit,
}

impl<F: Future> Future for Tracked<F> {
    type Output = F::Output;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let current = &self.exit.0;
        current.tasks.polled(current.id);
        self.future.as_mut().poll(cx)
    }
}

pub(super) fn frame_at(function: &str, at: &Location<'_>) -> Frame {
    Frame { function: function.to_owned(), file: at.file().replace('\\', "/"), line: at.line() }
}
