//! A fault on containers, watched until it heals: what it holds is gone from the kernel when the client is.

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use unstuck_record::Evidence;

use super::node::Undo;
use super::{Containers, Tell, lock};

/// How often to look.
const LOOK: Duration = Duration::from_millis(500);

/// A fault, which heals when this drops.
#[derive(Debug)]
#[must_use = "the fault heals when this guard drops"]
pub(in super::super) struct Suffered {
    fault: usize,
    watched: Arc<Watched>,
    /// Dropped, it ends the thread.
    watching: Option<(Sender<()>, JoinHandle<()>)>,
}

struct Watched {
    containers: Containers,
    undo: Vec<(usize, Undo)>,
    /// The most that each container was seen to hold.
    most: Mutex<BTreeMap<usize, Evidence>>,
    tell: Tell,
}

// === impl Suffered ===

impl Suffered {
    /// The fault is on these containers already.
    pub(super) fn watched(
        containers: &Containers,
        fault: usize,
        undo: Vec<(usize, Undo)>,
        tell: &Tell,
    ) -> Self {
        let (containers, tell) = (containers.clone(), Arc::clone(tell));
        let watched = Arc::new(Watched { containers, undo, most: Mutex::default(), tell });
        let (stop, stopped) = channel();
        let watching = Arc::clone(&watched);
        let thread =
            std::thread::Builder::new().name("watch".to_owned()).spawn(move || watching.watch(&stopped));
        let watching =
            thread.map_err(|error| (watched.tell)(format!("nothing watches the containers: {error}")));
        Self { fault, watched, watching: watching.ok().map(|thread| (stop, thread)) }
    }
}

impl Drop for Suffered {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.watching.take() {
            drop(stop);
            let _it_says_its_panic_itself = thread.join();
        }
        let watched = &self.watched;
        if let Err(error) = watched.look() {
            (watched.tell)(error.to_string());
        }
        for evidence in lock(&watched.most).values() {
            watched.containers.credit(self.fault, *evidence);
        }
        for (index, undo) in &watched.undo {
            if let Err(error) = watched.containers.at(*index).heal(undo) {
                (watched.tell)(error.to_string());
            }
        }
    }
}

// === impl Watched ===

impl Watched {
    fn watch(&self, stopped: &Receiver<()>) {
        while stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            // what lasts is told at the heal
            let _a_client_may_end_meanwhile = self.look();
        }
    }

    fn look(&self) -> io::Result<()> {
        let of_clients = self.undo.iter().any(|(_, undo)| undo.is_seen_by_clients());
        let clients = if of_clients { self.containers.clients()? } else { vec![] };
        for (index, undo) in &self.undo {
            let now = self.containers.at(*index).touched(undo, &clients)?;
            let mut most = lock(&self.most);
            let most = most.entry(*index).or_default();
            (most.bytes, most.refused) = (most.bytes.max(now.bytes), most.refused.max(now.refused));
        }
        Ok(())
    }
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").field("undo", &self.undo).finish_non_exhaustive()
    }
}
