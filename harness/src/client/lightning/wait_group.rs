//! Go's `sync.WaitGroup` over jobs: each live job holds a ticket, the import waits until none is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::probe::{Actors, Site, wait};

/// Counts live jobs. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct WaitGroup(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: &'static str,
    live: AtomicUsize,
    zero: Notify,
    owners: Actors,
}

/// One live job. Dropping it is `Done`.
#[derive(Debug)]
pub(super) struct Ticket(WaitGroup);

impl WaitGroup {
    /// Nothing lives yet. `name` is the wait site.
    pub(super) fn new(name: &'static str) -> Self {
        Self(Arc::new(Inner {
            name,
            live: AtomicUsize::new(0),
            zero: Notify::new(),
            owners: Actors::new(name),
        }))
    }
    /// `Add(1)`.
    pub(super) fn add(&self) -> Ticket {
        self.0.live.fetch_add(1, Ordering::Relaxed);
        Ticket(self.clone())
    }
    /// The tasks that own jobs: whoever waits, waits for them.
    pub(super) fn owners(&self) -> &Actors {
        &self.0.owners
    }
    /// Waits until no ticket is left.
    pub(super) async fn wait(&self) {
        let inner = &self.0;
        let site = Site::on(inner.name, &inner.owners);
        wait(site, async {
            while inner.live.load(Ordering::Relaxed) > 0 {
                inner.zero.notified().await;
            }
        })
        .await;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let inner = &self.0.0;
        if inner.live.fetch_sub(1, Ordering::Relaxed) == 1 {
            // one waiter: the import; the permit is kept if it does not wait yet
            inner.zero.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_when_the_last_ticket_drops() {
        let group = WaitGroup::new("test");
        group.wait().await;
        let (first, second) = (group.add(), group.add());
        drop(first);
        assert!(timeout(Duration::from_secs(3600), group.wait()).await.is_err());
        drop(second);
        group.wait().await;
    }
}
