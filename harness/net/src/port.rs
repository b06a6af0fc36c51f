//! A reserved port: connects are refused until somebody listens, and again once the listener is dropped.

use std::io;
use std::net::SocketAddr;

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
        match self {
            Listener::Sim(listener) => {
                let conn = listener.accept().await;
                let peer = conn.peer_addr();
                Ok((Conn::Sim(conn), peer))
            }
            Listener::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((Conn::Tcp(stream), peer))
            }
        }
    }
}
