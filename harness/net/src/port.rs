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
        todo!()
    }
    /// Starts to listen. One listener at a time; dropping it refuses new connects and leaves accepted ones open.
    pub fn listen(&self) -> io::Result<Listener> {
        todo!()
    }
    /// Drops every SYN to this port while set, so that connects hang; they get through at the retransmission
    /// that follows the clearing. Returns false where the world cannot do it (real sockets): nothing is changed then.
    pub fn drop_syn(&self, _on: bool) -> bool {
        todo!()
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
        todo!()
    }
}
