//! One node's process: its listeners, their connections, their handlers. They end together.
//!
//! ```text
//! Door ── accept ──► connection (one task) ── HTTP/2 ──► handler (one task a stream)
//!   │                     │  └──────────────── HTTP/1 ──► handler (in the connection's task)
//!   └─────────────────────┴── all in one `Tasks`: stop() aborts them, freeze() holds them ──┘
//! ```
//!
//! * `tasks`: what a process runs, and how it ends
//! * `heard`: whether a connection's peer still says anything
//! * `protocol`: which protocol a connection speaks

mod heard;
mod protocol;
mod tasks;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::middleware::from_fn;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tonic::service::Routes;
use unstuck_net::{Conn, Port};

use heard::{Heard, Hearing, Noting};
use protocol::{Protocol, protocol_of};
use tasks::{Handlers, Tasks};

use crate::gate::{self, Connection, Gate};

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

/// How long a client may take to say which protocol it speaks, and for the head of each HTTP/1 request. Longer than Go's
/// client keeps an idle connection (90 s): the wait for the next request counts.
const HEAD_TIMEOUT: Duration = Duration::from_secs(120);

/// How long a client of a port that speaks nothing but gRPC may take for its HTTP/2 preface and SETTINGS; what the gRPC
/// core grants (`grpc.server_handshake_timeout_ms`).
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(120);

/// One port, and what it answers.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    port: Arc<Port>,
    gate: Gate,
    grpc: Routes,
    http: Option<axum::Router>,
}

impl Door {
    /// A port that speaks gRPC, and HTTP/1 where there are routes for it.
    pub(crate) fn new(port: Port, gate: Gate, grpc: Routes, http: Option<axum::Router>) -> Self {
        let http = http.map(|routes| routes.layer(from_fn(gate::http)));
        Self { port: Arc::new(port), gate, grpc: grpc.prepare(), http }
    }
}

/// A node's process, running or not. Its ports stay reserved.
#[derive(Debug)]
pub(crate) struct Server {
    doors: Vec<Door>,
    limits: Limits,
    tasks: Tasks,
    streams: Arc<AtomicU64>,
}

impl Server {
    /// A process that does not run yet.
    pub(crate) fn new(door: Door, limits: Limits) -> Self {
        Self { doors: vec![door], limits, tasks: Tasks::default(), streams: Arc::default() }
    }

    /// Listens, for the first time.
    pub(crate) fn start(&mut self) -> io::Result<()> {
        self.doors.iter().try_for_each(|door| self.open(door))
    }

    /// Listens on one more port: now if the process runs, and after each restart.
    pub(crate) fn add(&mut self, door: Door) -> io::Result<()> {
        if !self.tasks.ended() {
            self.open(&door)?;
        }
        self.doors.push(door);
        Ok(())
    }

    fn open(&self, door: &Door) -> io::Result<()> {
        let listener = door.port.listen()?;
        self.tasks.spawn(accept(listener, self.process(door)));
        Ok(())
    }

    /// Listens again, as soon as what [`Server::stop`] ended is gone; calls `failed` where a port cannot be had.
    pub(crate) fn restart(&mut self, failed: impl Fn(io::Error) + Send + Sync + 'static) {
        let before = std::mem::take(&mut self.tasks);
        let doors: Vec<_> = self.doors.iter().map(|door| (door.port.clone(), self.process(door))).collect();
        self.tasks.open(async move {
            before.gone().await;
            for (port, process) in doors {
                match port.listen() {
                    Ok(listener) => process.tasks.clone().spawn(accept(listener, process)),
                    Err(error) => failed(error),
                }
            }
        });
    }

    /// Ends the listeners, all connections and all handlers: none of them runs again.
    pub(crate) fn stop(&mut self) {
        self.tasks.end();
    }

    /// Nothing of the process runs until [`Server::resume`]: the kernel accepts and buffers, nobody reads or answers.
    pub(crate) fn freeze(&self) {
        self.tasks.gate().close();
    }
    /// What was frozen goes on where it was.
    pub(crate) fn resume(&self) {
        self.tasks.gate().open();
    }
    /// Where it listens, for the cluster's own view.
    pub(crate) fn addr(&self) -> Option<SocketAddr> {
        self.doors.first().map(|door| door.port.addr())
    }
    /// From its next start on the process listens here, for the cluster's own view. Returns the port that it had.
    pub(crate) fn move_to(&mut self, port: Port) -> Option<Arc<Port>> {
        let door = self.doors.first_mut()?;
        Some(std::mem::replace(&mut door.port, Arc::new(port)))
    }

    /// Streams whose handlers run.
    pub(crate) fn open_streams(&self) -> u64 {
        self.streams.load(Ordering::Relaxed)
    }

    fn process(&self, door: &Door) -> Process {
        let limits = self.limits;
        let handlers = Handlers { tasks: self.tasks.clone(), streams: self.streams.clone() };
        let mut http2 = http2::Builder::new(handlers);
        http2
            .timer(TokioTimer::new())
            // the wall clock must not reach a byte of the wire
            .auto_date_header(false)
            .max_concurrent_streams(limits.max_concurrent_streams)
            .keep_alive_interval(limits.keepalive_time)
            .keep_alive_timeout(limits.keepalive_timeout)
            .initial_stream_window_size(limits.stream_window)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_pending_accept_reset_streams(RESETS)
            .max_local_error_reset_streams(RESETS);
        let mut http1 = http1::Builder::new();
        http1.timer(TokioTimer::new()).auto_date_header(false).header_read_timeout(HEAD_TIMEOUT);
        let silence = limits.keepalive_time.saturating_add(limits.keepalive_timeout);
        let (grpc, http) = ((door.grpc.clone(), door.gate.clone()), door.http.clone());
        Process { http1, http2, grpc, http, tasks: self.tasks.clone(), silence }
    }
}

/// What an accept loop needs.
#[derive(Clone)]
struct Process {
    http1: http1::Builder,
    http2: http2::Builder<Handlers>,
    grpc: (Routes, Gate),
    http: Option<axum::Router>,
    tasks: Tasks,
    silence: Duration,
}

async fn accept(mut listener: unstuck_net::Listener, process: Process) {
    loop {
        let Ok((conn, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        process.tasks.spawn(process.clone().serve(conn));
    }
}

impl Process {
    /// One connection, until it ends, for whatever reason.
    async fn serve(self, mut conn: Conn) {
        let Some(http) = self.http else {
            return speak_http2(&self.http2, self.grpc, Hearing::new(conn, Heard::now()), self.silence).await;
        };
        let heard = Heard::now();
        let known = tokio::time::timeout(HEAD_TIMEOUT, protocol_of(&mut conn)).await;
        // a client that leaves, or that is silent, before it has said anything worth an answer
        let Ok(Ok((protocol, first))) = known else { return };
        let hearing = Hearing::after(first, conn, heard);
        match protocol {
            Protocol::Http2 => speak_http2(&self.http2, self.grpc, hearing, self.silence).await,
            Protocol::Http1 => {
                let connection = Connection::new(self.grpc.1);
                let (routes, calls) = (TowerToHyperService::new(http), connection.clone());
                let service = service_fn(move |mut request: hyper::Request<Incoming>| {
                    request.extensions_mut().insert(calls.clone());
                    routes.call(request)
                });
                tokio::select! {
                    biased;
                    // an error is the peer's, and answered with 400 where there is a point in it
                    _ = self.http1.serve_connection(TokioIo::new(hearing), service) => {}
                    () = connection.severed() => {}
                }
            }
        }
    }
}

async fn speak_http2(
    http2: &http2::Builder<Handlers>,
    (routes, gate): (Routes, Gate),
    hearing: Hearing,
    silence: Duration,
) {
    let heard = hearing.heard().clone();
    let (routes, noting) = (TowerToHyperService::new(routes), heard.clone());
    let connection = Connection::new(gate);
    let calls = connection.clone();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        calls.pass(&routes, request.map(|body| Noting::new(body, noting.clone())))
    });
    let serving = http2.serve_connection(TokioIo::new(hearing), service);
    tokio::select! {
        biased;
        // an error is the peer's (it left, or it does not speak HTTP/2): the connection ends, nothing else
        _ = serving => {}
        () = heard.silent_for(silence) => {}
        () = connection.severed() => {}
        () = heard.no_handshake_within(HANDSHAKE_TIMEOUT) => {}
    }
}
