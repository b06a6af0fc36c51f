//! What all services of a cluster share: its state under one lock, its clock, its speed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use unstuck_net::Clock;

use crate::cluster::State;
use crate::spec::Speed;
use crate::storage::Storage;

/// One for each cluster.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) speed: Speed,
    all: Mutex<All>,
}

/// The whole state. Nothing in it waits.
#[derive(Debug)]
pub(crate) struct All {
    pub(crate) cluster: State,
    pub(crate) storage: Storage,
}

impl Shared {
    pub(crate) fn new(clock: Clock, speed: Speed, cluster: State, storage: Storage) -> Self {
        Self { clock, speed, all: Mutex::new(All { cluster, storage }) }
    }
    /// The state as it is now.
    pub(crate) fn lock(&self) -> MutexGuard<'_, All> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.cluster.advance(self.clock.ms());
        all
    }
}
