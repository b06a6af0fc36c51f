//! Where a link leads.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use unstuck_net::{Conn, Net};

/// The node at the other end of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// An address.
    Addr(SocketAddr),
    /// `host:port`, resolved at every dial. On real sockets only.
    Name(String),
}

// === impl Upstream ===

impl Upstream {
    /// What is written is taken as it is: whether a name leads anywhere shows at a dial.
    pub fn parse(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Name(text.to_owned()), Self::Addr)
    }

    /// The first address that answers.
    pub(crate) async fn dial(&self, net: &Net) -> io::Result<Conn> {
        match self {
            Upstream::Addr(addr) => net.connect(*addr).await,
            Upstream::Name(_) if net.is_sim() => Err(ErrorKind::Unsupported.into()),
            Upstream::Name(name) => {
                // without a host it is this machine, as in Go
                let host = if name.starts_with(':') { "localhost" } else { "" };
                let mut last = ErrorKind::NotFound.into();
                for addr in tokio::net::lookup_host(format!("{host}{name}")).await? {
                    match net.connect(addr).await {
                        Ok(conn) => return Ok(conn),
                        Err(error) => last = error,
                    }
                }
                Err(last)
            }
        }
    }
}

impl From<SocketAddr> for Upstream {
    fn from(addr: SocketAddr) -> Self {
        Self::Addr(addr)
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Upstream::Addr(addr) => addr.fmt(f),
            Upstream::Name(name) => name.fmt(f),
        }
    }
}
