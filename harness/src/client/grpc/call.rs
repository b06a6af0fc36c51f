//! A call: the attempt that is under way, and what it takes to repeat it on another connection.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use tonic::Status;

use super::ClientConn;
use super::framing::{self, Decoder};
use super::status::End;
use super::stream::Stream;
use super::transport::Refused;
use crate::client::ctx::Ctx;
use crate::probe::frame;

/// grpc-go keeps so many bytes of what was sent for a repetition; one more, and the call is committed.
const MAX_REPLAY: usize = 256 << 10;

/// Go's `grpc.ClientStream`. Dropping it does NOT end the stream: that takes the end of its [`Ctx`], of the
/// [`ClientConn`], a status from the server, or an error from [`ClientStream::recv_msg`].
#[derive(Debug)]
pub struct ClientStream {
    conn: ClientConn,
    /// A child of the caller's: ending it ends the stream.
    ctx: Ctx,
    method: &'static str,
    attempt: Arc<Stream>,
    decoder: Decoder,
    first_attempt: bool,
    half_closed: bool,
    /// Waiting for its messages for ever is normal.
    idle: bool,
    /// What was sent so far; `None` once the call is committed to its attempt.
    replay: Option<Replay>,
}

#[derive(Debug, Default)]
struct Replay {
    messages: Vec<Bytes>,
    bytes: usize,
}

/// What `SendMsg` returns.
#[derive(Clone, Debug)]
pub enum SendError {
    /// `io.EOF`: the stream is done, `RecvMsg` tells why.
    Eof,
    /// A status at once.
    Status(Status),
}

impl ClientStream {
    pub(super) async fn open(conn: &ClientConn, ctx: &Ctx, method: &'static str) -> Result<Self, Status> {
        let ctx = ctx.child();
        let attempt = attempt(conn, &ctx, method).await?;
        Ok(Self {
            conn: conn.clone(),
            ctx,
            method,
            attempt,
            decoder: Decoder::default(),
            first_attempt: true,
            half_closed: false,
            idle: false,
            replay: Some(Replay::default()),
        })
    }

    /// From now on it is normal to wait for its messages for ever: it outlives the requests that it carries.
    #[must_use]
    pub fn idle(mut self) -> Self {
        self.idle = true;
        self
    }
    /// Queues a message; waits at `SendMsg/flow` while 64 KiB are queued.
    pub async fn send_msg<M: Message>(&mut self, message: &M) -> Result<(), SendError> {
        frame("ClientStream::send_msg", self.send(message, false)).await
    }
    /// The next message, `None` at a clean end. Waits at `RecvMsg/waitOnHeader`, then at `RecvMsg/message`.
    pub async fn recv_msg<M: Message + Default>(&mut self) -> Result<Option<M>, Status> {
        frame("ClientStream::recv_msg", self.recv("RecvMsg/waitOnHeader")).await
    }
    /// Half-closes. Never fails: how the stream fares, reading tells.
    #[expect(
        clippy::unused_async,
        reason = "a method of the stream like the others; it may have to wait one day"
    )]
    pub async fn close_send(&mut self) -> Result<(), Status> {
        self.half_close();
        Ok(())
    }
    /// Half-closes and waits for the one answer, at `CloseAndRecv/waitOnHeader`.
    pub async fn close_and_recv<M: Message + Default>(&mut self) -> Result<M, Status> {
        frame("ClientStream::close_and_recv", async {
            self.half_close();
            self.recv_one("CloseAndRecv/waitOnHeader").await
        })
        .await
    }

    pub(super) async fn unary<Req: Message, Resp: Message + Default>(
        conn: &ClientConn,
        ctx: &Ctx,
        method: &'static str,
        request: &Req,
    ) -> Result<Resp, Status> {
        let ctx = ctx.child();
        // Nobody else has the stream, so nobody else could end it.
        let _end = ctx.cancel_on_drop();
        let mut stream = Self::open(conn, &ctx, method).await?;
        match stream.send(request, true).await {
            // A unary call's caller learns it from the answer.
            Ok(()) | Err(SendError::Eof) => stream.recv_one("RecvMsg/waitOnHeader").await,
            Err(SendError::Status(status)) => Err(status),
        }
    }

    async fn send<M: Message>(&mut self, message: &M, last: bool) -> Result<(), SendError> {
        if self.half_closed {
            return Err(self.failed(Status::internal("SendMsg called after CloseSend")));
        }
        let bytes = framing::encode(message).map_err(|status| self.failed(status))?;
        loop {
            let sent = self.attempt.write(&bytes, last).await;
            let end = match sent {
                Ok(()) => None,
                Err(_) if self.replay.is_none() => return Err(SendError::Eof),
                Err(_) => Some(self.attempt.ended().await),
            };
            match end {
                // An orphan has no status, which reads as OK: the message counts as sent, nothing is retried here.
                None | Some(End::Clean | End::Orphaned) => {
                    self.half_closed = last;
                    self.remember(bytes);
                    return if end.is_none() { Ok(()) } else { Err(SendError::Eof) };
                }
                Some(end) if self.may_retry(&end) => {
                    self.retry().await.map_err(|status| self.failed(status))?;
                }
                Some(_) => {
                    self.replay = None;
                    return Err(SendError::Eof);
                }
            }
        }
    }
    fn half_close(&mut self) {
        if !self.half_closed {
            self.half_closed = true;
            self.attempt.half_close();
        }
    }

    async fn recv<M: Message + Default>(&mut self, site: &'static str) -> Result<Option<M>, Status> {
        loop {
            self.attempt.wait_on_header(site, self.idle).await;
            match self.attempt.read(&mut self.decoder, self.idle).await {
                Ok(Some(message)) => {
                    self.replay = None;
                    return Ok(Some(message));
                }
                Ok(None) => {
                    self.replay = None;
                    return Ok(None);
                }
                Err(status) => {
                    if !self.attempt.end().is_some_and(|end| self.may_retry(&end)) {
                        return Err(self.finished(status));
                    }
                    if let Err(status) = self.retry().await {
                        return Err(self.finished(status));
                    }
                }
            }
        }
    }
    /// The one message of an answer, and the clean end after it.
    async fn recv_one<M: Message + Default>(&mut self, site: &'static str) -> Result<M, Status> {
        let Some(message) = self.recv(site).await? else {
            let text = "cardinality violation: received no response message from non-server-streaming RPC";
            return Err(Status::internal(text));
        };
        if self.recv::<M>(site).await?.is_some() {
            let text = "cardinality violation: expected <EOF> for non server-streaming RPCs, but received another message";
            return Err(self.finished(Status::internal(text)));
        }
        Ok(message)
    }

    /// One transparent repetition, of a stream that the server never looked at.
    fn may_retry(&self, end: &End) -> bool {
        self.replay.is_some() && self.first_attempt && end.unprocessed() && !self.attempt.has_headers()
    }
    /// Opens the stream anew, wherever the channel now leads, and sends everything again.
    async fn retry(&mut self) -> Result<(), Status> {
        self.first_attempt = false;
        self.attempt = attempt(&self.conn, &self.ctx, self.method).await?;
        self.decoder = Decoder::default();
        let Some(replay) = &self.replay else { return Ok(()) };
        for message in &replay.messages {
            if self.attempt.write(message, false).await.is_err() {
                let end = self.attempt.ended().await;
                // The repetition died while it was sent; a clean end before our own stays what it is.
                return end.error().map_or(Ok(()), Err);
            }
        }
        if self.half_closed {
            self.attempt.half_close();
        }
        Ok(())
    }
    fn remember(&mut self, message: Bytes) {
        if let Some(replay) = &mut self.replay {
            replay.bytes += message.len();
            replay.messages.push(message);
            if replay.bytes > MAX_REPLAY {
                self.replay = None;
            }
        }
    }
    /// An error of our own ends the stream.
    fn finished(&mut self, status: Status) -> Status {
        self.replay = None;
        self.ctx.cancel();
        status
    }
    fn failed(&mut self, status: Status) -> SendError {
        SendError::Status(self.finished(status))
    }
}

/// A new stream on the connection that the channel picks. A connection that retires before the stream is open does
/// not count: the next one is picked.
async fn attempt(conn: &ClientConn, ctx: &Ctx, method: &'static str) -> Result<Arc<Stream>, Status> {
    loop {
        let transport = conn.channel().pick(ctx).await?;
        match transport.open(ctx, method).await {
            Ok(stream) => return Ok(stream),
            Err(Refused::Ctx(status)) => return Err(status),
            Err(Refused::Retired) => {}
        }
    }
}
