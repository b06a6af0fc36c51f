//! A connection and its two directions.
//!
//! ```text
//!          Conn ── split ──► ReadHalf   (bytes from the peer; EOF after its FIN; ConnectionReset after its RST)
//!                       └──► WriteHalf  (bytes to the peer; shutdown sends FIN)
//! ```
//!
//! Dropping a `Conn` closes it as close(2) does: RST if received bytes were left unread, else FIN.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::sim::SimConn;
use crate::tcp;

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
        match self {
            Conn::Sim(conn) => Ok(conn.local_addr()),
            Conn::Tcp(stream) => stream.local_addr(),
        }
    }
    /// The peer's address.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Conn::Sim(conn) => Ok(conn.peer_addr()),
            Conn::Tcp(stream) => stream.peer_addr(),
        }
    }
    /// From now on dropping this connection sends RST (`SO_LINGER` of 0), whatever is unread or unsent.
    pub fn reset_on_drop(&self) {
        match self {
            Conn::Sim(conn) => conn.reset_on_drop(),
            Conn::Tcp(stream) => tcp::reset_on_drop(stream),
        }
    }
    /// [`ReadHalf::readable`] as a poll; shares its task with `poll_read`. Bytes, EOF and errors are left to the
    /// read that follows; an error that it returns all the same (real sockets, in a race) is not told again.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Conn::Sim(conn) => conn.poll_readable(cx).map(Ok),
            Conn::Tcp(stream) => tcp::poll_readable(stream, cx),
        }
    }
    /// The two directions, for use by one task at the same time. The connection ends with `self`, not with a half.
    pub fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        match self {
            Conn::Sim(conn) => (ReadHalf::Sim(conn), WriteHalf::Sim(conn)),
            Conn::Tcp(stream) => {
                let (read, write) = stream.split();
                (ReadHalf::Tcp(read), WriteHalf::Tcp(write))
            }
        }
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
        poll_fn(|cx| match self {
            ReadHalf::Sim(conn) => conn.poll_readable(cx).map(Ok),
            ReadHalf::Tcp(half) => tcp::poll_readable(half.as_ref(), cx),
        })
        .await
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
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Conn::Sim(conn) => conn.poll_read(cx, buf),
            Conn::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncRead for ReadHalf<'_> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            ReadHalf::Sim(conn) => conn.poll_read(cx, buf),
            ReadHalf::Tcp(half) => Pin::new(half).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Conn {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Conn::Sim(conn) => conn.poll_write(cx, &[IoSlice::new(buf)]),
            Conn::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Conn::Sim(conn) => conn.poll_write(cx, bufs),
            Conn::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }
    fn is_write_vectored(&self) -> bool {
        true
    }
    /// Nothing is buffered on this side of the socket.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    /// Sends FIN. Reading goes on.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Conn::Sim(conn) => {
                conn.shutdown();
                Poll::Ready(Ok(()))
            }
            Conn::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl AsyncWrite for WriteHalf<'_> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            WriteHalf::Sim(conn) => conn.poll_write(cx, &[IoSlice::new(buf)]),
            WriteHalf::Tcp(half) => Pin::new(half).poll_write(cx, buf),
        }
    }
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            WriteHalf::Sim(conn) => conn.poll_write(cx, bufs),
            WriteHalf::Tcp(half) => Pin::new(half).poll_write_vectored(cx, bufs),
        }
    }
    fn is_write_vectored(&self) -> bool {
        true
    }
    /// Nothing is buffered on this side of the socket.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    /// Sends FIN. Reading goes on.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            WriteHalf::Sim(conn) => {
                conn.shutdown();
                Poll::Ready(Ok(()))
            }
            WriteHalf::Tcp(half) => Pin::new(half).poll_shutdown(cx),
        }
    }
}
