//! What a wait in this client waits for: a peer, over one of its connections.

use std::net::SocketAddr;

use crate::probe::Site;

/// The peer, and the connection to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    /// The address that was dialled.
    pub(super) target: SocketAddr,
    /// The connection's number; 0 while there is none.
    pub(super) conn: u64,
}

impl Link {
    /// A wait for this peer.
    pub(super) fn site(&self, name: &'static str) -> Site {
        Site::peer(name, self.target, self.conn)
    }
}
