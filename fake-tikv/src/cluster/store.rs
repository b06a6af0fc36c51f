//! Stores and PD members as processes.

use std::net::SocketAddr;

use super::nodes::Life;

/// A node's process, or the memory of one. Times are the clock's milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) life: Life,
    /// What clients are told.
    pub(crate) addr: SocketAddr,
    /// What they will be told from the next heartbeat on.
    pub(crate) next_addr: Option<SocketAddr>,
    /// What PD has been told to do with a store.
    pub(crate) intent: Intent,
    /// When PD ceased to hear the store; `None` while it hears it.
    pub(crate) lost: Option<u64>,
    /// When this process started.
    started: u64,
    /// How often a process has started before this one.
    restarts: u64,
}

/// What is to become of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    Stay,
    /// Its peers are to go elsewhere.
    Leave,
    /// It has left for ever.
    Left,
}

/// How long PD and the stores wait for each other, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// How often a store's heartbeat tells PD about it (pd-store-heartbeat-tick-interval).
    pub(crate) heartbeat: u64,
    /// A store is Disconnected when PD has not heard it for so long.
    pub(crate) disconnected: u64,
    /// It is Down when PD has not heard it for so long (PD's schedule.max-store-down-time).
    pub(crate) down: u64,
    /// How often PD looks after peers of stores that are down or leave. Each store that takes some is given one then: 15 a
    /// minute, PD's store limit.
    pub(crate) repair: u64,
}

impl Patience {
    /// What PD and stores have by default, divided.
    pub(crate) fn new(scale: u32) -> Self {
        let divided = |ms: u64| (ms / u64::from(scale.max(1))).max(1);
        Self {
            heartbeat: divided(10_000),
            disconnected: divided(20_000),
            down: divided(30 * 60 * 1000),
            repair: divided(4_000),
        }
    }
}

impl Process {
    /// A process that starts with the cluster, or joins it later.
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self {
            life: Life::Runs,
            addr,
            next_addr: None,
            intent: Intent::Stay,
            lost: None,
            started: 0,
            restarts: 0,
        }
    }
    /// The same, at a later time.
    pub(crate) fn joined(self, now: u64) -> Self {
        Self { started: now, ..self }
    }
    /// Whether there is a process, be it frozen.
    pub(crate) fn up(&self) -> bool {
        self.life != Life::Gone
    }
    /// Whether PD would give the store a peer.
    pub(crate) fn takes_peers(&self) -> bool {
        self.life == Life::Runs && self.lost.is_none() && self.intent == Intent::Stay
    }
    pub(crate) fn start(&mut self, now: u64) {
        (self.life, self.started, self.restarts) = (Life::Runs, now, self.restarts + 1);
    }
    /// The start in seconds since 1970, as clients compare it: each process has another, even within a second.
    pub(crate) fn start_timestamp(&self, epoch_ms: u64) -> u64 {
        (epoch_ms + self.started) / 1000 + self.restarts
    }
    /// When PD last heard the store.
    pub(crate) fn last_heartbeat(&self, now: u64) -> u64 {
        self.lost.unwrap_or(now)
    }
    /// The state of a store, as PD calls it.
    pub(crate) fn state_name(&self, now: u64, patience: Patience) -> &'static str {
        match (self.intent, now.saturating_sub(self.last_heartbeat(now))) {
            (Intent::Left, _) => "Tombstone",
            (Intent::Leave, _) => "Offline",
            (Intent::Stay, unheard) if unheard >= patience.down => "Down",
            (Intent::Stay, unheard) if unheard >= patience.disconnected => "Disconnected",
            (Intent::Stay, _) => "Up",
        }
    }
}
