//! Stores and PD members as processes.

use std::net::SocketAddr;

/// A node's process, or the memory of one. Times are the clock's milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) up: bool,
    /// What clients are told.
    pub(crate) addr: SocketAddr,
    /// When this process started.
    started: u64,
    /// When the last one stopped.
    stopped: u64,
    /// How often a process has started before this one.
    restarts: u64,
}

impl Process {
    /// A process that starts with the cluster.
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self { up: true, addr, started: 0, stopped: 0, restarts: 0 }
    }
    pub(crate) fn stop(&mut self, now: u64) {
        (self.up, self.stopped) = (false, now);
    }
    pub(crate) fn start(&mut self, now: u64) {
        (self.up, self.started, self.restarts) = (true, now, self.restarts + 1);
    }
    /// The start in seconds since 1970, as clients compare it: each process has another, even within a second.
    pub(crate) fn start_timestamp(&self, epoch_ms: u64) -> u64 {
        (epoch_ms + self.started) / 1000 + self.restarts
    }
    /// When it was last heard of.
    pub(crate) fn last_heartbeat(&self, now: u64) -> u64 {
        if self.up { now } else { self.stopped }
    }
}
