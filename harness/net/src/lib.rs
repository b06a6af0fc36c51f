//! Connections for the fake cluster, the proxy and the clients, in one of two worlds.
//!
//! Start at [`Net`]. Modules, in reading order:
//!
//! * [`asker`]: who may ask a control plane on loopback
//! * [`clock`]: wall time as the fake cluster tells it: an epoch plus tokio's clock
//! * [`sim`]: an in-memory network on tokio's paused clock, and the runtime it needs
//! * [`tcp`]: real sockets
//! * [`conn`]: a connection of either, its halves, and how it ends (FIN, RST)
//! * [`port`]: a reserved port of either, the listener on it

pub mod asker;
pub mod clock;
pub mod conn;
pub mod port;
pub mod sim;
pub mod tcp;

use std::io;
use std::net::SocketAddr;

pub use clock::Clock;
pub use conn::Conn;
pub use port::{Listener, Port};

/// A network to listen and connect on. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Net {
    /// In memory, on virtual time.
    Sim(sim::SimNet),
    /// Real sockets on this machine.
    Tcp(tcp::TcpNet),
}

impl Net {
    /// Reserves a port. Nobody listens on it yet: connects are refused until [`Port::listen`].
    ///
    /// Port 0 asks for any free port; [`Port::addr`] tells which.
    pub fn reserve(&self, at: SocketAddr) -> io::Result<Port> {
        match self {
            Net::Sim(net) => net.reserve(at).map(Port::Sim),
            Net::Tcp(net) => net.reserve(at).map(Port::Tcp),
        }
    }

    /// Connects, with the errors that TCP gives: `ConnectionRefused` where nobody listens; a dropped SYN
    /// is retransmitted after 1, 2, 4, … seconds and hangs meanwhile. Dropping the future gives up.
    pub async fn connect(&self, to: SocketAddr) -> io::Result<Conn> {
        match self {
            Net::Sim(net) => net.connect(to).await.map(Conn::Sim),
            Net::Tcp(net) => net.connect(to).await.map(Conn::Tcp),
        }
    }

    /// Whether time is virtual.
    pub fn is_sim(&self) -> bool {
        matches!(self, Net::Sim(_))
    }

    /// An unspecified address on which [`Net::reserve`] picks a free port: `127.0.0.1:0`, in the sim too.
    pub fn any(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }
}
