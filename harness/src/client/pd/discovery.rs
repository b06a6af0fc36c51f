//! Who the members are and which of them leads, as pd/client knows it: asked at the start, every minute, and soon after
//! somebody had trouble.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fake_tikv::proto::pdpb;
use tokio::sync::{Notify, watch};
use tonic::Status;
use unstuck_net::Clock;
use unstuck_record::Resource;

use super::conns::{Conns, named};
use super::members::MEMBERS_TIMEOUT;
use super::revision::Behaviour;
use crate::client::ctx::Ctx;
use crate::client::grpc::ClientConn;
use crate::client::{Env, Log, Scale};
use crate::probe::{Site, frame, wait};

/// The members are asked again after so long without trouble (pd/client: `memberUpdateInterval`).
pub(super) const UPDATE_INTERVAL: Duration = Duration::from_secs(60);
/// Between two tries to reach a first member (pd/client: `initRetry`).
const INIT_INTERVAL: Duration = Duration::from_secs(1);
/// The pause after a look for the leader that failed (pd/client: `updateMemberBackOffBaseTime`).
const UPDATE_BACKOFF: Duration = Duration::from_millis(100);

/// What is known of the members. Clones know the same; the connections close with the last of them.
#[derive(Clone, Debug)]
pub(super) struct Discovery(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    conns: Conns,
    scale: Scale,
    clock: Clock,
    log: Log,
    behaviour: Behaviour,
    known: Mutex<Known>,
    leader: watch::Sender<Option<SocketAddr>>,
    /// One permit: however many want a look, it is one look.
    wanted: Notify,
}

#[derive(Debug)]
struct Known {
    members: Vec<SocketAddr>,
    cluster_id: u64,
}

impl Discovery {
    /// Asks all members that `env` names for the cluster's id, then for the leader; each as often as `behaviour` says, a second
    /// apart. From then on a task looks again until `ctx` ends.
    pub(super) async fn start(ctx: &Ctx, env: &Env, behaviour: Behaviour) -> Result<Self, Status> {
        let members = if behaviour.knows_one_member { env.pd[..1].to_vec() } else { env.pd.clone() };
        let discovery = Self(Arc::new(Inner {
            conns: Conns::new(&env.net, env.scale, env.seed),
            scale: env.scale,
            clock: env.tasks.clock(),
            log: env.log.clone(),
            behaviour,
            known: Mutex::new(Known { members, cluster_id: 0 }),
            leader: watch::Sender::new(None),
            wanted: Notify::new(),
        }));
        frame("pdServiceDiscovery.Init", discovery.init(ctx)).await?;
        let (looking, ctx) = (discovery.clone(), ctx.clone());
        // owned by the context, and by the client's task list
        drop(env.tasks.spawn("updateMemberLoop", async move { looking.update_loop(&ctx).await }));
        Ok(discovery)
    }

    /// Who leads, as far as is known.
    pub(super) fn leader(&self) -> Option<SocketAddr> {
        *self.0.leader.borrow()
    }

    /// The connection to a member.
    pub(super) fn conn(&self, member: SocketAddr) -> ClientConn {
        self.0.conns.get(member)
    }

    pub(super) fn cluster_id(&self) -> u64 {
        self.known().cluster_id
    }

    /// Waits until another than `member` leads.
    pub(super) async fn switched_from(&self, member: SocketAddr) {
        let mut leader = self.0.leader.subscribe();
        // the sender is ours, so this ends with an answer only
        let _leader = leader.wait_for(|leader| *leader != Some(member)).await;
    }

    /// Has the members asked soon, by the task that does so.
    pub(super) fn schedule_check(&self) {
        self.0.wanted.notify_one();
    }

    /// Asks the members now, and pauses a little if none of them knows.
    pub(super) async fn check(&self, ctx: &Ctx) -> Result<(), Status> {
        let looked = frame("updateMember", Box::pin(self.update(ctx))).await;
        if looked.is_err() {
            self.pause(ctx, "updateMember/backoff", UPDATE_BACKOFF).await;
        }
        looked
    }

    /// Sleeps at a wait site of that name, or until `ctx` ends; `real` is unscaled.
    pub(super) async fn pause(&self, ctx: &Ctx, site: &'static str, real: Duration) {
        let scaled = self.0.scale.timer(real);
        let until_ms = self.0.clock.ms() + scaled.as_millis() as u64;
        let sleep = ctx.run(tokio::time::sleep(scaled));
        let _or_ended = wait(Site::new(site, Resource::Timer { until_ms }), sleep).await;
    }

    async fn init(&self, ctx: &Ctx) -> Result<(), Status> {
        let mut left = self.0.behaviour.init_retries;
        while let Err(error) = self.init_cluster_id(ctx).await {
            self.pause(ctx, "initRetry", INIT_INTERVAL).await;
            left = left.saturating_sub(1);
            if left == 0 || ctx.error().is_some() {
                return Err(error);
            }
        }
        let mut left = self.0.behaviour.init_retries;
        while let Err(error) = self.update(ctx).await {
            self.pause(ctx, "initRetry", INIT_INTERVAL).await;
            left = left.saturating_sub(1);
            if left == 0 || ctx.error().is_some() {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Every member is asked; those that answer must be of one cluster.
    async fn init_cluster_id(&self, ctx: &Ctx) -> Result<(), Status> {
        let members = self.known().members.clone();
        let mut id = 0;
        for member in members {
            let Ok(response) = self.ask(ctx, member, super::DEFAULT_TIMEOUT).await else { continue };
            let told = response.header.as_ref().map_or(0, |header| header.cluster_id);
            if id != 0 && told != id {
                return Err(Status::failed_precondition("[pd] unmatched cluster id"));
            }
            id = told;
        }
        if id == 0 {
            return Err(Status::unavailable("[pd] failed to get cluster id"));
        }
        self.known().cluster_id = id;
        Ok(())
    }

    async fn update_loop(&self, ctx: &Ctx) {
        while ctx.error().is_none() {
            let woken = async {
                tokio::select! {
                    biased;
                    () = self.0.wanted.notified() => {}
                    () = tokio::time::sleep(self.0.scale.timer(UPDATE_INTERVAL)) => {}
                }
            };
            let until_ms = self.0.clock.ms() + self.0.scale.timer(UPDATE_INTERVAL).as_millis() as u64;
            let site = Site::new("updateMemberLoop/ticker", Resource::Timer { until_ms }).idle();
            if wait(site, ctx.run(woken)).await.is_ok() {
                // told by `update`
                let _failed = self.check(ctx).await;
            }
        }
    }

    /// Asks the members in order, a second each; what the first says that knows a leader counts.
    async fn update(&self, ctx: &Ctx) -> Result<(), Status> {
        for member in self.asked() {
            let said =
                self.ask(ctx, member, MEMBERS_TIMEOUT).await.and_then(|response| self.learn(&response));
            match said {
                Ok(()) => return Ok(()),
                Err(_) if ctx.error().is_some() => break,
                Err(error) => {
                    let error = error.message();
                    self.say(&format!(
                        "cannot update member from this url] [url={member}] [error=\"{error}\""
                    ));
                }
            }
        }
        Err(Status::unavailable("[PD:client:ErrClientGetMember]get member failed"))
    }

    fn asked(&self) -> Vec<SocketAddr> {
        match self.leader() {
            Some(leader) if self.0.behaviour.asks_the_leader_only => vec![leader],
            _ => self.known().members.clone(),
        }
    }

    async fn ask(
        &self,
        ctx: &Ctx,
        member: SocketAddr,
        limit: Duration,
    ) -> Result<pdpb::GetMembersResponse, Status> {
        let limited = ctx.with_timeout(self.0.scale.timer(limit));
        let _released = limited.cancel_on_drop();
        let conn = self.conn(member);
        let request = pdpb::GetMembersRequest::default();
        frame("getMembers", Box::pin(conn.unary(&limited, "/pdpb.PD/GetMembers", &request))).await
    }

    fn learn(&self, response: &pdpb::GetMembersResponse) -> Result<(), Status> {
        let mut known = self.known();
        if response.header.as_ref().is_none_or(|header| header.cluster_id != known.cluster_id) {
            return Err(Status::failed_precondition("cluster id does not match"));
        }
        let Some((leader, members)) = named(response) else {
            return Err(Status::unavailable("leader url doesn't exist"));
        };
        if !self.0.behaviour.knows_one_member {
            known.members = members;
        }
        drop(known);
        let before = self.0.leader.send_replace(Some(leader));
        if before != Some(leader) {
            let before = before.map(|addr| addr.to_string()).unwrap_or_default();
            self.say(&format!("switch leader] [new-leader={leader}] [old-leader={before}"));
        }
        Ok(())
    }

    fn say(&self, line: &str) {
        self.0.log.line(format!("[pd] [{line}]"));
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
