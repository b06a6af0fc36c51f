//! Real sockets on this machine.

use std::io;
use std::net::SocketAddr;

use crate::{Conn, Port};

/// How sockets are made.
#[derive(Clone, Copy, Debug)]
pub struct TcpConfig {
    /// `SO_SNDBUF` and `SO_RCVBUF` of every socket, in bytes (Linux doubles them); `None` leaves the system's.
    pub buffer: Option<usize>,
}

impl Default for TcpConfig {
    fn default() -> Self {
        Self { buffer: Some(64 << 10) }
    }
}

/// Real sockets.
#[derive(Clone, Debug)]
pub struct TcpNet {
    _config: TcpConfig,
}
/// A bound socket that reserves its port.
#[derive(Debug)]
pub struct TcpPort;
/// A listening socket.
#[derive(Debug)]
pub struct TcpListener;

impl TcpNet {
    /// Sockets with `config`.
    pub fn new(config: TcpConfig) -> Self {
        Self { _config: config }
    }
    pub(crate) fn reserve(&self, _at: SocketAddr) -> io::Result<Port> {
        todo!()
    }
    pub(crate) async fn connect(&self, _to: SocketAddr) -> io::Result<Conn> {
        todo!()
    }
}
