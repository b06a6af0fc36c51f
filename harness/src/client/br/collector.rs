//! The task that brings the stores' answers together: many channels in, one channel out.

use futures_util::future::select_all;

use super::answers::Answer;
use super::tools::Tools;
use crate::client::chan::Chan;
use crate::client::ctx::Ctx;
use crate::probe::{ActorGuard, Actors, Site, wait};

/// Collects for one round, until a store's backup begins anew: then another collector takes its place.
#[derive(Debug)]
pub(super) struct Collector {
    pub(super) tools: Tools,
    /// Looked at only while an answer is handed on: with nothing to hand on a cancelled collector stays, and the
    /// next answer that it takes is lost to the round.
    pub(super) ctx: Ctx,
    pub(super) round: u64,
    pub(super) stores: Vec<Chan<Answer>>,
    pub(super) results: Chan<Answer>,
    /// The stores' tasks.
    pub(super) producers: Actors,
    /// Whoever waits for results waits for this task.
    pub(super) mover: Actors,
}

impl Collector {
    /// Closes the result channel when every store's channel is closed, or when cancelled.
    pub(super) async fn run(self) {
        let _moves = self.mover.join();
        let mut open: Vec<(Chan<Answer>, ActorGuard)> =
            self.stores.iter().map(|store| (store.clone(), store.receives())).collect();
        self.tools.lines.say("start wait store backups", &format!("[remainingProducers={}]", open.len()));
        while !open.is_empty() {
            let site = Site::on("CollectStoreBackups/select", &self.producers);
            let next = select_all(open.iter().map(|(store, _)| Box::pin(store.next())));
            let (answer, index, others) = wait(site, next).await;
            drop(others);
            let Some(answer) = answer else {
                open.remove(index);
                continue;
            };
            // whoever was served is asked last: Go's select is fair
            open.rotate_left(index + 1);
            if self.ctx.run(self.results.send(answer)).await.is_err() {
                break;
            }
        }
        self.tools.lines.say("exit collect backups goroutine", &format!("[round={}]", self.round));
        self.results.close();
    }
}
