//! The one task of a connection: moves its bytes, follows its streams, keeps it alive, and tells everybody when it dies.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, Stream as _};
use h2::client::Connection;
use h2::{Ping, PingPong, Reason};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::keepalive::{Act, Keepalive};
use super::status::{self, End};
use super::transport::{Opened, Transport};
use super::wire::{Seen, Wire};

/// A connection whose peer has sent SETTINGS, and all that its driver needs.
pub(super) struct Driver<Io> {
    pub(super) transport: Arc<Transport>,
    pub(super) connection: Connection<Wire<Io>, Bytes>,
    pub(super) seen: Seen,
    pub(super) keepalive: Option<Keepalive>,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Driver<Io> {
    /// Runs until the connection is dead and every stream of it has ended. `retired` is told, once, as soon as
    /// the connection takes no more streams and before any stream hears of it.
    pub(super) async fn run(self, retired: impl Fn()) {
        let Self { transport, mut connection, seen, mut keepalive } = self;
        let mut pings = connection.ping_pong();
        let mut reads = FuturesUnordered::new();
        let mut draining = false;
        let why = poll_fn(|cx| {
            transport.driver.register(cx.waker());
            reads.extend(transport.take_fresh().into_iter().map(follow));
            let over = Pin::new(&mut connection).poll(cx);
            transport.follow_settings();
            give_back(&transport, &seen);
            let facts = seen.facts();
            let (goaway, last_read) = (facts.goaway, facts.last_read);
            let mut broken = facts.broken.clone();
            drop(facts);
            if goaway.is_some() && !draining {
                draining = true;
                retired();
                transport.retire();
            }
            while let Poll::Ready(Some(read)) = Pin::new(&mut reads).poll_next(cx) {
                // h2 may be unable to say goodbye, and so to end, while the socket is full.
                broken = broken.or(settle(&transport, read, goaway));
            }
            if let Some(why) = broken {
                return Poll::Ready(why);
            }
            if let Poll::Ready(result) = over {
                return Poll::Ready(match result {
                    Ok(()) => "error reading from server: EOF".to_owned(),
                    Err(error) => format!("error reading from server: {error}"),
                });
            }
            poll_keepalive(cx, keepalive.as_mut(), pings.as_mut(), last_read, transport.open_streams())
        })
        .await;
        if !draining {
            retired();
        }
        transport.retire();
        drop(connection);
        // What came in before the end counts before the end.
        reads.extend(transport.take_fresh().into_iter().map(follow));
        let facts = seen.facts();
        let (goaway, left) = (facts.goaway, facts.headers_left);
        drop(facts);
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut settled: Vec<Read> = Pin::new(&mut reads)
            .iter_pin_mut()
            .filter_map(|read| match read.poll(&mut cx) {
                Poll::Ready(read) => Some(read),
                Poll::Pending => None,
            })
            .collect();
        settled.sort_by_key(|read| read.id);
        for read in settled {
            let _known = settle(&transport, read, goaway);
        }
        transport.end_all(
            |id| {
                if id > left { End::Orphaned } else { End::Failed(status::of_connection(&why)) }
            },
        );
    }
}

/// How the reading of one stream ended.
struct Read {
    id: u32,
    /// `Err`: with its connection, and why.
    end: Result<Settled, String>,
}

/// How a stream ended, and the reset that tells the server.
type Settled = (End, Option<Reason>);

/// Reads one stream to its end, or to the end of its context.
async fn follow(opened: Opened) -> Read {
    let id = opened.id;
    let ctx = opened.ctx.clone();
    let end = tokio::select! {
        biased;
        error = ctx.done() => Ok((End::Failed(status::of_ctx(error)), Some(Reason::CANCEL))),
        end = receive(opened) => end,
    };
    Read { id, end }
}

async fn receive(opened: Opened) -> Result<Settled, String> {
    let Opened { stream, response, ctx, .. } = opened;
    let failed = |error: &h2::Error| {
        if let Some(reason) = error.reason().filter(|_| error.is_reset()) {
            let late = ctx.deadline().is_some_and(|deadline| deadline <= Instant::now());
            return Ok((status::of_reset(reason, late), None));
        }
        // A GOAWAY, or the connection's death.
        Err(format!("error reading from server: {error}"))
    };
    let (head, mut body) = match response.await {
        Ok(response) => response.into_parts(),
        Err(error) => return failed(&error),
    };
    if let Some(refusal) = status::not_grpc(head.status, &head.headers) {
        return Ok((End::Failed(refusal), Some(Reason::PROTOCOL_ERROR)));
    }
    if body.is_end_stream() {
        return Ok((status::of_trailers(&head.headers), None));
    }
    stream.headers_came(body.flow_control().clone());
    loop {
        match body.data().await {
            Some(Ok(chunk)) => stream.data_came(chunk),
            Some(Err(error)) => return failed(&error),
            None => break,
        }
    }
    match body.trailers().await {
        Ok(Some(trailers)) => Ok((status::of_trailers(&trailers), None)),
        Ok(None) => {
            let text = "server closed the stream without sending trailers";
            Ok((End::Failed(tonic::Status::internal(text)), None))
        }
        Err(error) => failed(&error),
    }
}

/// Passes on how a stream ended. Returns why its connection is dying, if that is how.
fn settle(transport: &Transport, read: Read, goaway: Option<u32>) -> Option<String> {
    match read.end {
        Ok((end, reset)) => transport.finish(read.id, end, reset),
        Err(_) if goaway.is_some_and(|last| read.id > last) => {
            transport.finish(read.id, End::Unprocessed(status::draining()), Some(Reason::CANCEL));
        }
        Err(why) => return Some(why),
    }
    None
}

/// Gives write quota back for what has left.
fn give_back(transport: &Transport, seen: &Seen) {
    let left = std::mem::take(&mut seen.facts().data_left);
    for (id, bytes) in left {
        if let Some(stream) = transport.stream(id) {
            stream.left(bytes);
        }
    }
}

/// Ready with the reason once the peer is taken for dead.
fn poll_keepalive(
    cx: &mut Context<'_>,
    keepalive: Option<&mut Keepalive>,
    pings: Option<&mut PingPong>,
    last_read: Instant,
    streams: usize,
) -> Poll<String> {
    let (Some(keepalive), Some(pings)) = (keepalive, pings) else { return Poll::Pending };
    let _answers_count_as_anything_read = pings.poll_pong(cx);
    while let Poll::Ready(act) = keepalive.poll(cx, last_read, streams) {
        match act {
            // Refused while an earlier one is unanswered, which serves as well.
            Act::Ping => drop(pings.send_ping(Ping::opaque())),
            Act::GiveUp => {
                return Poll::Ready("keepalive ping failed to receive ACK within timeout".to_owned());
            }
        }
    }
    Poll::Pending
}
