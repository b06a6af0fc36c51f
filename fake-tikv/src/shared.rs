//! What all services of a cluster share: its state under one lock, its clock, its speed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use unstuck_net::Clock;

use crate::answer::Answers;
use crate::cluster::State;
use crate::spec::{Mode, Spec, Speed};
use crate::storage::Storage;

/// One for each cluster.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) speed: Speed,
    pub(crate) mode: Mode,
    /// What stores answer instead of the truth.
    pub(crate) answers: Answers,
    /// Told whenever locks of transactions were released: commands that wait for one look again.
    pub(crate) released: Notify,
    all: Mutex<All>,
}

/// The whole state. Nothing in it waits.
#[derive(Debug)]
pub(crate) struct All {
    pub(crate) cluster: State,
    pub(crate) storage: Storage,
}

impl Shared {
    pub(crate) fn new(clock: Clock, spec: &Spec, cluster: State, storage: Storage) -> Self {
        Self {
            clock,
            speed: spec.speed,
            mode: spec.mode,
            answers: Answers::default(),
            released: Notify::new(),
            all: Mutex::new(All { cluster, storage }),
        }
    }
    /// The state as it is now.
    pub(crate) fn lock(&self) -> MutexGuard<'_, All> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.cluster.advance(self.clock.ms());
        all
    }
}
