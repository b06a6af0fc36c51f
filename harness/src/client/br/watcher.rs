//! The watcher of stores, which came with pingcap/tidb#53341: a store that it has not seen before is backed up too.
//!
//! At first it had seen none: its first tick took every store for a new one and restarted it, under a live task
//! (pingcap/tidb#53926). pingcap/tidb#53920 has it look once before the first tick. What it makes of heartbeats (a
//! store that was away is restarted) is not modelled.

use std::collections::BTreeSet;
use std::time::Duration;

use super::store_backup::One;
use super::tools::Tools;
use crate::client::chan::Chan;
use crate::client::ctx::Ctx;
use crate::client::pd::PdClient;

/// How it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FirstLook {
    /// Before the first tick.
    AtOnce,
    /// At the first tick, when all that it sees is new.
    AtTheFirstTick,
}

/// br/pkg/backup: the ticker of `ObserveStoreChangesAsync`.
const TICK: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Watcher {
    pub(super) tools: Tools,
    pub(super) pd: PdClient,
    pub(super) state: Chan<One>,
    pub(super) first_look: FirstLook,
}

impl Watcher {
    /// Until the context ends.
    pub(super) async fn run(self, ctx: Ctx) {
        let mut seen = BTreeSet::new();
        if self.first_look == FirstLook::AtOnce {
            self.look(&ctx, &mut seen).await;
        }
        while ctx.run(self.tools.sleep("storeWatch/tick", TICK)).await.is_ok() {
            for store in self.look(&ctx, &mut seen).await {
                self.tools.lines.say("store is new, begin its backup", &format!("[store={store}]"));
                let _ended = ctx.run(self.state.send(One(store))).await;
            }
        }
    }

    /// The stores that were not seen before.
    async fn look(&self, ctx: &Ctx, seen: &mut BTreeSet<u64>) -> Vec<u64> {
        match self.pd.get_all_stores(ctx).await {
            Ok(stores) => stores.into_iter().map(|store| store.id).filter(|id| seen.insert(*id)).collect(),
            Err(error) => {
                let error = format!("[error=\"{}\"]", error.message());
                self.tools.lines.say("failed to watch store changes, ignore it", &error);
                vec![]
            }
        }
    }
}
