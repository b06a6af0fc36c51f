//! What all services of a cluster share: its state under one lock, its clock, its speed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use tonic::Status;
use unstuck_net::Clock;

use crate::answer::{Answers, Seen, Then, refusal};
use crate::cluster::State;
use crate::gate::Gate;
use crate::journal::{Journal, note_refused, note_region, note_script};
use crate::proto::errorpb;
use crate::spec::{Mode, Node, Spec, Speed};
use crate::storage::Storage;

/// One for each cluster.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) speed: Speed,
    pub(crate) mode: Mode,
    /// What nodes answer instead of the truth.
    pub(crate) answers: Answers,
    /// The calls they have seen.
    pub(crate) journal: Journal,
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

/// What a script answers a command.
#[derive(Debug)]
pub(crate) enum Scripted {
    Region(Box<errorpb::Error>),
    Status(Status),
}

impl Shared {
    pub(crate) fn new(clock: Clock, spec: &Spec, cluster: State, storage: Storage) -> Self {
        Self {
            clock,
            speed: spec.speed,
            mode: spec.mode,
            answers: Answers::default(),
            journal: Journal::new(clock, spec.journal),
            released: Notify::new(),
            all: Mutex::new(All { cluster, storage }),
        }
    }

    /// Waits as scripts say, and returns what they answer a command; `None`: the truth.
    ///
    /// Every command asks, before it looks at the state.
    pub(crate) async fn instead(&self, command: Seen<'_>) -> Option<Scripted> {
        note_region(command.region);
        if self.answers.is_empty() {
            return None;
        }
        let rule = self.answers.instead(command).await?;
        note_script(rule.id);
        match &rule.script.then {
            Then::RegionError(error) => {
                let key = command.keys.first().map(|key| Bytes::copy_from_slice(key)).unwrap_or_default();
                let key = self.mode.region_key(&key);
                let all = self.lock();
                let error = refusal(error, &all.cluster, command.store, command.region, &key);
                note_refused(&error);
                Some(Scripted::Region(Box::new(error)))
            }
            Then::Status { code, message } => {
                Some(Scripted::Status(Status::new(i32::from(*code).into(), message.clone())))
            }
            _ => None,
        }
    }

    /// The gate of one node.
    pub(crate) fn gate(&self, node: Node) -> Gate {
        let cluster_id = self.lock().cluster.cluster_id;
        Gate { node, cluster_id, answers: self.answers.clone(), journal: self.journal.clone() }
    }

    /// The state as it is now.
    pub(crate) fn lock(&self) -> MutexGuard<'_, All> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.cluster.advance(self.clock.ms());
        all
    }
}
