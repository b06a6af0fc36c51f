//! The main loop: rounds, each of which asks every store for all that is left.
//!
//! ```text
//!   round:  gaps of the tree ─► stores from PD ─► reset each connection ─► a task a store ─► collector
//!   handle: One(store) ─► reset its connection, another task    answer ─► tree    results closed ─► next round
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fake_tikv::proto::{backup, kvrpcpb, metapb};
use tonic::Status;

use super::answers::{Answer, ErrorContext};
use super::collector::Collector;
use super::liveness;
use super::store_backup::{One, StoreBackup};
use super::store_manager::StoreManager;
use super::tools::Tools;
use super::tree::{ProgressTree, Range};
use super::watcher::Watcher;
use crate::client::Failure;
use crate::client::chan::Chan;
use crate::client::ctx::Ctx;
use crate::client::grpc::ClientConn;
use crate::client::pd::PdClient;
use crate::probe::{ActorGuard, Actors, Site, frame, wait};

/// Everything that outlives a round.
#[derive(Debug)]
pub(super) struct MainLoop {
    tools: Tools,
    pd: PdClient,
    manager: StoreManager,
    cluster_id: u64,
    tree: ProgressTree,
    /// What progress counts: the regions as PD told them at the start.
    units: Vec<Range>,
    /// One for all rounds: who failed in a round may be heard in a later one.
    state: Chan<One>,
    /// Whoever can give the loop something to handle.
    movers: Actors,
}

/// One round.
#[derive(Debug)]
struct Round {
    number: u64,
    /// Of the stores' tasks.
    main: Ctx,
    /// Of the collector.
    handle: Ctx,
    request: Arc<backup::BackupRequest>,
    stores: BTreeMap<u64, Chan<Answer>>,
    results: Chan<Answer>,
    receives: ActorGuard,
    producers: Actors,
    errors: ErrorContext,
}

/// How a round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// Every store's task has ended.
    Done,
    /// Its context was cancelled: PD or a store cannot be reached.
    Abandoned,
}

/// What the loop handles.
enum Event {
    Outer,
    State(One),
    Result(Option<Box<Answer>>),
}

impl MainLoop {
    /// Nothing of `whole` is done yet.
    pub(super) fn new(tools: Tools, pd: PdClient, cluster_id: u64, whole: Range, units: Vec<Range>) -> Self {
        Self {
            manager: StoreManager::new(tools.clone(), pd.clone()),
            tools,
            pd,
            cluster_id,
            tree: ProgressTree::new(whole),
            units,
            state: Chan::new("stateChan", "stateChan/send"),
            movers: Actors::new("stateChan, globalBackupResultCh"),
        }
    }

    /// Rounds until nothing is left.
    pub(super) async fn run(mut self, outer: &Ctx) -> Result<(), Failure> {
        let _receives = self.state.receives();
        self.watch(outer);
        let mut number = 0;
        let mut last = Ended::Abandoned;
        loop {
            number += 1;
            if let Some(pause) = self.tools.behaviour.round_pause {
                self.tools.sleep("startMainBackupLoop/round", pause).await;
            }
            let left = self.tree.incomplete();
            if left.is_empty() {
                return Ok(());
            }
            if number > 1 {
                self.tools.env.meter.retry();
            }
            self.tools.lines.say("backup round start...", &format!("[round={number}] [left={}]", left.len()));
            let mut round = self.begin(outer, number, left);
            last = frame("round", Box::pin(self.round(outer, &mut round, last))).await?;
            if last == Ended::Abandoned {
                round.handle.cancel();
                round.main.cancel();
            }
        }
    }

    fn watch(&self, outer: &Ctx) {
        let Some(first_look) = self.tools.behaviour.watcher else { return };
        let (tools, pd, state) = (self.tools.clone(), self.pd.clone(), self.state.clone());
        let watcher = Watcher { tools, pd, state, first_look };
        drop(self.tools.env.tasks.spawn("store watcher", watcher.run(outer.clone())));
    }

    fn begin(&self, outer: &Ctx, number: u64, left: Vec<Range>) -> Round {
        let main = outer.child();
        let handle = if self.tools.behaviour.handle_ends_with_main { main.child() } else { outer.child() };
        let sub_ranges =
            left.into_iter().map(|range| kvrpcpb::KeyRange { start_key: range.start, end_key: range.end });
        let request = backup::BackupRequest {
            cluster_id: self.cluster_id,
            is_raw_kv: true,
            cf: "default".to_owned(),
            sub_ranges: sub_ranges.collect(),
            ..backup::BackupRequest::default()
        };
        let (results, receives) = results();
        Round {
            number,
            main,
            handle,
            request: Arc::new(request),
            stores: BTreeMap::new(),
            results,
            receives,
            producers: Actors::new("store backups"),
            errors: ErrorContext::default(),
        }
    }

    async fn round(&mut self, outer: &Ctx, round: &mut Round, last: Ended) -> Result<Ended, Failure> {
        let reset = last == Ended::Abandoned || !self.tools.behaviour.keeps_conns;
        let stores = match frame("getBackupStores", self.backup_stores(&round.main)).await {
            Ok(stores) => stores,
            Err(error) => return Ok(self.abandon(round, "failed to get backup stores", &error)),
        };
        for store in &stores {
            if self.alive(round, store) {
                let conn = if reset {
                    frame("ResetBackupClient", self.manager.reset(&round.main, store.id)).await
                } else {
                    frame("GetBackupClient", self.manager.get(&round.main, store.id)).await
                };
                match conn {
                    Ok(conn) => self.start(round, store.id, conn),
                    Err(error) => return Ok(self.abandon(round, "failed to reset backup client", &error)),
                }
            }
        }
        self.collect(round);
        loop {
            let site = Site::on("handleLoop/select", &self.movers);
            let select = async {
                tokio::select! {
                    biased;
                    _ = outer.done() => Event::Outer,
                    Some(one) = self.state.next() => Event::State(one),
                    answer = round.results.next() => Event::Result(answer.map(Box::new)),
                }
            };
            match wait(site, select).await {
                Event::Outer => return Err(Failure("context canceled".to_owned())),
                Event::State(One(store)) => {
                    if let Some(ended) = frame("restart", Box::pin(self.restart(round, store))).await {
                        return Ok(ended);
                    }
                }
                Event::Result(None) => return Ok(Ended::Done),
                Event::Result(Some(answer)) => self.answered(round, *answer)?,
            }
        }
    }

    /// A store's backup begins anew, on a new connection. `Some` if the round ends over it.
    async fn restart(&mut self, round: &mut Round, store: u64) -> Option<Ended> {
        let known = match self.pd.get_store(&round.main, store).await {
            Ok(known) => known,
            Err(error) => return Some(self.abandon(round, "cannot get store from pd", &error)),
        };
        if !self.alive(round, &known) {
            return None;
        }
        self.tools.env.meter.retry();
        let conn = match frame("ResetBackupClient", self.manager.reset(&round.main, store)).await {
            Ok(conn) => conn,
            Err(error) => return Some(self.abandon(round, "failed to reset backup client", &error)),
        };
        round.handle.cancel();
        self.start(round, store, conn);
        round.handle = round.main.child();
        (round.results, round.receives) = results();
        self.collect(round);
        None
    }

    async fn backup_stores(&self, ctx: &Ctx) -> Result<Vec<metapb::Store>, Status> {
        let mut stores = self.tools.ask_pd(ctx, || self.pd.get_all_stores(ctx)).await?;
        stores.retain(|store| {
            !store.labels.iter().any(|label| label.key == "engine" && label.value.starts_with("tiflash"))
        });
        Ok(stores)
    }

    fn alive(&self, round: &Round, store: &metapb::Store) -> bool {
        let checked = liveness::check(store, self.tools.env.tasks.clock().unix_ms());
        if let Err(reason) = &checked {
            let fields = format!("[round={}] [error=\"{reason}\"]", round.number);
            self.tools.lines.say("store not alive, skip backup it in this round", &fields);
        }
        checked.is_ok()
    }

    fn abandon(&self, round: &Round, why: &'static str, error: &Status) -> Ended {
        let fields = format!("[round={}] [error=\"{}\"]", round.number, error.message());
        self.tools.lines.say(why, &fields);
        Ended::Abandoned
    }

    /// A task for the store, on a channel of its own, which replaces the one that there was.
    fn start(&self, round: &mut Round, store: u64, conn: ClientConn) {
        let answers = Chan::new(format!("answers of store {store}"), "respCh/send");
        round.stores.insert(store, answers.clone());
        let task = StoreBackup {
            tools: self.tools.clone(),
            ctx: round.main.clone(),
            round: round.number,
            store,
            request: round.request.clone(),
            conn,
            answers,
            state: self.state.clone(),
            movers: [self.movers.clone(), round.producers.clone()],
        };
        // owned by the round's context and by the client's task list
        drop(self.tools.env.tasks.spawn(format!("store backup tikv-{store}"), task.run()));
    }

    fn collect(&self, round: &Round) {
        let task = Collector {
            tools: self.tools.clone(),
            ctx: round.handle.clone(),
            round: round.number,
            stores: round.stores.values().cloned().collect(),
            results: round.results.clone(),
            producers: round.producers.clone(),
            mover: self.movers.clone(),
        };
        drop(self.tools.env.tasks.spawn("collect backups", task.run()));
    }

    fn answered(&mut self, round: &mut Round, answer: Answer) -> Result<(), Failure> {
        let response = answer.response;
        if let Some(error) = &response.error {
            return match round.errors.fatal(answer.store, error) {
                Some(reason) => Err(Failure(reason)),
                None => Ok(()),
            };
        }
        let range = Range { start: response.start_key, end: response.end_key };
        if range.is_empty() {
            return Ok(());
        }
        for replaced in self.tree.put(range.clone()) {
            let fields = format!("[startKey={}] [endKey={}]", hex(&replaced.start), hex(&replaced.end));
            self.tools.lines.say("delete overlapping range", &fields);
        }
        // regions divide and merge meanwhile: a unit is done once every piece of it is
        let first = self.units.partition_point(|unit| !unit.end.is_empty() && unit.end <= range.start);
        for unit in self.units[first..].iter().take_while(|unit| unit.overlaps(&range)) {
            if self.tree.covers(unit) {
                self.tools.env.meter.done(hex(&unit.start));
            }
        }
        Ok(())
    }
}

fn results() -> (Chan<Answer>, ActorGuard) {
    let results = Chan::new("globalBackupResultCh", "globalBackupResultCh/send");
    let receives = results.receives();
    (results, receives)
}

/// A key as it stands in logs.
pub(super) fn hex(key: &[u8]) -> String {
    use std::fmt::Write;
    key.iter().fold(String::with_capacity(key.len() * 2), |mut text, byte| {
        let _a_string_takes_all = write!(text, "{byte:02x}");
        text
    })
}

/// The pause before each round of the fixed revision (br/pkg/backup: `RoundSleepInterval`).
pub(super) const ROUND_PAUSE: Duration = Duration::from_millis(200);
