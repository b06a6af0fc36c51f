//! One node's process: a listener, its connections, their handlers. They end together.
//!
//! ```text
//! Port ── accept ──► connection (HTTP/2, one task) ──► handler (one task a stream)
//!           └────────────────┴──── all in one `Tasks`: stop() aborts them ───┘
//! ```

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::service::Routes;
use unstuck_net::{Conn, Port};

use crate::gate::{Gate, Severed};

/// What a node grants to a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// SETTINGS_MAX_CONCURRENT_STREAMS.
    pub(crate) max_concurrent_streams: u32,
    /// Bytes of a stream that may arrive before a handler reads them.
    pub(crate) stream_window: u32,
    /// A connection is pinged after so long without a byte from it.
    pub(crate) keepalive_time: Duration,
    /// It is closed after so long without an answer.
    pub(crate) keepalive_timeout: Duration,
}

/// Bytes of a connection that may arrive before handlers read them. A store's gRPC library widens the connection's window
/// with what its streams have open, so one slow stream never holds up another: this is wide enough for the same.
///
/// Half of it is also h2's budget for small DATA frames that no handler has read yet (at most 256 bytes each): 131,000 of
/// them before it ends the connection for abuse, where 1024 streams have one or two. hyper has no other knob for that.
const CONNECTION_WINDOW: u32 = 64 << 20;

/// Streams that a client may reset before they were accepted, and that we may reset for its errors, before the HTTP/2 stack
/// ends the connection for abuse. Its defaults (20 and 1024) are below what a store bears: a client that gives up all its
/// 1024 streams at once must meet a live connection. Still a bound, against floods.
const RESETS: usize = 100_000;

/// How long to wait before accepting again when the system refuses (out of descriptors, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A node's process, running or not. The port stays reserved.
#[derive(Debug)]
pub(crate) struct Server {
    port: Arc<Port>,
    routes: Routes,
    gate: Gate,
    limits: Limits,
    tasks: Tasks,
    streams: Arc<AtomicU64>,
}

impl Server {
    /// A process that does not run yet.
    pub(crate) fn new(port: Port, routes: Routes, gate: Gate, limits: Limits) -> Self {
        let (tasks, streams) = (Tasks::default(), Arc::default());
        Self { port: Arc::new(port), routes: routes.prepare(), gate, limits, tasks, streams }
    }

    /// Listens, for the first time.
    pub(crate) fn start(&mut self) -> io::Result<()> {
        let listener = self.port.listen()?;
        self.tasks.spawn(accept(listener, self.process()));
        Ok(())
    }

    /// Listens again, as soon as what [`Server::stop`] ended is gone; calls `failed` where the port cannot be had.
    pub(crate) fn restart(&mut self, failed: impl FnOnce(io::Error) + Send + 'static) {
        let mut before = std::mem::take(&mut *self.tasks.lock());
        let (port, process) = (self.port.clone(), self.process());
        self.tasks.spawn(async move {
            before.shutdown().await;
            match port.listen() {
                Ok(listener) => accept(listener, process).await,
                Err(error) => failed(error),
            }
        });
    }

    /// Ends the listener, all connections and all handlers: none of them runs again.
    pub(crate) fn stop(&mut self) {
        self.tasks.lock().abort_all();
    }

    /// Streams whose handlers run.
    pub(crate) fn open_streams(&self) -> u64 {
        self.streams.load(Ordering::Relaxed)
    }

    fn process(&self) -> Process {
        let limits = self.limits;
        let handlers = Handlers { tasks: self.tasks.clone(), streams: self.streams.clone() };
        let mut http = http2::Builder::new(handlers);
        http.timer(TokioTimer::new())
            // the wall clock must not reach a byte of the wire
            .auto_date_header(false)
            .max_concurrent_streams(limits.max_concurrent_streams)
            .keep_alive_interval(limits.keepalive_time)
            .keep_alive_timeout(limits.keepalive_timeout)
            .initial_stream_window_size(limits.stream_window)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_pending_accept_reset_streams(RESETS)
            .max_local_error_reset_streams(RESETS);
        let silence = limits.keepalive_time.saturating_add(limits.keepalive_timeout);
        let (routes, gate) = (self.routes.clone(), self.gate.clone());
        Process { http, routes, gate, tasks: self.tasks.clone(), silence }
    }
}

/// What an accept loop needs.
struct Process {
    http: http2::Builder<Handlers>,
    routes: Routes,
    gate: Gate,
    tasks: Tasks,
    silence: Duration,
}

async fn accept(mut listener: unstuck_net::Listener, process: Process) {
    loop {
        let Ok((conn, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let heard = Heard::now();
        let io = TokioIo::new(Hearing { conn, heard: heard.clone() });
        let (routes, noting) = (TowerToHyperService::new(process.routes.clone()), heard.clone());
        let (gate, severed) = (process.gate.clone(), Severed::default());
        let connection = severed.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let noting = noting.clone();
            let request = request.map(|body| Noting { body, heard: noting });
            gate.pass(&routes, request, &connection)
        });
        let serving = process.http.serve_connection(io, service);
        let silence = process.silence;
        process.tasks.spawn(async move {
            tokio::select! {
                biased;
                // an error is the peer's (it left, or it does not speak HTTP/2): the connection ends, nothing else
                _ = serving => {}
                () = heard.silent_for(silence) => {}
                () = severed.severed() => {}
            }
        });
    }
}

/// All tasks of one process.
#[derive(Clone, Debug, Default)]
struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl Tasks {
    fn lock(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.lock();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }
}

/// Runs the handlers of a process's connections, and counts them.
#[derive(Clone, Debug)]
struct Handlers {
    tasks: Tasks,
    streams: Arc<AtomicU64>,
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

/// When a connection last brought a byte, or a handler last took one that had been waiting.
///
/// The latter counts because hyper counts it: it pings only once neither has happened for its interval, so a peer that was
/// not asked must not be taken for one that does not answer.
///
/// The HTTP/2 stack pings, but a ping that is not answered makes it say goodbye first, which takes forever where the peer
/// does not read either. A store's gRPC library closes the socket: so does whoever waits on this.
#[derive(Clone, Debug)]
struct Heard(Arc<Mutex<Instant>>);

impl Heard {
    fn now() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
    fn lock(&self) -> MutexGuard<'_, Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Waits until nothing has come for so long.
    async fn silent_for(&self, silence: Duration) {
        loop {
            let Some(end) = self.lock().checked_add(silence) else { return std::future::pending().await };
            if end <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(end).await;
        }
    }
}

/// A request's body that notes when the handler takes some of it.
struct Noting {
    body: Incoming,
    heard: Heard,
}

impl Body for Noting {
    type Data = <Incoming as Body>::Data;
    type Error = <Incoming as Body>::Error;
    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(_))) = &polled {
            *self.heard.lock() = Instant::now();
        }
        polled
    }
    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection that notes when it brings bytes.
struct Hearing {
    conn: Conn,
    heard: Heard,
}

impl AsyncRead for Hearing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.conn).poll_read(cx, buf);
        if buf.filled().len() > before {
            *self.heard.lock() = Instant::now();
        }
        read
    }
}

impl AsyncWrite for Hearing {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.conn).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.conn).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.conn).poll_shutdown(cx)
    }
}
