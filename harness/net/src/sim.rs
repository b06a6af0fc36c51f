//! An in-memory network on tokio's paused clock, and the runtime it needs.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::{Conn, Port};

/// How the simulated network behaves. All links are alike; slowness is the proxy's business.
#[derive(Clone, Copy, Debug)]
pub struct SimConfig {
    /// One way, for every connect and every chunk. At least 1 ms, so that no loop over the network freezes the clock.
    pub latency: Duration,
    /// Bytes that a sender can have outside the receiver's buffer.
    pub send_buffer: usize,
    /// Bytes that wait unread at the receiver.
    pub recv_buffer: usize,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self { latency: Duration::from_millis(1), send_buffer: 64 << 10, recv_buffer: 64 << 10 }
    }
}

/// An in-memory network. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SimNet;
/// A reserved port of a [`SimNet`].
#[derive(Debug)]
pub struct SimPort;
/// A listener of a [`SimNet`].
#[derive(Debug)]
pub struct SimListener;
/// A connection of a [`SimNet`].
#[derive(Debug)]
pub struct SimConn;

impl SimNet {
    /// A network without hosts.
    pub fn new(_config: SimConfig) -> Self {
        todo!()
    }
    pub(crate) fn reserve(&self, _at: SocketAddr) -> io::Result<Port> {
        todo!()
    }
    pub(crate) async fn connect(&self, _to: SocketAddr) -> io::Result<Conn> {
        todo!()
    }
}

/// A single-threaded runtime with a paused clock: time jumps to the next timer when every task waits.
/// With `--cfg tokio_unstable` its random choices come from `seed`.
pub fn runtime(_seed: u64) -> tokio::runtime::Runtime {
    todo!()
}
