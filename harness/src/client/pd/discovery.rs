//! Who the members are and which of them leads, as pd/client knows it: asked at the start, every minute, and soon after
//! somebody had trouble. The service mode, which pd/client asks for every three seconds, is not.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
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
/// Between two looks whether the leader answers (pd/client: `MemberHealthCheckInterval`).
const HEALTH_INTERVAL: Duration = Duration::from_secs(1);
/// Names the leader to a follower that is to pass a request on (pd/client: `ForwardMetadataKey`).
const FORWARDED_HOST: &str = "pd-forwarded-host";
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
    /// The leader did not answer when it was last asked how it is.
    unreached: AtomicBool,
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
        let known = if behaviour.knows_one_member { 1 } else { env.pd.len() };
        let members = env.pd.iter().copied().take(known).collect();
        let discovery = Self(Arc::new(Inner {
            conns: Conns::new(&env.net, env.scale, env.seed),
            scale: env.scale,
            clock: env.tasks.clock(),
            log: env.log.clone(),
            behaviour,
            known: Mutex::new(Known { members, cluster_id: 0 }),
            unreached: AtomicBool::new(false),
            leader: watch::Sender::new(None),
            wanted: Notify::new(),
        }));
        frame("pdServiceDiscovery.Init", discovery.init(ctx)).await?;
        let (looking, until) = (discovery.clone(), ctx.clone());
        // owned by the context, and by the client's task list
        drop(env.tasks.spawn("updateMemberLoop", async move { looking.update_loop(&until).await }));
        if behaviour.forwards {
            let (asking, until) = (discovery.clone(), ctx.clone());
            drop(env.tasks.spawn("memberHealthCheckLoop", async move { asking.health_loop(&until).await }));
        }
        Ok(discovery)
    }

    /// Who leads, as far as is known.
    pub(super) fn leader(&self) -> Option<SocketAddr> {
        *self.0.leader.borrow()
    }

    /// The members, sorted; at first, in the order in which they were given.
    pub(super) fn members(&self) -> Vec<SocketAddr> {
        self.known().members.clone()
    }

    pub(super) fn scale(&self) -> Scale {
        self.0.scale
    }

    /// The connection to a member.
    pub(super) fn conn(&self, member: SocketAddr) -> ClientConn {
        self.0.conns.get(member)
    }

    /// Whom to ask what only the leader answers, and under which context: the leader, or, where that is out of reach and followers may
    /// pass requests on, the first of them that answers.
    pub(super) async fn serving(&self, ctx: &Ctx) -> Result<(ClientConn, Ctx), Status> {
        let Some(leader) = self.leader() else { return Err(Status::unavailable("[pd] no leader")) };
        if self.0.unreached.load(Ordering::Relaxed) {
            for follower in self.members().into_iter().filter(|member| *member != leader) {
                if self.answers(ctx, follower).await {
                    let forwarded = ctx.with_metadata(FORWARDED_HOST, format!("http://{leader}"));
                    return Ok((self.conn(follower), forwarded));
                }
            }
        }
        Ok((self.conn(leader), ctx.clone()))
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
        self.retried(ctx, || self.init_cluster_id(ctx)).await?;
        self.retried(ctx, || self.update(ctx)).await
    }

    async fn retried<F>(&self, ctx: &Ctx, once: impl Fn() -> F) -> Result<(), Status>
    where
        F: Future<Output = Result<(), Status>>,
    {
        let mut left = self.0.behaviour.init_retries;
        while let Err(error) = once().await {
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

    async fn health_loop(&self, ctx: &Ctx) {
        while ctx.error().is_none() {
            self.pause(ctx, "memberHealthCheckLoop/ticker", HEALTH_INTERVAL).await;
            if let Some(leader) = self.leader() {
                self.0.unreached.store(!self.answers(ctx, leader).await, Ordering::Relaxed);
            }
        }
    }

    /// Whether a member answers when it is asked how it is. What it says is not looked at.
    async fn answers(&self, ctx: &Ctx, member: SocketAddr) -> bool {
        let Ok(conn) = self.dialled(ctx, member).await else { return false };
        let limited = ctx.with_timeout(self.0.scale.timer(super::DEFAULT_TIMEOUT));
        let _released = limited.cancel_on_drop();
        let call = conn.unary::<(), ()>(&limited, "/grpc.health.v1.Health/Check", &());
        frame("Health.Check", Box::pin(call)).await.is_ok()
    }

    /// Asks the members in order, a second each; what the first says that knows a leader counts.
    async fn update(&self, ctx: &Ctx) -> Result<(), Status> {
        for member in self.asked() {
            let said = match self.ask(ctx, member, MEMBERS_TIMEOUT).await {
                Ok(response) => self.learn(ctx, &response).await,
                Err(error) => Err(error),
            };
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
        let conn = self.dialled(ctx, member).await?;
        let limited = ctx.with_timeout(self.0.scale.timer(limit));
        let _released = limited.cancel_on_drop();
        let request = pdpb::GetMembersRequest::default();
        frame("getMembers", Box::pin(conn.unary(&limited, "/pdpb.PD/GetMembers", &request))).await
    }

    async fn dialled(&self, ctx: &Ctx, member: SocketAddr) -> Result<ClientConn, Status> {
        if self.0.behaviour.blocking_dial {
            self.0.conns.get_ready(ctx, member).await
        } else {
            Ok(self.conn(member))
        }
    }

    async fn learn(&self, ctx: &Ctx, response: &pdpb::GetMembersResponse) -> Result<(), Status> {
        let told = response.header.as_ref().map_or(0, |header| header.cluster_id);
        if told != self.cluster_id() {
            return Err(Status::failed_precondition("cluster id does not match"));
        }
        let Some((leader, members)) = named(response) else {
            return Err(Status::unavailable("leader url doesn't exist"));
        };
        if !self.0.behaviour.knows_one_member {
            self.known().members = members;
        }
        if let Err(unreached) = self.dialled(ctx, leader).await {
            self.say(&format!(
                "failed to connect leader] [leader={leader}] [error=\"{}\"",
                unreached.message()
            ));
            if !self.0.behaviour.follows_the_unreached {
                return Err(unreached);
            }
        }
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
