//! Connections to the API.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Limits;

/// How long to wait after an accept failed, for want of file descriptors usually.
const RETRY: Duration = Duration::from_millis(50);
/// File descriptors kept for us, so that the API can be asked when proxies have used up all others.
const SPARES: usize = 8;
/// What is being answered at the end has so long.
const GRACE: Duration = Duration::from_secs(1);

/// Serves until `stop`.
pub(super) async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: CancellationToken) {
    let mut spares = Spares { of: listener.try_clone().ok(), kept: vec![] };
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener within its runtime");
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut conns = JoinSet::new();
    loop {
        spares.keep();
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(_) = conns.join_next() => {}
            (stream, place) = accept(&listener, &places, &mut spares) => {
                conns.spawn(carry(stream, router.clone(), limits, stop.clone(), place));
            }
        }
    }
    drop((listener, spares));
    let all = async { while conns.join_next().await.is_some() {} };
    // what is left ends with the runtime
    let _in_time = tokio::time::timeout(GRACE, all).await;
}

/// The next connection, as soon as there is a place for it.
async fn accept(
    listener: &tokio::net::TcpListener,
    places: &Arc<Semaphore>,
    spares: &mut Spares,
) -> (TcpStream, OwnedSemaphorePermit) {
    let place = Arc::clone(places).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            Err(_) if spares.kept.pop().is_some() => {}
            Err(error) => {
                tracing::warn!("the control API cannot accept a connection: {error}");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

async fn carry(
    stream: TcpStream,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
    _place: OwnedSemaphorePermit,
) {
    // a failure shows in the first read
    let _best_effort = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head);
    let mut conn = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        biased;
        // whatever ended it, there is nobody left to be told
        _ = &mut conn => return,
        () = stop.cancelled() => conn.as_mut().graceful_shutdown(),
    }
    let _ended = conn.await;
}

/// File descriptors that somebody else could have had: duplicates of the listener's.
struct Spares {
    of: Option<TcpListener>,
    kept: Vec<TcpListener>,
}

impl Spares {
    /// Takes what is free, up to [`SPARES`].
    fn keep(&mut self) {
        while self.kept.len() < SPARES
            && let Some(Ok(spare)) = self.of.as_ref().map(TcpListener::try_clone)
        {
            self.kept.push(spare);
        }
    }
}
