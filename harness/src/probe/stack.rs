//! The stack of one task: the functions it is in, and the wait on top.

use std::future::Future;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;
use unstuck_net::Clock;
use unstuck_record::{Frame, Resource, Wait};

use super::lock;
use super::tasks::{Current, frame_at};

tokio::task_local! {
    pub(super) static CURRENT: Current;
}

/// One level of a task's stack.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) token: u64,
    pub(super) frame: Frame,
    wait: Option<(Site, Instant)>,
}

impl Entry {
    pub(super) fn wait(&self, clock: &Clock) -> Option<Wait> {
        self.wait.as_ref().map(|(site, since)| Wait {
            site: site.name.to_owned(),
            resource: match &site.resource {
                Awaited::Fixed(resource) => resource.clone(),
                Awaited::Actors(actors) => actors.resource(),
                Awaited::Held(holder) => lock::resource(site.name, holder),
            },
            since_ms: clock.ms_at(*since),
            idle: site.idle,
            detail: site.detail.clone(),
        })
    }
}

/// A named point where a task waits, and what for.
#[derive(Clone, Debug)]
pub struct Site {
    name: &'static str,
    resource: Awaited,
    idle: bool,
    detail: String,
}

/// What is awaited; what changes meanwhile is looked up when a dump asks.
#[derive(Clone, Debug)]
enum Awaited {
    Fixed(Resource),
    Actors(Actors),
    Held(Arc<Mutex<Option<u64>>>),
}

impl Site {
    /// A wait for `resource`.
    pub fn new(name: &'static str, resource: Resource) -> Self {
        Self::of(name, Awaited::Fixed(resource))
    }
    /// A wait for a channel or the like, on which the tasks of `actors` can act.
    pub fn on(name: &'static str, actors: &Actors) -> Self {
        Self::of(name, Awaited::Actors(actors.clone()))
    }
    /// A wait for a lock, whose holder is whoever `holder` says at the time of a dump.
    pub(super) fn held(name: &'static str, holder: Arc<Mutex<Option<u64>>>) -> Self {
        Self::of(name, Awaited::Held(holder))
    }
    fn of(name: &'static str, resource: Awaited) -> Self {
        Self { name, resource, idle: false, detail: String::new() }
    }
    /// Waiting here for ever is normal: a worker without a job, a watcher.
    pub fn idle(mut self) -> Self {
        self.idle = true;
        self
    }
    /// Something a reader of the dump should know.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

/// The tasks that can act on one channel, counter or condition: whoever waits for it waits for one of them.
#[derive(Clone, Debug)]
pub struct Actors(Arc<(String, Mutex<Vec<u64>>)>);

impl Actors {
    /// Nobody yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self(Arc::new((name.into(), Mutex::default())))
    }
    /// Counts the current task among them until the guard drops. Outside a client's task it counts nobody.
    #[must_use = "the task stops being an actor when this guard drops"]
    pub fn join(&self) -> ActorGuard {
        let id = CURRENT.try_with(|current| current.id).unwrap_or(0);
        self.list().push(id);
        ActorGuard { actors: self.clone(), id }
    }
    fn resource(&self) -> Resource {
        let mut actors: Vec<u64> = self.list().iter().copied().filter(|&id| id != 0).collect();
        actors.sort_unstable();
        actors.dedup();
        Resource::Channel { name: self.0.0.clone(), actors }
    }
    fn list(&self) -> std::sync::MutexGuard<'_, Vec<u64>> {
        self.0.1.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts its task among the [`Actors`] while it lives.
#[derive(Debug)]
pub struct ActorGuard {
    actors: Actors,
    id: u64,
}

impl Drop for ActorGuard {
    fn drop(&mut self) {
        let mut list = self.actors.list();
        if let Some(index) = list.iter().position(|&id| id == self.id) {
            list.swap_remove(index);
        }
    }
}

/// Runs `future` as the function `name` on the current task's stack.
#[track_caller]
pub fn frame<F: Future>(name: &'static str, future: F) -> impl Future<Output = F::Output> {
    entered(frame_at(name, Location::caller()), None, future)
}

/// Waits for `future` at a named site. Time counts from the first poll.
#[track_caller]
pub fn wait<F: Future>(site: Site, future: F) -> impl Future<Output = F::Output> {
    wait_at(Location::caller(), site, future)
}

pub(super) fn wait_at<F: Future>(
    at: &Location<'_>,
    site: Site,
    future: F,
) -> impl Future<Output = F::Output> + use<F> {
    entered(frame_at(site.name, at), Some(site), future)
}

/// Notes that the current task has done useful work.
pub fn progressed() {
    let _outside_a_task = CURRENT.try_with(Current::progressed);
}

async fn entered<F: Future>(frame: Frame, site: Option<Site>, future: F) -> F::Output {
    let Ok(current) = CURRENT.try_with(Clone::clone) else { return future.await };
    let token = current.token();
    current.enter(Entry { token, frame, wait: site.map(|site| (site, Instant::now())) });
    let _left = Left { current, token };
    future.await
}

struct Left {
    current: Current,
    token: u64,
}

impl Drop for Left {
    fn drop(&mut self) {
        self.current.leave(self.token);
    }
}
