//! A connection and its two directions.
//!
//! ```text
//!          Conn ── split ──► ReadHalf   (bytes from the peer; EOF after its FIN; ConnectionReset after its RST)
//!                       └──► WriteHalf  (bytes to the peer; shutdown sends FIN)
//! ```
//!
//! Dropping a `Conn` closes it as close(2) does: RST if received bytes were left unread, else FIN.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::sim::SimConn;

/// One TCP-like connection in either world.
#[derive(Debug)]
pub enum Conn {
    /// An in-memory connection.
    Sim(SimConn),
    /// A real socket.
    Tcp(tokio::net::TcpStream),
}

impl Conn {
    /// Our own address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        todo!()
    }
    /// The peer's address.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        todo!()
    }
    /// From now on dropping this connection sends RST (`SO_LINGER` of 0), whatever is unread or unsent.
    pub fn reset_on_drop(&self) {
        todo!()
    }
    /// The two directions, for use by one task at the same time. The connection ends with `self`, not with a half.
    pub fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        todo!()
    }
}

/// The receiving direction of a [`Conn`].
#[derive(Debug)]
pub enum ReadHalf<'a> {
    /// In memory.
    Sim(&'a SimConn),
    /// A real socket.
    Tcp(tokio::net::tcp::ReadHalf<'a>),
}

impl ReadHalf<'_> {
    /// Waits until a read would return at once: bytes, EOF or an error. Takes nothing off the connection.
    pub async fn readable(&self) -> io::Result<()> {
        todo!()
    }
}

/// The sending direction of a [`Conn`].
#[derive(Debug)]
pub enum WriteHalf<'a> {
    /// In memory.
    Sim(&'a SimConn),
    /// A real socket.
    Tcp(tokio::net::tcp::WriteHalf<'a>),
}

impl AsyncRead for Conn {
    fn poll_read(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        _buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        todo!()
    }
}
impl AsyncWrite for Conn {
    fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, _buf: &[u8]) -> Poll<io::Result<usize>> {
        todo!()
    }
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        todo!()
    }
    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        todo!()
    }
}
impl AsyncRead for ReadHalf<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        _buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        todo!()
    }
}
impl AsyncWrite for WriteHalf<'_> {
    fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, _buf: &[u8]) -> Poll<io::Result<usize>> {
        todo!()
    }
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        todo!()
    }
    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        todo!()
    }
}
