//! A gRPC client with grpc-go's semantics, on the real h2.

use std::net::SocketAddr;
use std::time::Duration;

use prost::Message;
use tonic::Status;
use unstuck_net::Net;

use super::ctx::Ctx;

/// How a [`ClientConn`] dials and stays alive. All durations are used as they are: scale them before.
#[derive(Clone, Copy, Debug)]
pub struct DialOptions {
    /// First back-off after a failed connect; grpc-go's default is 1 s, the factor 1.6, the jitter 0.2.
    pub backoff_base: Duration,
    /// Longest back-off.
    pub backoff_max: Duration,
    /// How long one connect may take, SETTINGS included (grpc-go: 20 s).
    pub min_connect_timeout: Duration,
    /// Ping after so long without anything read; `None`: never.
    pub keepalive_time: Option<Duration>,
    /// Close after so long without an answer to a ping.
    pub keepalive_timeout: Duration,
    /// Ping without open streams too.
    pub permit_without_stream: bool,
    /// Seeds the jitter.
    pub seed: u64,
}

/// Go's `grpc.ClientConn` with pick_first. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ClientConn;

/// Go's `grpc.ClientStream`. Dropping it does NOT end the stream.
#[derive(Debug)]
pub struct ClientStream;

/// What `SendMsg` returns.
#[derive(Clone, Debug)]
pub enum SendError {
    /// `io.EOF`: the stream is done, `RecvMsg` tells why.
    Eof,
    /// A status at once.
    Status(Status),
}

impl ClientConn {
    /// Starts to connect in the background and returns at once, as `grpc.Dial` without `WithBlock`.
    pub fn dial(_net: &Net, _target: SocketAddr, _options: DialOptions) -> Self {
        todo!()
    }
    /// Waits until the connection is READY, as `WithBlock`. An error closes it.
    pub async fn dial_blocking(
        _ctx: &Ctx,
        _net: &Net,
        _target: SocketAddr,
        _options: DialOptions,
    ) -> Result<Self, Status> {
        todo!()
    }
    /// Ends every stream with `Canceled: grpc: the client connection is closing`, now and later.
    pub fn close(&self) {
        todo!()
    }
    /// Opens a stream, bidirectional as far as the transport goes. Waits at `pick/connecting`, then at `NewStream/quota`.
    pub async fn new_stream(&self, _ctx: &Ctx, _method: &'static str) -> Result<ClientStream, Status> {
        todo!()
    }
    /// One request, one answer.
    pub async fn unary<Req: Message, Resp: Message + Default>(
        &self,
        _ctx: &Ctx,
        _method: &'static str,
        _request: &Req,
    ) -> Result<Resp, Status> {
        todo!()
    }
}

impl ClientStream {
    /// Queues a message; waits at `SendMsg/flow` while 64 KiB are queued.
    pub async fn send_msg<M: Message>(&mut self, _message: &M) -> Result<(), SendError> {
        todo!()
    }
    /// The next message, `None` at a clean end. Waits at `RecvMsg/waitOnHeader`, then at `RecvMsg/message`.
    pub async fn recv_msg<M: Message + Default>(&mut self) -> Result<Option<M>, Status> {
        todo!()
    }
    /// Half-closes.
    pub async fn close_send(&mut self) -> Result<(), Status> {
        todo!()
    }
    /// Half-closes and waits for the one answer, at `CloseAndRecv/waitOnHeader`.
    pub async fn close_and_recv<M: Message + Default>(&mut self) -> Result<M, Status> {
        todo!()
    }
}
