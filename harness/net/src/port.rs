//! A reserved port: connects are refused until somebody listens, and again once the listener is dropped.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use crate::Conn;
use crate::sim::{SimListener, SimPort};
use crate::tcp::{TcpListener, TcpPort};

/// A port that stays ours whether or not anybody listens on it.
#[derive(Debug)]
pub enum Port {
    /// In memory.
    Sim(SimPort),
    /// A bound socket that never listens.
    Tcp(TcpPort),
}

impl Port {
    /// The address, with the real port number.
    pub fn addr(&self) -> SocketAddr {
        match self {
            Port::Sim(port) => port.addr(),
            Port::Tcp(port) => port.addr(),
        }
    }
    /// Starts to listen. One listener at a time; dropping it refuses new connects and leaves accepted ones open.
    pub fn listen(&self) -> io::Result<Listener> {
        match self {
            Port::Sim(port) => port.listen().map(Listener::Sim),
            Port::Tcp(port) => port.listen().map(Listener::Tcp),
        }
    }
    /// Drops every SYN to this port while set, so that connects hang; they get through at the retransmission
    /// that follows the clearing. Returns false where the world cannot do it (real sockets): nothing is changed then.
    pub fn drop_syn(&self, on: bool) -> bool {
        match self {
            Port::Sim(port) => {
                port.drop_syn(on);
                true
            }
            Port::Tcp(_) => false,
        }
    }
    /// How many connects were refused or had their SYN dropped so far, each counted once. `None` where the world
    /// does not tell (real sockets: the kernel refuses, and nobody hears of it).
    pub fn turned_away(&self) -> Option<u64> {
        match self {
            Port::Sim(port) => Some(port.turned_away()),
            Port::Tcp(_) => None,
        }
    }
}

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    /// In memory.
    Sim(SimListener),
    /// A real socket.
    Tcp(TcpListener),
}

impl Listener {
    /// The next connection, with the address of its other end.
    pub async fn accept(&mut self) -> io::Result<(Conn, SocketAddr)> {
        std::future::poll_fn(|cx| self.poll_accept(cx)).await
    }
    /// Leaves no room for connections that wait to be accepted while set, so that SYNs are lost and connects hang. They
    /// get through at the retransmission that follows the clearing. Do not accept meanwhile: that makes room.
    ///
    /// Returns false where the world cannot do it: outside of Linux; and in the sim, where [`Port::drop_syn`] does it.
    pub fn clog(&mut self, on: bool) -> io::Result<bool> {
        match self {
            Listener::Sim(_) => Ok(false),
            Listener::Tcp(listener) => listener.clog(on),
        }
    }

    /// [`Listener::accept`] as a poll.
    pub fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Conn, SocketAddr)>> {
        match self {
            Listener::Sim(listener) => listener.poll_accept(cx).map(|conn| {
                let peer = conn.peer_addr();
                Ok((Conn::Sim(conn), peer))
            }),
            Listener::Tcp(listener) => {
                listener.poll_accept(cx).map_ok(|(stream, peer)| (Conn::Tcp(stream), peer))
            }
        }
    }
}
