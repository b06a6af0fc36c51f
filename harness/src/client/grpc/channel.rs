//! A channel over one address: `pick_first`'s states, the redials, and the connections it has had.
//!
//! ```text
//!   dial ─► CONNECTING ──SETTINGS──► READY ──death, GOAWAY──► IDLE ──pick──► CONNECTING
//!               │ failed               ▲
//!               ▼                      │ SETTINGS
//!       TRANSIENT_FAILURE ─────────────┘   redials by itself; picks fail at once until READY
//! ```

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tonic::Status;
use unstuck_net::Net;

use super::DialOptions;
use super::backoff::Backoff;
use super::dial::dial;
use super::driver::Driver;
use super::keepalive::Keepalive;
use super::link::Link;
use super::status::{self, End};
use super::transport::Transport;
use crate::client::ctx::Ctx;
use crate::probe::wait;

/// gRPC's connectivity states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connectivity {
    /// Lost its connection; the next call connects.
    Idle,
    /// Connecting; calls wait.
    Connecting,
    /// Connected.
    Ready,
    /// Could not connect; tries again by itself, and calls fail until it succeeds.
    TransientFailure,
    /// Closed.
    Shutdown,
}

#[derive(Debug)]
enum Phase {
    Idle,
    Connecting,
    Ready(Arc<Transport>),
    Failing(Status),
    Closed,
}

/// The shared part of a channel.
#[derive(Debug)]
pub(super) struct Channel {
    target: SocketAddr,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Every connection with streams: the READY one, and those that drain.
    live: Vec<Arc<Transport>>,
    task: Option<AbortHandle>,
}

impl Channel {
    /// Starts to connect. The task ends with [`Channel::close`].
    pub(super) fn start(net: &Net, target: SocketAddr, options: DialOptions) -> Arc<Self> {
        let state = State { phase: Phase::Connecting, live: vec![], task: None };
        let channel = Arc::new(Self { target, state: Mutex::new(state), changed: Notify::new() });
        let task = tokio::spawn(run(channel.clone(), net.clone(), options));
        channel.state().task = Some(task.abort_handle());
        channel
    }

    pub(super) fn connectivity(&self) -> Connectivity {
        match self.state().phase {
            Phase::Idle => Connectivity::Idle,
            Phase::Connecting => Connectivity::Connecting,
            Phase::Ready(_) => Connectivity::Ready,
            Phase::Failing(_) => Connectivity::TransientFailure,
            Phase::Closed => Connectivity::Shutdown,
        }
    }
    /// The READY connection.
    pub(super) fn ready(&self) -> Option<Arc<Transport>> {
        match &self.state().phase {
            Phase::Ready(transport) => Some(transport.clone()),
            _ => None,
        }
    }

    /// The READY connection; waits while CONNECTING, fails at once in `TRANSIENT_FAILURE`.
    pub(super) async fn pick(&self, ctx: &Ctx) -> Result<Arc<Transport>, Status> {
        if let Some(error) = ctx.error() {
            return Err(status::of_ctx(error));
        }
        if let Some(result) = self.try_pick() {
            return result;
        }
        self.wait(ctx, "pick/connecting", || self.try_pick()).await
    }
    fn try_pick(&self) -> Option<Result<Arc<Transport>, Status>> {
        let mut state = self.state();
        match &state.phase {
            Phase::Ready(transport) => Some(Ok(transport.clone())),
            Phase::Failing(status) => Some(Err(status.clone())),
            Phase::Closed => Some(Err(status::closing())),
            Phase::Connecting => None,
            Phase::Idle => {
                self.enter(&mut state, Phase::Connecting);
                None
            }
        }
    }
    /// Waits until READY, through any number of failures.
    pub(super) async fn until_ready(&self, ctx: &Ctx) -> Result<(), Status> {
        self.wait(ctx, "Dial/connecting", || match self.try_pick()? {
            Ok(_ready) => Some(Ok(())),
            Err(_) if self.connectivity() == Connectivity::TransientFailure => None,
            Err(closed) => Some(Err(closed)),
        })
        .await
    }
    /// Connects, if it is IDLE.
    pub(super) fn connect(&self) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Idle) {
            self.enter(&mut state, Phase::Connecting);
        }
    }
    /// Waits until READY, through any number of failures, and does nothing for it: an IDLE channel stays so.
    pub(super) async fn watch_ready(&self, ctx: &Ctx) -> Result<(), Status> {
        self.wait(ctx, "waitConnReady", || match self.state().phase {
            Phase::Ready(_) => Some(Ok(())),
            Phase::Closed => Some(Err(status::closing())),
            Phase::Idle | Phase::Connecting | Phase::Failing(_) => None,
        })
        .await
    }
    async fn wait<T>(
        &self,
        ctx: &Ctx,
        site: &'static str,
        check: impl Fn() -> Option<Result<T, Status>>,
    ) -> Result<T, Status> {
        let changed = async {
            loop {
                let mut changed = std::pin::pin!(self.changed.notified());
                changed.as_mut().enable();
                if let Some(result) = check() {
                    return result;
                }
                changed.await;
            }
        };
        let link = Link { target: self.target, conn: 0 };
        match wait(link.site(site), ctx.run(changed)).await {
            Ok(result) => result,
            Err(error) => Err(status::of_ctx(error)),
        }
    }

    /// Ends every stream and every call, now and later.
    pub(super) fn close(&self) {
        let mut state = self.state();
        self.enter(&mut state, Phase::Closed);
        let live = std::mem::take(&mut state.live);
        let task = state.task.take();
        drop(state);
        for transport in live {
            transport.retire();
            transport.end_all(|_| End::Failed(status::closing()));
        }
        if let Some(task) = task {
            task.abort();
        }
    }

    fn connected(&self, transport: &Arc<Transport>) {
        let mut state = self.state();
        state.live.push(transport.clone());
        self.enter(&mut state, Phase::Ready(transport.clone()));
    }
    fn failed(&self, why: &str) {
        self.enter(&mut self.state(), Phase::Failing(status::of_connection(why)));
    }
    /// Every stream of this connection has ended.
    fn dead(&self, transport: &Arc<Transport>) {
        self.state().live.retain(|live| !Arc::ptr_eq(live, transport));
    }
    /// This connection takes no more streams.
    fn retired(&self, transport: &Arc<Transport>) {
        let mut state = self.state();
        if matches!(&state.phase, Phase::Ready(ready) if Arc::ptr_eq(ready, transport)) {
            self.enter(&mut state, Phase::Idle);
        }
    }
    fn is(&self, wanted: impl Fn(&Phase) -> bool) -> bool {
        wanted(&self.state().phase)
    }
    /// CLOSED is final.
    fn enter(&self, state: &mut State, phase: Phase) {
        if !matches!(state.phase, Phase::Closed) {
            state.phase = phase;
            self.changed.notify_waiters();
        }
    }
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Connects, and connects again whenever a call wants it. Owns the drivers of its connections.
async fn run(channel: Arc<Channel>, net: Net, options: DialOptions) {
    let mut drivers = JoinSet::new();
    let mut backoff = Backoff::new(options.backoff_base, options.backoff_max, options.seed);
    loop {
        let driver = connect(&channel, &net, &options, &mut backoff).await;
        channel.connected(&driver.transport);
        let owner = channel.clone();
        drivers.spawn(async move {
            let transport = driver.transport.clone();
            driver.run(|| owner.retired(&transport)).await;
            owner.dead(&transport);
        });
        loop {
            let mut changed = std::pin::pin!(channel.changed.notified());
            changed.as_mut().enable();
            if channel.is(|phase| matches!(phase, Phase::Connecting)) {
                break;
            }
            tokio::select! {
                biased;
                Some(_ended) = drivers.join_next() => {}
                () = changed => {}
            }
        }
    }
}

/// Tries until it succeeds.
async fn connect(
    channel: &Channel,
    net: &Net,
    options: &DialOptions,
    backoff: &mut Backoff,
) -> Driver<unstuck_net::Conn> {
    loop {
        let pause = backoff.next();
        match dial(net, channel.target, options.min_connect_timeout.max(pause)).await {
            Ok((up, number)) => {
                backoff.reset();
                let keepalive = options.keepalive_time.map(|time| {
                    Keepalive::new(time, options.keepalive_timeout, options.permit_without_stream)
                });
                return Driver {
                    transport: Arc::new(Transport::new(channel.target, number, up.h2)),
                    connection: up.connection,
                    seen: up.seen,
                    keepalive,
                };
            }
            Err(why) => {
                channel.failed(&why);
                tokio::time::sleep(pause).await;
            }
        }
    }
}
