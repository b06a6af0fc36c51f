//! The members of PD, and which of them leads: asked when a call needs to know.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fake_tikv::proto::pdpb;
use tonic::Status;
use unstuck_net::Net;

use super::conns::{Conns, named};
use crate::client::Scale;
use crate::client::ctx::{Ctx, CtxError};
use crate::client::grpc::ClientConn;
use crate::probe::{Actors, Site, frame, wait};

/// How long one member may take to name the members (pd/client: `updateMemberTimeout`).
pub(super) const MEMBERS_TIMEOUT: Duration = Duration::from_secs(1);

/// The members as far as they are known. The connections to them close when it drops.
#[derive(Debug)]
pub(super) struct Members {
    conns: Conns,
    scale: Scale,
    known: Mutex<Known>,
    /// Held by the one caller that asks the members.
    asking: tokio::sync::Mutex<()>,
    askers: Actors,
}

#[derive(Debug)]
struct Known {
    members: Vec<SocketAddr>,
    leader: Option<SocketAddr>,
    cluster_id: u64,
    /// The leader has to be looked for before the next call.
    doubtful: bool,
    /// A leader, once found, is never doubted.
    keeps_leader: bool,
}

impl Members {
    pub(super) fn new(net: &Net, members: Vec<SocketAddr>, scale: Scale, seed: u64) -> Self {
        let known = Known { members, leader: None, cluster_id: 0, doubtful: true, keeps_leader: false };
        Self {
            conns: Conns::new(net, scale, seed),
            scale,
            known: Mutex::new(known),
            asking: tokio::sync::Mutex::default(),
            askers: Actors::new("pd members"),
        }
    }

    /// 0 until a member has answered.
    pub(super) fn cluster_id(&self) -> u64 {
        self.known().cluster_id
    }

    /// The next call looks for the leader first.
    pub(super) fn doubt(&self) {
        let mut known = self.known();
        known.doubtful = !known.keeps_leader || known.leader.is_none();
    }
    /// From now on nobody doubts a leader that was found.
    pub(super) fn keep_leader(&self) {
        self.known().keeps_leader = true;
    }

    /// The connection to the leader. If the look for it fails, the one known from before still serves.
    pub(super) async fn leader(&self, ctx: &Ctx) -> Result<ClientConn, Status> {
        let looked = if self.known().doubtful { self.look(ctx).await } else { Ok(()) };
        let leader = self.known().leader;
        match (leader, looked) {
            (Some(leader), _) => Ok(self.conns.get(leader)),
            (None, Err(status)) => Err(status),
            (None, Ok(())) => Err(Status::unavailable("[pd] no leader")),
        }
    }

    /// Asks the members in order; the first that knows a leader names the members from then on. Callers that come
    /// meanwhile wait for this one.
    async fn look(&self, ctx: &Ctx) -> Result<(), Status> {
        let turn = wait(Site::on("pd/members", &self.askers), ctx.run(self.asking.lock())).await;
        let _turn = turn.map_err(|error| match error {
            CtxError::Canceled => Status::cancelled(error.to_string()),
            CtxError::DeadlineExceeded => Status::deadline_exceeded(error.to_string()),
        })?;
        let _asks = self.askers.join();
        if !self.known().doubtful {
            return Ok(());
        }
        let members = self.known().members.clone();
        let mut last = Status::unavailable("[pd] no member is known");
        for member in members {
            match self.ask(ctx, member).await {
                Ok(response) if self.learn(&response) => return Ok(()),
                Ok(_) => last = Status::unavailable(format!("[pd] `{member}` knows no leader")),
                Err(status) => last = status,
            }
        }
        Err(last)
    }

    async fn ask(&self, ctx: &Ctx, member: SocketAddr) -> Result<pdpb::GetMembersResponse, Status> {
        let limited = ctx.with_timeout(self.scale.timer(MEMBERS_TIMEOUT));
        let _released = limited.cancel_on_drop();
        let request = pdpb::GetMembersRequest::default();
        let conn = self.conns.get(member);
        frame("pd/GetMembers", Box::pin(conn.unary(&limited, "/pdpb.PD/GetMembers", &request))).await
    }

    /// Takes over members and leader; false, and nothing changes, if the answer names no leader that can be dialled.
    fn learn(&self, response: &pdpb::GetMembersResponse) -> bool {
        let Some((leader, members)) = named(response) else { return false };
        self.conns.keep(&members);
        let mut known = self.known();
        known.members = members;
        known.leader = Some(leader);
        known.doubtful = false;
        known.cluster_id = response.header.as_ref().map_or(0, |header| header.cluster_id);
        true
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
