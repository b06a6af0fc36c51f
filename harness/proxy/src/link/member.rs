//! A connection as its link knows it.

use std::net::SocketAddr;
use std::sync::Arc;

use unstuck_record::Event;

use super::Link;

/// A connection that its link knows. Dropping it takes it out and reports [`Event::ConnClosed`].
#[derive(Debug)]
pub(crate) struct Member {
    link: Arc<Link>,
    id: u64,
    from: SocketAddr,
    how: String,
}

// === impl Member ===

impl Member {
    pub(crate) fn new(link: Arc<Link>, id: u64, from: SocketAddr) -> Self {
        Self { link, id, from, how: "proxy shut down".to_owned() }
    }

    /// The connection's number on its link, from 1.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// The client's address.
    pub(crate) fn from(&self) -> SocketAddr {
        self.from
    }

    /// Says how it ended.
    pub(crate) fn ended(&mut self, how: String) {
        self.how = how;
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.link.forget(self.id);
        let how = std::mem::take(&mut self.how);
        self.link.report(Event::ConnClosed { link: self.link.name().to_owned(), conn: self.id, how });
    }
}
