//! A store: its address, and whether it is there. A request that fails has it probed; one that did not pass is probed every
//! second until it does.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tonic::Status;

use super::backoff::sleep;
use super::batch::BatchConn;
use super::conn::dial;
use super::tools::Tools;
use crate::client::ctx::Ctx;
use crate::client::pd::PdClient;
use crate::probe::{Actors, Site, frame, wait};

/// A probe has so long, its connection included; source: `storeLivenessTimeout`.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a store that did not pass is probed; source: `startHealthCheckLoop`.
const PROBE_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked up in PD meanwhile; source: `reResolveInterval`.
const RESOLVE_EVERY: Duration = Duration::from_secs(30);

/// What the last probe said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Liveness {
    Reachable,
    Unreachable,
    /// It was not probed to the end, or does not know itself.
    Unknown,
}

/// A store. Shared by all requests.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) id: u64,
    tools: Tools,
    pd: PdClient,
    epoch: AtomicU32,
    state: Mutex<State>,
    probers: Actors,
}

#[derive(Debug)]
struct State {
    addr: Option<SocketAddr>,
    conn: Option<Arc<BatchConn>>,
    liveness: Liveness,
    /// A probe is under way; it will tell.
    probe: Option<watch::Receiver<Option<Liveness>>>,
    dialled: u64,
}

impl Store {
    pub(super) fn new(id: u64, tools: Tools, pd: PdClient) -> Arc<Self> {
        let state = State { addr: None, conn: None, liveness: Liveness::Reachable, probe: None, dialled: 0 };
        Arc::new(Self {
            id,
            tools,
            pd,
            epoch: AtomicU32::new(0),
            state: Mutex::new(state),
            probers: Actors::new("store liveness"),
        })
    }

    pub(super) fn liveness(&self) -> Liveness {
        self.state().liveness
    }
    /// What was looked up under another epoch is out of date.
    pub(super) fn epoch(&self) -> u32 {
        self.epoch.load(Ordering::Relaxed)
    }
    /// Everything that is known of its regions is out of date, if that was looked up under this epoch.
    pub(super) fn doubt(&self, epoch: u32) {
        let _others_were_first =
            self.epoch.compare_exchange(epoch, epoch + 1, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The connections to it, made when first asked for. PD is asked for the address then.
    pub(super) async fn conn(&self, ctx: &Ctx) -> Result<Arc<BatchConn>, Status> {
        if self.state().addr.is_none() {
            self.resolve(ctx).await?;
        }
        let mut state = self.state();
        let addr = state.addr.ok_or_else(|| Status::unavailable("no address"))?;
        if state.conn.is_none() {
            state.dialled += 1;
            let seed = self.tools.seed_of(self.id, state.dialled);
            state.conn = Some(Arc::new(BatchConn::start(&self.tools, self.id, addr, seed)));
        }
        state.conn.clone().ok_or_else(|| Status::unavailable("no connection"))
    }
    /// Drops the connections, and the address with them: the next request asks PD.
    pub(super) fn forget_address(&self) {
        let mut state = self.state();
        (state.addr, state.conn) = (None, None);
    }

    /// Asks PD for the address; at another one than before it is another store.
    async fn resolve(&self, ctx: &Ctx) -> Result<(), Status> {
        let found = frame("Store.reResolve", Box::pin(self.pd.get_store(ctx, self.id))).await?;
        let addr = found
            .address
            .parse()
            .map_err(|_| Status::unavailable(format!("address `{}` of store {}", found.address, self.id)))?;
        let mut state = self.state();
        if state.addr.replace(addr).is_some_and(|before| before != addr) {
            state.conn = None;
            drop(state);
            self.doubt(self.epoch());
        }
        Ok(())
    }

    /// Probes it after a failure, together with whoever else does; if it does not pass, a task goes on until it does.
    pub(super) async fn check(self: &Arc<Self>) -> Liveness {
        let liveness = self.probe().await;
        let mut state = self.state();
        if liveness != Liveness::Reachable && state.liveness == Liveness::Reachable {
            state.liveness = liveness;
            drop(state);
            self.tools.log(&format!("[health check] store {} is {liveness:?}", self.id));
            let store = Arc::clone(self);
            let _the_client_ends_it =
                self.tools.env.tasks.spawn(format!("checkUntilHealth {}", self.id), store.until_healthy());
        }
        liveness
    }

    async fn until_healthy(self: Arc<Self>) {
        let clock = self.tools.env.tasks.clock();
        let resolve_every = self.tools.env.scale.timer(RESOLVE_EVERY);
        let mut resolved = clock.elapsed();
        loop {
            sleep(&self.tools.env, "checkUntilHealth", PROBE_EVERY).await;
            if clock.elapsed() > resolved + resolve_every {
                resolved = clock.elapsed();
                if let Err(status) = self.resolve(&Ctx::background()).await {
                    self.tools.log(&format!(
                        "[health check] failed to re-resolve store {}: {}",
                        self.id,
                        status.message()
                    ));
                }
            }
            let liveness = self.probe().await;
            self.state().liveness = liveness;
            if liveness == Liveness::Reachable {
                self.tools.log(&format!("[health check] store {} became reachable", self.id));
                return;
            }
        }
    }

    /// One probe at a time: who comes while one is under way shares its result.
    async fn probe(&self) -> Liveness {
        let (tell, mut told) = watch::channel(None);
        let under_way = {
            let mut state = self.state();
            let under_way = state.probe.clone().filter(|probe| probe.has_changed().is_ok());
            if under_way.is_none() {
                state.probe = Some(told.clone());
            }
            under_way
        };
        if let Some(other) = under_way {
            told = other;
            let result =
                wait(Site::on("requestLiveness", &self.probers), told.wait_for(Option::is_some)).await;
            // whoever probed is gone
            return result.ok().and_then(|result| *result).unwrap_or(Liveness::Unknown);
        }
        let _probes = self.probers.join();
        let liveness = frame("invokeKVStatusAPI", Box::pin(self.ask_health())).await;
        self.state().probe = None;
        let _nobody_may_wait = tell.send(Some(liveness));
        liveness
    }

    /// Dials anew and calls gRPC's health service.
    async fn ask_health(&self) -> Liveness {
        let (addr, seed) = {
            let mut state = self.state();
            let Some(addr) = state.addr else { return Liveness::Unknown };
            state.dialled += 1;
            (addr, self.tools.seed_of(self.id, state.dialled))
        };
        let ctx = Ctx::background().with_timeout(self.tools.env.scale.timer(PROBE_TIMEOUT));
        let _released = ctx.cancel_on_drop();
        let conn = dial(&self.tools.env, addr, seed);
        let asked: Result<HealthCheckResponse, Status> =
            conn.unary(&ctx, "/grpc.health.v1.Health/Check", &HealthCheckRequest::default()).await;
        conn.close();
        match asked.map(|answer| answer.status) {
            Ok(SERVING) => Liveness::Reachable,
            Ok(UNKNOWN | SERVICE_UNKNOWN) => Liveness::Unknown,
            Ok(_) | Err(_) => Liveness::Unreachable,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// gRPC's health protocol, as far as it is used: numbers as in grpc.health.v1.
const UNKNOWN: i32 = 0;
const SERVING: i32 = 1;
const SERVICE_UNKNOWN: i32 = 3;

#[derive(Clone, PartialEq, Eq, prost::Message)]
struct HealthCheckRequest {
    #[prost(string, tag = "1")]
    service: String,
}

#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
struct HealthCheckResponse {
    #[prost(int32, tag = "1")]
    status: i32,
}
