//! The task of one store: asks it for everything that the round has left, and hands each answer on.
//!
//! ```text
//!   Backup stream ──► answers ──► the store's channel ──► collector
//!        ▲ 5 attempts, on one connection                        failed: One(store) ──► stateChan
//! ```

use std::sync::Arc;

use fake_tikv::proto::backup;
use tonic::Status;

use super::answers::Answer;
use super::retry::{AttemptError, Backoff, backup_retryable};
use super::tools::Tools;
use crate::client::chan::Chan;
use crate::client::ctx::{Ctx, CtxError};
use crate::client::grpc::{ClientConn, ClientStream, SendError};
use crate::probe::{Actors, frame};

/// Asks the main loop to begin this store's backup anew.
#[derive(Debug)]
pub(super) struct One(pub(super) u64);

/// One store's backup within one round.
#[derive(Debug)]
pub(super) struct StoreBackup {
    pub(super) tools: Tools,
    /// The round's main context.
    pub(super) ctx: Ctx,
    pub(super) round: u64,
    pub(super) store: u64,
    pub(super) request: Arc<backup::BackupRequest>,
    /// Used for every attempt, closed or not.
    pub(super) conn: ClientConn,
    pub(super) answers: Chan<Answer>,
    pub(super) state: Chan<One>,
    /// Whoever waits for answers or for the state waits for this task.
    pub(super) movers: [Actors; 2],
}

impl StoreBackup {
    /// Closes the store's channel at the end, whatever that is.
    pub(super) async fn run(self) {
        let _moves = self.movers.each_ref().map(Actors::join);
        let job = self.tools.env.meter.job();
        let ended = frame("startStoreBackup", Box::pin(self.attempts())).await;
        drop(job);
        if let Err(errors) = ended {
            self.failed(&errors).await;
        }
        self.tools.lines.say("exit store backup goroutine", &format!("[store={}]", self.store));
        self.answers.close();
    }

    async fn failed(&self, errors: &[AttemptError]) {
        let fields = format!("[round={}] [storeID={}]", self.round, self.store);
        // a cancelled stream ends with a *status*, which is not the context's own error
        if let [AttemptError::Context(CtxError::Canceled)] = errors {
            self.tools.lines.say("store backup cancelled", &fields);
            return;
        }
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        self.tools.lines.say("store backup failed", &format!("{fields} [error=\"{}\"]", errors.join("; ")));
        let notice = self.state.send(One(self.store));
        if self.tools.behaviour.guarded_notice {
            let _cancelled_with_its_round = self.ctx.run(notice).await;
        } else {
            notice.await;
        }
    }

    /// Every attempt's error, if none succeeded.
    async fn attempts(&self) -> Result<(), Vec<AttemptError>> {
        if let Some(error) = self.ctx.error() {
            return Err(vec![AttemptError::Context(error)]);
        }
        let mut backoff = Backoff::backup();
        let mut errors = vec![];
        while backoff.has_attempts() {
            let fields = format!("[storeID={}] [retryTime={}]", self.store, errors.len());
            self.tools.lines.say("try backup", &fields);
            let Err(error) = frame("doSendBackup", self.attempt()).await else { return Ok(()) };
            let pause = backoff.failed(backup_retryable(&error));
            errors.push(error);
            if self.ctx.run(self.tools.sleep("WithRetry/backup", pause)).await.is_err() {
                break;
            }
        }
        Err(errors)
    }

    async fn attempt(&self) -> Result<(), AttemptError> {
        self.tools.env.meter.attempt();
        let ctx = self.ctx.child();
        let mut stream =
            self.conn.new_stream(&ctx, "/backup.Backup/backup").await.map_err(AttemptError::Status)?;
        match stream.send_msg(&*self.request).await {
            // the stream's end is told by what is received
            Ok(()) | Err(SendError::Eof) => {}
            Err(SendError::Status(status)) => return Err(AttemptError::Status(status)),
        }
        stream.close_send().await.map_err(AttemptError::Status)?;
        while let Some(response) = self.answer(&ctx, &mut stream).await.map_err(AttemptError::Status)? {
            let answer = Answer { store: self.store, response };
            self.ctx.run(self.answers.send(answer)).await.map_err(AttemptError::Context)?;
        }
        Ok(())
    }

    async fn answer(
        &self,
        ctx: &Ctx,
        stream: &mut ClientStream,
    ) -> Result<Option<backup::BackupResponse>, Status> {
        let Some(limit) = self.tools.behaviour.answer_within else { return stream.recv_msg().await };
        tokio::select! {
            biased;
            answer = stream.recv_msg() => answer,
            () = tokio::time::sleep(self.tools.env.scale.timer(limit)) => {
                ctx.cancel();
                Err(Status::deadline_exceeded("no response from the store for too long"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use fake_tikv::{Cluster, Node, PeerOrder, Spec, Speed};
    use tokio::time::sleep;
    use unstuck_net::sim::{SimConfig, SimNet, runtime};
    use unstuck_net::{Clock, Net};

    use super::*;
    use crate::client::br::Revision;
    use crate::client::br::lines::Lines;
    use crate::client::br::store_manager::StoreManager;
    use crate::client::pd::{PdClient, PdOptions};
    use crate::client::{Env, Log, Scale, Workload};
    use crate::probe::{Meter, Tasks};

    /// One store, whose backup of the one region takes a minute.
    struct Fixture {
        clock: Clock,
        cluster: Cluster,
        tools: Tools,
        pd: PdClient,
        manager: StoreManager,
        said: Arc<Mutex<Vec<(u64, String)>>>,
    }

    impl Fixture {
        async fn start(revision: Revision) -> Self {
            let net = Net::Sim(SimNet::new(SimConfig::default()));
            let clock = Clock::start();
            let spec = Spec {
                pd: 1,
                stores: 1,
                regions: 1,
                keys_per_region: 1,
                max_concurrent_streams: 1024,
                keepalive_time: Duration::from_secs(10),
                keepalive_timeout: Duration::from_secs(3),
                election: Duration::from_secs(10),
                speed: Speed { backup_region: Duration::from_secs(60), ..Speed::default() },
                peer_order: PeerOrder::Shuffled,
                seed: 1,
                ..Spec::default()
            };
            let cluster = Cluster::start(&net, clock, spec).await.unwrap();
            let pd: Vec<_> = cluster.nodes().into_iter().filter(|(node, _)| *node == Node::Pd(0)).collect();
            let pd: Vec<_> = pd.into_iter().map(|(_, addr)| addr).collect();
            let said = Arc::new(Mutex::new(vec![]));
            let sink = said.clone();
            let log = Log::new(move |line| sink.lock().unwrap().push((clock.ms(), line)));
            let env = Env {
                net: net.clone(),
                pd: pd.clone(),
                tasks: Tasks::new(clock),
                meter: Meter::default(),
                log: log.clone(),
                seed: 1,
                scale: Scale::REAL,
                workload: Workload {
                    regions: 1,
                    batches: 1,
                    batch_bytes: 1,
                    workers: 1,
                    connections: 1,
                    duration: Duration::from_secs(60),
                },
                outside: crate::client::Outside::default(),
            };
            let tools = Tools { env, behaviour: revision.behaviour(), lines: Lines::new(log) };
            let pd = PdClient::new(&net, pd, PdOptions::default());
            let manager = StoreManager::new(tools.clone(), pd.clone());
            Self { clock, cluster, tools, pd, manager, said }
        }

        /// The task on its own: its context, its connection, and the state channel that it may write to.
        async fn task(&mut self) -> (Ctx, ClientConn, Chan<One>) {
            let ctx = Ctx::background();
            let conn = self.manager.reset(&ctx, 1).await.unwrap();
            let cluster_id = self.pd.cluster_id(&ctx).await.unwrap();
            let everything = backup::BackupRequest { cluster_id, ..backup::BackupRequest::default() };
            let state = Chan::new("stateChan", "stateChan/send");
            let task = StoreBackup {
                tools: self.tools.clone(),
                ctx: ctx.clone(),
                round: 1,
                store: 1,
                request: Arc::new(everything),
                conn: conn.clone(),
                answers: Chan::new("answers", "respCh/send"),
                state: state.clone(),
                movers: [Actors::new("loop"), Actors::new("collector")],
            };
            drop(self.tools.env.tasks.spawn("store backup tikv-1", task.run()));
            (ctx, conn, state)
        }

        fn said(&self, text: &str) -> Vec<(u64, String)> {
            let said = self.said.lock().unwrap();
            said.iter().filter(|(_, line)| line.contains(text)).cloned().collect()
        }
    }

    impl Drop for Fixture {
        fn drop(&mut self) {
            self.tools.env.tasks.abort_all();
            self.cluster.shutdown();
        }
    }

    #[test]
    fn a_closed_connection_fails_five_attempts_3_s_apart_and_then_asks_to_begin_anew() {
        runtime(1).block_on(async {
            let mut fixture = Fixture::start(Revision::AsReported).await;
            let (_ctx, conn, state) = fixture.task().await;
            sleep(Duration::from_secs(2)).await;
            let closed = fixture.clock.ms();
            conn.close();
            let minute = Duration::from_secs(60);
            assert!(tokio::time::timeout(minute, state.next()).await.unwrap().is_some());
            assert_eq!(fixture.clock.ms() - closed, 15_000);
            let tries: Vec<_> =
                fixture.said("try backup").into_iter().skip(1).map(|(at, _)| at - closed).collect();
            assert_eq!(tries, [3_000, 6_000, 9_000, 12_000]);
            let failed = fixture.said("store backup failed");
            let closing = "rpc error: code = Canceled desc = grpc: the client connection is closing";
            assert_eq!(failed[0].1.matches(closing).count(), 5, "{failed:?}");
        });
    }

    #[test]
    fn the_notice_of_a_cancelled_round_outlives_it_as_reported_only() {
        for (revision, alive) in [(Revision::AsReported, 1), (Revision::Fixed, 0)] {
            runtime(1).block_on(async {
                let mut fixture = Fixture::start(revision).await;
                let (ctx, _conn, state) = fixture.task().await;
                sleep(Duration::from_secs(2)).await;
                ctx.cancel();
                sleep(Duration::from_secs(100)).await;
                assert_eq!(fixture.tools.env.tasks.alive(), alive, "{revision:?}");
                let heard = tokio::time::timeout(Duration::from_secs(1), state.next()).await;
                assert_eq!(heard.is_ok(), revision == Revision::AsReported);
                assert_eq!(
                    fixture.said("store backup failed").len(),
                    1,
                    "a status is not the context's error"
                );
            });
        }
    }
}
