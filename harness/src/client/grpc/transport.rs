//! One connection that is, or was, READY: the table of its streams and the quota for new ones.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use h2::client::{ResponseFuture, SendRequest};
use http::uri::{Authority, PathAndQuery, Scheme};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::link::Link;
use super::quota::{Permit, Quota, Turn};
use super::status::{self, End};
use super::stream::Stream;
use crate::client::ctx::Ctx;
use crate::probe::wait;

/// One connection. Its driver (see [`super::driver`]) moves the bytes.
#[derive(Debug)]
pub(super) struct Transport {
    link: Link,
    authority: Authority,
    quota: Quota,
    /// Cancelled when it takes no more streams: GOAWAY, death, close.
    pub(super) retired: CancellationToken,
    /// The driver's waker.
    pub(super) driver: AtomicWaker,
    table: Mutex<Table>,
}

#[derive(Debug)]
struct Table {
    /// `None` once no more streams may be opened.
    h2: Option<SendRequest<Bytes>>,
    open: BTreeMap<u32, Arc<Stream>>,
    fresh: Vec<Opened>,
}

/// A stream that the driver has to follow.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) id: u32,
    pub(super) stream: Arc<Stream>,
    pub(super) response: ResponseFuture,
    pub(super) ctx: Ctx,
}

/// Why no stream was opened.
#[derive(Debug)]
pub(super) enum Refused {
    /// This connection takes no more; another may.
    Retired,
    /// The caller's context ended.
    Ctx(Status),
}

impl Transport {
    pub(super) fn new(target: SocketAddr, conn: u64, h2: SendRequest<Bytes>) -> Self {
        let authority = target.to_string().parse().expect("a socket address is an authority");
        Self {
            link: Link { target, conn },
            authority,
            quota: Quota::new(h2.current_max_send_streams()),
            retired: CancellationToken::new(),
            driver: AtomicWaker::new(),
            table: Mutex::new(Table { h2: Some(h2), open: BTreeMap::new(), fresh: vec![] }),
        }
    }
    /// The connection's number.
    pub(super) fn number(&self) -> u64 {
        self.link.conn
    }
    /// Streams that have not ended, and how many there may be.
    pub(super) fn usage(&self) -> (usize, usize) {
        self.quota.usage()
    }

    /// Opens a stream that lives until it ends on the wire or `ctx` does. Waits for quota.
    pub(super) async fn open(&self, ctx: &Ctx, method: &'static str) -> Result<Arc<Stream>, Refused> {
        let permit = match self.quota.ask() {
            Turn::Now(permit) => permit,
            Turn::Later(turn) => {
                let (open, max) = self.quota.usage();
                let site = self.link.site("NewStream/quota").detail(format!("{open} of {max} streams open"));
                wait(site, async {
                    tokio::select! {
                        biased;
                        () = self.retired.cancelled() => Err(Refused::Retired),
                        error = ctx.done() => Err(Refused::Ctx(status::of_ctx(error))),
                        permit = turn => permit.map_err(|_| Refused::Retired),
                    }
                })
                .await?
            }
        };
        let request = self.request(ctx, method);
        if let Some(stream) = self.send(request, permit, ctx) {
            return Ok(stream);
        }
        // h2 may know of the death before the driver has told the channel, whose pick would lead back here.
        self.retired.cancelled().await;
        Err(Refused::Retired)
    }
    fn send(&self, request: http::Request<()>, permit: Permit, ctx: &Ctx) -> Option<Arc<Stream>> {
        let mut table = self.table();
        // A clone, because a handle remembers a stream that h2 has queued and refuses the next one.
        let (response, send) = table.h2.clone()?.send_request(request, false).ok()?;
        let id = response.stream_id().as_u32();
        let stream = Arc::new(Stream::new(self.link, send, permit));
        table.open.insert(id, stream.clone());
        table.fresh.push(Opened { id, stream: stream.clone(), response, ctx: ctx.clone() });
        drop(table);
        self.driver.wake();
        Some(stream)
    }
    fn request(&self, ctx: &Ctx, method: &'static str) -> http::Request<()> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(PathAndQuery::from_static(method));
        let mut request = http::Request::new(());
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = http::Uri::from_parts(parts).expect("scheme, authority and path make a uri");
        let headers = request.headers_mut();
        headers.insert("te", http::HeaderValue::from_static("trailers"));
        headers.insert("content-type", http::HeaderValue::from_static("application/grpc"));
        headers.insert("user-agent", http::HeaderValue::from_static("unstuck"));
        if let Some(deadline) = ctx.deadline() {
            headers.insert("grpc-timeout", timeout(deadline));
        }
        for (name, value) in ctx.metadata() {
            // what cannot be a header is left out, as grpc-go does
            if let Ok(value) = http::HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
        request
    }

    // === the driver's side

    /// Streams opened since the last call.
    pub(super) fn take_fresh(&self) -> Vec<Opened> {
        std::mem::take(&mut self.table().fresh)
    }
    pub(super) fn stream(&self, id: u32) -> Option<Arc<Stream>> {
        self.table().open.get(&id).cloned()
    }
    /// How many streams have not ended.
    pub(super) fn open_streams(&self) -> usize {
        self.table().open.len()
    }
    /// Follows what the peer's SETTINGS allow.
    pub(super) fn follow_settings(&self) {
        let max = self.table().h2.as_ref().map(SendRequest::current_max_send_streams);
        if let Some(max) = max {
            self.quota.set_max(max);
        }
    }
    /// A stream has ended: off the table, its place to the next one.
    pub(super) fn finish(&self, id: u32, end: End, reset: Option<h2::Reason>) {
        let stream = self.table().open.remove(&id);
        if let Some(stream) = stream {
            stream.finish(end, reset);
        }
    }
    /// Takes no more streams; what is open goes on.
    pub(super) fn retire(&self) {
        let h2 = self.table().h2.take();
        drop(h2);
        self.retired.cancel();
    }
    /// Ends every stream, in the order of their ids, as `end` says. Call [`Transport::retire`] first.
    pub(super) fn end_all(&self, end: impl Fn(u32) -> End) {
        let mut table = self.table();
        let open = std::mem::take(&mut table.open);
        let fresh = std::mem::take(&mut table.fresh);
        drop(table);
        for (id, stream) in open {
            stream.finish(end(id), Some(h2::Reason::CANCEL));
        }
        drop(fresh);
    }
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `grpc-timeout`: at most eight digits and a unit.
fn timeout(deadline: Instant) -> http::HeaderValue {
    let left = deadline.saturating_duration_since(Instant::now());
    let (amount, unit) = match left.as_millis() {
        ms if ms < 100_000_000 => (ms.max(1), 'm'),
        ms => ((ms / 1000).min(99_999_999), 'S'),
    };
    http::HeaderValue::try_from(format!("{amount}{unit}")).expect("digits and a letter are a header value")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn timeouts_fit_in_eight_digits() {
        let of = |secs| timeout(Instant::now() + Duration::from_secs(secs)).to_str().unwrap().to_owned();
        assert_eq!(of(0), "1m");
        assert_eq!(of(900), "900000m");
        assert_eq!(of(1_000_000), "1000000S");
        assert_eq!(of(1 << 33), "99999999S");
    }
}
