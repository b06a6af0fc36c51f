//! The stack of one task: the functions it is in, and the wait on top.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::time::Instant;
use unstuck_net::Clock;
use unstuck_record::{Frame, Resource, Wait};

use super::lock;
use super::tasks::{Current, frame_at};

tokio::task_local! {
    pub(super) static CURRENT: Current;
}

/// One level of a task's stack. Whatever costs something to say is said when a dump asks.
#[derive(Debug)]
pub(super) struct Entry {
    function: &'static str,
    at: &'static Location<'static>,
    wait: Option<(Site, Instant)>,
}

impl Entry {
    pub(super) fn frame(&self) -> Frame {
        frame_at(self.function, self.at)
    }
    pub(super) fn wait(&self, clock: &Clock) -> Option<Wait> {
        self.wait.as_ref().map(|(site, since)| Wait {
            site: site.name.to_owned(),
            resource: match &site.resource {
                Awaited::Fixed(resource) => resource.clone(),
                Awaited::Peer(addr, conn) => Resource::Link { addr: addr.to_string(), conn: *conn },
                Awaited::Actors(actors) => actors.resource(),
                Awaited::Held(holder) => lock::resource(site.name, holder),
            },
            since_ms: clock.ms_at(*since),
            idle: site.idle,
            detail: site.detail.now(),
        })
    }
}

/// A named point where a task waits, and what for.
#[derive(Clone, Debug)]
pub struct Site {
    name: &'static str,
    resource: Awaited,
    idle: bool,
    detail: Detail,
}

/// What a reader should know besides.
#[derive(Clone)]
enum Detail {
    Fixed(String),
    Asked(Arc<dyn Fn() -> String + Send + Sync>),
}

impl Detail {
    fn now(&self) -> String {
        match self {
            Self::Fixed(text) => text.clone(),
            Self::Asked(ask) => ask(),
        }
    }
}

impl fmt::Debug for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.now())
    }
}

/// What is awaited; what changes meanwhile is looked up when a dump asks.
#[derive(Clone, Debug)]
enum Awaited {
    Fixed(Resource),
    Peer(SocketAddr, u64),
    Actors(Actors),
    Held(Arc<Mutex<Option<u64>>>),
}

impl Site {
    /// A wait for `resource`.
    pub fn new(name: &'static str, resource: Resource) -> Self {
        Self::of(name, Awaited::Fixed(resource))
    }
    /// A wait for the peer at `addr`, over the connection of that number (0: none yet).
    pub fn peer(name: &'static str, addr: SocketAddr, conn: u64) -> Self {
        Self::of(name, Awaited::Peer(addr, conn))
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
        Self { name, resource, idle: false, detail: Detail::Fixed(String::new()) }
    }
    /// Waiting here for ever is normal: a worker without a job, a watcher.
    pub fn idle(mut self) -> Self {
        self.idle = true;
        self
    }
    /// Something a reader of the dump should know.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Detail::Fixed(detail.into());
        self
    }
    /// The same, as it is when a dump asks: what another task has done meanwhile.
    pub fn detail_now(mut self, ask: impl Fn() -> String + Send + Sync + 'static) -> Self {
        self.detail = Detail::Asked(Arc::new(ask));
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
    Entered::new(name, Location::caller(), None, future)
}

/// Waits for `future` at a named site. Time counts from the first poll.
#[track_caller]
pub fn wait<F: Future>(site: Site, future: F) -> impl Future<Output = F::Output> {
    wait_at(Location::caller(), site, future)
}

pub(super) fn wait_at<F: Future>(
    at: &'static Location<'static>,
    site: Site,
    future: F,
) -> impl Future<Output = F::Output> + use<F> {
    Entered::new(site.name, at, Some(site), future)
}

/// Notes that the current task has done useful work.
pub fn progressed() {
    let _outside_a_task = CURRENT.try_with(Current::progressed);
}

pin_project! {
    /// A future that stands on its task's stack from its first poll to its end. Not an async function: those keep
    /// what they are given twice, so that nested frames would double in size with every level.
    struct Entered<F> {
        #[pin]
        future: Option<F>,
        function: &'static str,
        at: &'static Location<'static>,
        site: Option<Site>,
        place: Place,
    }
}

/// Where an [`Entered`] stands.
#[derive(Debug)]
enum Place {
    Unpolled,
    OnStack {
        _left: Left,
    },
    /// Polled outside of a client's task, or over.
    Nowhere,
}

impl<F> Entered<F> {
    fn new(function: &'static str, at: &'static Location<'static>, site: Option<Site>, future: F) -> Self {
        Self { future: Some(future), function, at, site, place: Place::Unpolled }
    }
}

impl<F: Future> Future for Entered<F> {
    type Output = F::Output;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if let Place::Unpolled = this.place {
            let site = this.site.take();
            *this.place = CURRENT
                .try_with(|current| {
                    let wait = site.map(|site| (site, Instant::now()));
                    let token = current.enter(Entry { function: this.function, at: this.at, wait });
                    Place::OnStack { _left: Left { current: current.clone(), token } }
                })
                .unwrap_or(Place::Nowhere);
        }
        let future = this.future.as_mut().as_pin_mut();
        let output = ready!(future.expect("it is not polled after its end").poll(cx));
        // what it still holds goes while it is on the stack
        this.future.set(None);
        *this.place = Place::Nowhere;
        Poll::Ready(output)
    }
}

/// Takes its entry off the stack when it drops.
#[derive(Debug)]
struct Left {
    current: Current,
    token: u64,
}

impl Drop for Left {
    fn drop(&mut self) {
        self.current.leave(self.token);
    }
}
