//! What one connection has carried and which toxics touch it. Readable while it lives, without a lock on its data path.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::lane::Moved;
use crate::status::{Carried, ConnStatus};
use crate::toxic::InForce;
use crate::toxic::h2::watched::Watched;

/// One connection's counters. Only its own task writes to them.
#[derive(Debug)]
pub(crate) struct Meter {
    client: SocketAddr,
    since: Instant,
    up: Count,
    down: Count,
    touching: Mutex<Vec<Arc<InForce>>>,
    streams: Arc<Watched>,
}

#[derive(Debug, Default)]
struct Count {
    received: AtomicU64,
    bytes: AtomicU64,
    chunks: AtomicU64,
}

// === impl Meter ===

impl Meter {
    pub(crate) fn new(client: SocketAddr, since: Instant) -> Self {
        let (up, down) = <(Count, Count)>::default();
        Self { client, since, up, down, touching: Mutex::default(), streams: Arc::default() }
    }

    pub(crate) fn add(&self, up: Moved, down: Moved) {
        self.up.add(up);
        self.down.add(down);
    }

    /// From now on it is these toxics that touch the connection.
    pub(crate) fn touched_by(&self, toxics: &[Arc<InForce>]) {
        let mut touching = self.touching();
        let missing = |from: &[Arc<InForce>], of: &InForce| from.iter().all(|toxic| toxic.id != of.id);
        toxics.iter().filter(|toxic| missing(&touching, toxic)).for_each(|toxic| toxic.tally.meet());
        touching.iter().filter(|toxic| missing(toxics, toxic)).for_each(|toxic| toxic.tally.leave());
        *touching = toxics.to_vec();
    }

    pub(crate) fn up(&self) -> Carried {
        self.up.get()
    }

    pub(crate) fn down(&self) -> Carried {
        self.down.get()
    }

    /// Its HTTP/2 streams, if it is read as HTTP/2.
    pub(crate) fn streams(&self) -> &Arc<Watched> {
        &self.streams
    }

    pub(crate) fn status(&self, number: u64) -> ConnStatus {
        ConnStatus {
            number,
            client: self.client,
            since: self.since,
            up: self.up(),
            down: self.down(),
            streams: self.streams.get(),
            toxics: self.touching().iter().map(|toxic| toxic.id).collect(),
        }
    }

    fn touching(&self) -> MutexGuard<'_, Vec<Arc<InForce>>> {
        self.touching.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.touched_by(&[]);
    }
}

impl Count {
    fn add(&self, moved: Moved) {
        if moved != Moved::default() {
            self.received.fetch_add(moved.received, Ordering::Relaxed);
            self.bytes.fetch_add(moved.bytes, Ordering::Relaxed);
            self.chunks.fetch_add(moved.chunks, Ordering::Relaxed);
        }
    }

    fn get(&self) -> Carried {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Carried { received: get(&self.received), bytes: get(&self.bytes), chunks: get(&self.chunks) }
    }
}
