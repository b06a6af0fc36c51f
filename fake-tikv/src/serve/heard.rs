//! Whether a connection's peer still says anything.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use unstuck_net::Conn;

/// When a connection last brought a byte, or a handler last took one that had been waiting.
///
/// The latter counts because hyper counts it: it pings only once neither has happened for its interval, so a peer that was
/// not asked must not be taken for one that does not answer.
///
/// The HTTP/2 stack pings, but a ping that is not answered makes it say goodbye first, which takes forever where the peer
/// does not read either. A store's gRPC library closes the socket: so does whoever waits on this.
#[derive(Clone, Debug)]
pub(super) struct Heard(Arc<Mutex<Last>>);

#[derive(Debug)]
struct Last {
    at: Instant,
    bytes: u64,
}

/// The least that HTTP/2 begins with: the client's preface and its SETTINGS.
const HANDSHAKE: u64 = 24 + 9;

impl Heard {
    pub(super) fn now() -> Self {
        Self(Arc::new(Mutex::new(Last { at: Instant::now(), bytes: 0 })))
    }
    fn lock(&self) -> MutexGuard<'_, Last> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn note(&self, bytes: usize) {
        let mut last = self.lock();
        last.at = Instant::now();
        last.bytes += bytes as u64;
    }
    /// Waits so long, and for ever where the peer has begun to speak HTTP/2 by then.
    pub(super) async fn no_handshake_within(&self, limit: Duration) {
        tokio::time::sleep(limit).await;
        if self.lock().bytes >= HANDSHAKE {
            std::future::pending::<()>().await;
        }
    }
    /// Waits until nothing has come for so long.
    pub(super) async fn silent_for(&self, silence: Duration) {
        loop {
            let Some(end) = self.lock().at.checked_add(silence) else { return std::future::pending().await };
            if end <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(end).await;
        }
    }
}

/// A request's body that notes when the handler takes some of it.
pub(super) struct Noting {
    body: Incoming,
    heard: Heard,
}

impl Noting {
    pub(super) fn new(body: Incoming, heard: Heard) -> Self {
        Self { body, heard }
    }
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
            self.heard.note(0);
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
pub(super) struct Hearing {
    /// What was read before.
    first: Bytes,
    conn: Conn,
    heard: Heard,
}

impl Hearing {
    pub(super) fn new(conn: Conn, heard: Heard) -> Self {
        Self { first: Bytes::new(), conn, heard }
    }
    /// The same, of which some bytes were read already.
    pub(super) fn after(first: Bytes, conn: Conn, heard: Heard) -> Self {
        heard.note(first.len());
        Self { first, conn, heard }
    }
    pub(super) fn heard(&self) -> &Heard {
        &self.heard
    }
}

impl AsyncRead for Hearing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.first.is_empty() {
            let n = self.first.len().min(buf.remaining());
            buf.put_slice(&self.first.split_to(n));
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut self.conn).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.heard.note(buf.filled().len() - before);
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
