//! Toxiproxy's HTTP API, over a [`Registry`].
//!
//! * `request`: paths and bodies, as Go reads them
//! * `wire`: its JSON; the only place where a millisecond is an integer
//! * `error`: what is refused, and why
//! * `proxies`, `toxics`, `metrics`: the handlers
//! * `guard`: who may ask, and for how long
//! * `serve`: connections to it, bounded in number and in patience
//!
//! It runs on a thread of its own, so that it answers whatever the proxies' runtime does. Nobody has to say who they are:
//! let it listen on loopback.

mod error;
mod guard;
mod metrics;
mod proxies;
mod request;
mod serve;
mod toxics;
mod wire;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub use self::metrics::Exported;
/// Is told of every request that changed something (`DELETE /proxies/one`), on the API's thread: it must not block. The path is
/// whatever somebody has sent.
pub type Heard = Arc<dyn Fn(&str) + Send + Sync>;

use crate::Toxic;
use crate::registry::{Registry, Spec};

/// The largest request: more than ten thousand proxies to populate.
const LARGEST_BODY: usize = 8 << 20;

/// For how long anybody is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For the head of a request, or for the next request on a connection.
    pub head: Duration,
    /// From there to the answer, its body included. Toxiproxy's is the default.
    pub answer: Duration,
    /// Connections at a time; further ones wait until one ends.
    pub connections: usize,
}

/// The API on its thread; dropping it ends both, and leaves the registry alone.
#[derive(Debug)]
pub struct Control {
    addr: SocketAddr,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

/// What the handlers share.
struct Api {
    registry: Registry,
    exported: Exported,
    limits: Limits,
    heard: Heard,
    /// The API listens on loopback only.
    on_loopback: bool,
    /// Answered so far.
    requests: AtomicU64,
}

// === impl Control ===

impl Control {
    /// Listens when this returns.
    pub fn start(
        registry: Registry,
        at: SocketAddr,
        exported: Exported,
        limits: Limits,
        heard: Heard,
    ) -> io::Result<Self> {
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("the control API cannot have `{at}`: {error}"))
        };
        let listener = TcpListener::bind(at).map_err(named)?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let on_loopback = addr.ip().is_loopback();
        let api = Api { registry, exported, limits, heard, on_loopback, requests: AtomicU64::new(0) };
        let router = router(Arc::new(api));
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let serving = move || {
            runtime.block_on(serve::serve(listener, router, limits, stopped));
            // a name may still be looked up, for nobody
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("control".to_owned()).spawn(serving)?;
        Ok(Self { addr, stop, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // its panic was printed, and is no reason for another
            let _panicked = thread.join();
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { head: Duration::from_secs(15), answer: Duration::from_secs(25), connections: 512 }
    }
}

/// The proxies that a file of JSON asks for, as `POST /populate` does.
pub fn specs(json: &[u8]) -> Result<Vec<Spec>, String> {
    request::read(json).and_then(|body| wire::specs(&body)).map_err(|refused| refused.to_string())
}

/// A toxic in the JSON of a Toxiproxy that others run, without a name; or why it would not be the same there.
pub fn for_toxiproxy(toxic: &Toxic) -> Result<Value, String> {
    wire::for_toxiproxy(toxic)
}

fn router(api: Arc<Api>) -> Router {
    let mut router =
        Router::new().merge(proxies::routes()).merge(toxics::routes()).route("/version", get(version));
    if api.exported != Exported::default() {
        router = router.route("/metrics", get(metrics::metrics));
    }
    router
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&api), guard::in_time))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&api), guard::ask))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&api), guard::number))
        .fallback(async || error::plain(StatusCode::NOT_FOUND, "404 page not found"))
        .with_state(api)
}

/// The version of Toxiproxy whose API this is, so that clients that look find what they look for, and then ours.
const VERSION: &str = concat!("2.12.0-unstuck-", env!("CARGO_PKG_VERSION"));

async fn version() -> Response {
    let json = [(header::CONTENT_TYPE, "application/json;charset=utf-8")];
    (json, format!("{{\"version\": \"{VERSION}\"}}\n")).into_response()
}
