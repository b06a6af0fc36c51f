//! The requests that wait for a timestamp.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use super::error::TsoError;

/// So many requests go into one batch at most (pd/client: `defaultMaxTSOBatchSize`).
const MAX_BATCH: usize = 10_000;

/// Where a request's answer goes.
pub(super) type Done = oneshot::Sender<Result<u64, TsoError>>;

/// Go's buffered channel of requests, as far as it is used. What lies in it stays there until somebody takes it: nobody is told
/// when the one who should is gone.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<VecDeque<Done>>,
    arrived: Notify,
}

impl Queue {
    /// A request, and where its answer will come.
    pub(super) fn push(&self) -> oneshot::Receiver<Result<u64, TsoError>> {
        let (done, answer) = oneshot::channel();
        self.waiting().push_back(done);
        self.arrived.notify_one();
        answer
    }

    /// Waits for a request and takes all that there are, up to a batch. Dropped before, it has taken nothing.
    pub(super) async fn batch(&self) -> Vec<Done> {
        loop {
            let batch = {
                let mut waiting = self.waiting();
                let size = waiting.len().min(MAX_BATCH);
                waiting.drain(..size).collect::<Vec<_>>()
            };
            if !batch.is_empty() {
                return batch;
            }
            self.arrived.notified().await;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Done>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
