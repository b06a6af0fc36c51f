//! One end of a link, as its user holds it.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::ReadBuf;
use tokio::time::Instant;

use super::SimConfig;
use super::link::{Link, Side};

/// A connection of a [`SimNet`](super::SimNet). Dropping it is close(2).
#[derive(Debug)]
pub struct SimConn {
    link: Arc<Mutex<Link>>,
    side: Side,
    local: SocketAddr,
    peer: SocketAddr,
}

impl SimConn {
    /// An established connection: the end that connected, and the one to be accepted.
    pub(super) fn pair(config: SimConfig, client: SocketAddr, server: SocketAddr) -> (Self, Self) {
        let link = Arc::new(Mutex::new(Link::new(config)));
        (
            Self { link: link.clone(), side: Side::Client, local: client, peer: server },
            Self { link, side: Side::Server, local: server, peer: client },
        )
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local
    }

    pub(crate) fn peer_addr(&self) -> SocketAddr {
        self.peer
    }

    pub(crate) fn reset_on_drop(&self) {
        self.lock().reset_on_close(self.side);
    }

    pub(crate) fn poll_read(&self, cx: &Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (outcome, writer) = self.lock().poll_read(self.side, cx, buf, Instant::now());
        if let Some(writer) = writer {
            writer.wake();
        }
        outcome
    }

    pub(crate) fn poll_readable(&self, cx: &Context<'_>) -> Poll<()> {
        self.lock().poll_readable(self.side, cx, Instant::now())
    }

    pub(crate) fn poll_write(&self, cx: &Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.lock().poll_write(self.side, cx, bufs, Instant::now())
    }

    pub(crate) fn shutdown(&self) {
        self.lock().shutdown(self.side, Instant::now());
    }

    /// A panic elsewhere leaves the link as it was between two calls at worst, and a drop must not panic.
    fn lock(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SimConn {
    fn drop(&mut self) {
        self.lock().close(self.side, Instant::now());
    }
}
