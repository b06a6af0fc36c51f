//! The members of PD: a connection to each, and which of them leads.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fake_tikv::proto::pdpb;
use tonic::Status;
use unstuck_net::Net;

use crate::client::Scale;
use crate::client::ctx::{Ctx, CtxError};
use crate::client::grpc::{ClientConn, DialOptions};
use crate::probe::{Actors, Site, frame, wait};

/// How long one member may take to name the members (pd/client: `updateMemberTimeout`).
const MEMBERS_TIMEOUT: Duration = Duration::from_secs(1);

// How pd/client dials a member: grpc-go's back-off cut off at 3 s, and the keepalive of the TiKV tools.
const BACKOFF_BASE: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_secs(3);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const KEEPALIVE_TIME: Duration = Duration::from_secs(10);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(3);

/// The members as far as they are known. Its connections close when it drops.
#[derive(Debug)]
pub(super) struct Members {
    net: Net,
    scale: Scale,
    seed: u64,
    known: Mutex<Known>,
    /// Held by the one caller that asks the members.
    asking: tokio::sync::Mutex<()>,
    askers: Actors,
}

#[derive(Debug)]
struct Known {
    members: Vec<SocketAddr>,
    conns: BTreeMap<SocketAddr, ClientConn>,
    dialled: u64,
    leader: Option<SocketAddr>,
    cluster_id: u64,
    /// The leader has to be looked for before the next call.
    doubtful: bool,
}

impl Members {
    pub(super) fn new(net: &Net, members: Vec<SocketAddr>, scale: Scale, seed: u64) -> Self {
        let conns = BTreeMap::new();
        let known = Known { members, conns, dialled: 0, leader: None, cluster_id: 0, doubtful: true };
        Self {
            net: net.clone(),
            scale,
            seed,
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
        self.known().doubtful = true;
    }

    /// The connection to the leader. If the look for it fails, the one known from before still serves.
    pub(super) async fn leader(&self, ctx: &Ctx) -> Result<ClientConn, Status> {
        let looked = if self.known().doubtful { self.look(ctx).await } else { Ok(()) };
        let leader = self.known().leader;
        match (leader, looked) {
            (Some(leader), _) => Ok(self.conn(leader)),
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
        let conn = self.conn(member);
        frame("pd/GetMembers", Box::pin(conn.unary(&limited, "/pdpb.PD/GetMembers", &request))).await
    }

    /// Takes over members and leader; false, and nothing changes, if the answer names no leader that can be dialled.
    fn learn(&self, response: &pdpb::GetMembersResponse) -> bool {
        let Some(leader) = response.leader.as_ref().and_then(client_addr) else { return false };
        let mut members: Vec<_> = response.members.iter().filter_map(client_addr).collect();
        members.push(leader);
        members.sort_unstable();
        members.dedup();
        let mut known = self.known();
        let gone: Vec<_> = known.conns.keys().copied().filter(|addr| !members.contains(addr)).collect();
        for addr in gone {
            if let Some(conn) = known.conns.remove(&addr) {
                conn.close();
            }
        }
        known.members = members;
        known.leader = Some(leader);
        known.doubtful = false;
        known.cluster_id = response.header.as_ref().map_or(0, |header| header.cluster_id);
        true
    }

    fn conn(&self, member: SocketAddr) -> ClientConn {
        let mut known = self.known();
        if let Some(conn) = known.conns.get(&member) {
            return conn.clone();
        }
        let options = self.dial_options(self.seed.wrapping_add(known.dialled));
        let conn = ClientConn::dial(&self.net, member, options);
        known.dialled += 1;
        known.conns.insert(member, conn.clone());
        conn
    }

    fn dial_options(&self, seed: u64) -> DialOptions {
        DialOptions {
            backoff_base: self.scale.timer(BACKOFF_BASE),
            backoff_max: self.scale.timer(BACKOFF_MAX),
            min_connect_timeout: self.scale.timer(CONNECT_TIMEOUT),
            keepalive_time: Some(self.scale.timer(KEEPALIVE_TIME)),
            keepalive_timeout: self.scale.keepalive_timeout(KEEPALIVE_TIMEOUT),
            permit_without_stream: false,
            seed,
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        self.known().conns.values().for_each(ClientConn::close);
    }
}

/// The first of a member's client URLs that we can dial: plain `http`, or a bare address.
fn client_addr(member: &pdpb::Member) -> Option<SocketAddr> {
    member.client_urls.iter().find_map(|url| {
        let addr = url.strip_prefix("http://").unwrap_or(url);
        addr.trim_end_matches('/').parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialled_at(urls: &[&str]) -> Option<String> {
        let client_urls = urls.iter().map(|&url| url.to_owned()).collect();
        client_addr(&pdpb::Member { client_urls, ..pdpb::Member::default() }).map(|addr| addr.to_string())
    }

    #[test]
    fn a_member_is_dialled_at_its_first_plain_url() {
        assert_eq!(
            dialled_at(&["https://127.0.0.1:1", "http://127.0.0.1:2/"]).as_deref(),
            Some("127.0.0.1:2")
        );
        assert_eq!(dialled_at(&["127.0.0.1:3"]).as_deref(), Some("127.0.0.1:3"));
        assert_eq!(dialled_at(&["http://pd-0.example:2379", ""]), None);
    }
}
