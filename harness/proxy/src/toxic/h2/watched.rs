//! What is known of a connection's streams while it lives.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The HTTP/2 streams of one connection; all is 0 and `None` if nobody has asked for it to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamStatus {
    /// Open now: the client has sent the request, and not both sides have been told the end.
    pub open: u64,
    /// Opened so far.
    pub opened: u64,
    /// Why the connection is not read as HTTP/2, or no longer.
    pub unread: Option<&'static str>,
}

/// Told by a session, asked by anybody.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    open: AtomicU64,
    opened: AtomicU64,
    unread: Mutex<Option<&'static str>>,
}

// === impl Watched ===

impl Watched {
    pub(crate) fn get(&self) -> StreamStatus {
        StreamStatus {
            open: self.open.load(Ordering::Relaxed),
            opened: self.opened.load(Ordering::Relaxed),
            unread: *self.unread.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    pub(super) fn one_more(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.opened.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn one_less(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn none_is_left(&self) {
        self.open.store(0, Ordering::Relaxed);
    }

    /// The first reason stays.
    pub(super) fn give_up(&self, why: &'static str) {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
    }
}
