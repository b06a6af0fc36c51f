//! What can be done to a running cluster, as an HTTP API with JSON: for whoever drives it from another program.
//!
//! * `state`: what there is
//! * `moves`: what can be done
//! * `answers`: what nodes answer instead of the truth, and the calls they have seen
//! * `guard`: who may ask: no browser that shows another site's page
//! * `error`: what is refused, and why
//!
//! Nobody has to say who they are, so it listens on loopback only. The README of the crate has the table of paths.

mod answers;
mod error;
mod guard;
mod moves;
mod state;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use self::error::Refused;
use crate::start::Cluster;

/// The largest request: a few thousand keys to split at.
const LARGEST_BODY: usize = 256 << 10;

/// What the handlers share.
#[derive(Clone, Debug)]
struct Api {
    cluster: Cluster,
    stop: Arc<Notify>,
}

/// All paths. A further group of them is one more `merge`.
fn router(api: Api) -> Router {
    Router::new()
        .merge(state::routes())
        .merge(moves::routes())
        .merge(answers::routes())
        .fallback(async || Refused::no_such_path())
        .method_not_allowed_fallback(async || Refused::wrong_method())
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn(guard::guard))
        .with_state(api)
}

/// The API of a running cluster, served on real sockets; dropping it ends that, and leaves the cluster alone.
#[derive(Debug)]
pub struct Admin {
    addr: SocketAddr,
    stop: Arc<Notify>,
    serving: JoinHandle<()>,
}

impl Admin {
    /// Serves on a port of 127.0.0.1; 0 is any free one.
    pub async fn serve(cluster: Cluster, port: u16) -> io::Result<Self> {
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("the admin API cannot have `{at}`: {error}"))
        };
        let listener = TcpListener::bind(at).await.map_err(named)?;
        let addr = listener.local_addr()?;
        let stop = Arc::new(Notify::new());
        let router = router(Api { cluster, stop: stop.clone() });
        let serving = tokio::spawn(async move {
            // it ends with its task only: accept errors are waited out
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { addr, stop, serving })
    }
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
    /// Waits until somebody asks for the end of it all.
    pub async fn asked_to_stop(&self) {
        self.stop.notified().await;
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
