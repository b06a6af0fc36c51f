//! A gRPC client with grpc-go's semantics, on the real h2.
//!
//! grpc-go differs from Rust's stacks where clients get stuck: a dropped stream goes on, opening waits for stream
//! quota without a time limit, and a stream whose HEADERS had not left when its connection died is sent again,
//! silently, by whoever reads from it. Modules, in reading order:
//!
//! * [`call`]: `ClientStream`: `SendMsg`, `RecvMsg`, the transparent retry
//! * `channel`: `ClientConn`: connectivity, picks, redials (`dial`, `backoff`)
//! * `transport`: one connection's streams and the quota for new ones (`quota`, `stream`)
//! * `driver`: the task that moves its bytes (`keepalive`)
//! * `wire`, `scan`: which frames have left
//! * `framing`, `status`, `link`: messages, ends, names
//!
//! One deliberate difference: where Go leaks a `ClientConn` that nobody closes, dropping the last handle closes it,
//! so that a client that is aborted leaves no redials behind. A [`ClientStream`] counts as a handle.

mod backoff;
mod call;
mod channel;
mod dial;
mod driver;
mod framing;
mod keepalive;
mod link;
mod quota;
mod scan;
mod status;
mod stream;
#[cfg(test)]
mod tests;
mod transport;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use tonic::Status;
use unstuck_net::Net;

pub use call::{ClientStream, SendError};
pub use channel::Connectivity;

use super::ctx::Ctx;
use crate::probe::frame;
use channel::Channel;

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

/// Go's `grpc.ClientConn` with `pick_first`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ClientConn(Arc<Handle>);

/// Closes its channel when the last clone drops.
#[derive(Debug)]
struct Handle(Arc<Channel>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl ClientConn {
    /// Starts to connect in the background and returns at once, as `grpc.Dial` without `WithBlock`.
    /// Call within a runtime.
    pub fn dial(net: &Net, target: SocketAddr, options: DialOptions) -> Self {
        Self(Arc::new(Handle(Channel::start(net, target, options))))
    }
    /// Waits until the connection is READY, as `WithBlock`, at `Dial/connecting`. An error closes it.
    pub async fn dial_blocking(
        ctx: &Ctx,
        net: &Net,
        target: SocketAddr,
        options: DialOptions,
    ) -> Result<Self, Status> {
        let conn = Self::dial(net, target, options);
        frame("ClientConn::dial_blocking", conn.channel().until_ready(ctx)).await?;
        Ok(conn)
    }
    /// Ends every stream with `Canceled: grpc: the client connection is closing`, now and later.
    pub fn close(&self) {
        self.channel().close();
    }
    /// Opens a stream, bidirectional as far as the transport goes. Waits at `pick/connecting`, then at `NewStream/quota`.
    pub async fn new_stream(&self, ctx: &Ctx, method: &'static str) -> Result<ClientStream, Status> {
        frame("ClientConn::new_stream", ClientStream::open(self, ctx, method)).await
    }
    /// One request, one answer. Dropping the future cancels the call.
    pub async fn unary<Req: Message, Resp: Message + Default>(
        &self,
        ctx: &Ctx,
        method: &'static str,
        request: &Req,
    ) -> Result<Resp, Status> {
        frame("ClientConn::unary", ClientStream::unary(self, ctx, method, request)).await
    }

    /// Go's `Connect`: an IDLE channel begins to connect. Others do nothing.
    pub fn connect(&self) {
        self.channel().connect();
    }
    /// Go's `WaitForStateChange` until READY, at `waitConnReady`. It does not make an IDLE channel connect.
    pub async fn wait_ready(&self, ctx: &Ctx) -> Result<(), Status> {
        frame("ClientConn::wait_ready", self.channel().watch_ready(ctx)).await
    }
    /// The state of the channel, as `pick_first` reports it: sticky in `TRANSIENT_FAILURE`.
    pub fn state(&self) -> Connectivity {
        self.channel().connectivity()
    }
    /// The number of the READY connection, which is its local port; 0 while there is none.
    pub fn conn_id(&self) -> u64 {
        self.channel().ready().map_or(0, |transport| transport.number())
    }
    /// Streams open on the READY connection, and how many the peer allows; zeros while there is none.
    pub fn open_streams(&self) -> (usize, usize) {
        self.channel().ready().map_or((0, 0), |transport| transport.usage())
    }
    fn channel(&self) -> &Channel {
        &self.0.0
    }
}
