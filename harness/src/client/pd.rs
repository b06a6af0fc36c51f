//! A PD client: members, leader, stores, regions.
//!
//! It behaves as the Go client does towards a broken network: one connection per member, the leader found by
//! asking the members one after the other, a limit on every call, and no retry of its own beyond a fresh look for
//! the leader before the call that follows a failure. Whoever calls decides whether to try again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fake_tikv::proto::{metapb, pdpb};
use prost::Message;
use tonic::{Code, Status};
use unstuck_net::Net;

use super::Scale;
use super::ctx::Ctx;
use super::grpc::{ClientConn, DialOptions};
use crate::probe::{Actors, Site, frame, wait};

/// The Go client's default limit of one call.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);
/// The limit of one call that BR and Lightning ask for.
pub const TOOL_TIMEOUT: Duration = Duration::from_secs(60);
/// How long one member may take to tell the members.
const MEMBERS_TIMEOUT: Duration = Duration::from_secs(1);

// How the Go client dials a member.
const BACKOFF_BASE: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_secs(3);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const KEEPALIVE_TIME: Duration = Duration::from_secs(10);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(3);

/// A region and the peer that leads it, if PD knows one.
pub type RegionAndLeader = (metapb::Region, Option<metapb::Peer>);

/// How a [`PdClient`] calls.
#[derive(Clone, Copy, Debug)]
pub struct PdOptions {
    /// The limit of one call, unscaled.
    pub timeout: Duration,
    /// By how much to shorten all timers.
    pub scale: Scale,
    /// Seeds the connections' jitter.
    pub seed: u64,
}

impl Default for PdOptions {
    fn default() -> Self {
        Self { timeout: DEFAULT_TIMEOUT, scale: Scale::REAL, seed: 0 }
    }
}

/// A client of all PD members. Clones share connections, which close with the last of them.
#[derive(Clone, Debug)]
pub struct PdClient(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    net: Net,
    options: PdOptions,
    state: Mutex<State>,
    refresh: tokio::sync::Mutex<()>,
    refreshers: Actors,
}

#[derive(Debug)]
struct State {
    members: Vec<SocketAddr>,
    conns: BTreeMap<SocketAddr, ClientConn>,
    dialled: u64,
    leader: Option<SocketAddr>,
    cluster_id: u64,
    /// The leader has to be looked for before the next call.
    stale: bool,
}

impl PdClient {
    /// Knows `members` by their addresses and connects to none of them yet.
    pub fn new(net: &Net, members: Vec<SocketAddr>, options: PdOptions) -> Self {
        let state =
            State { members, conns: BTreeMap::new(), dialled: 0, leader: None, cluster_id: 0, stale: true };
        Self(Arc::new(Inner {
            net: net.clone(),
            options,
            state: Mutex::new(state),
            refresh: tokio::sync::Mutex::default(),
            refreshers: Actors::new("pd members"),
        }))
    }

    /// The cluster's id, from the first member that answered.
    pub async fn cluster_id(&self, ctx: &Ctx) -> Result<u64, Status> {
        let find = async {
            let limited = self.limited(ctx);
            let _released = limited.cancel_on_drop();
            self.leader(&limited).await?;
            Ok(self.0.state().cluster_id)
        };
        frame("pd/ClusterID", find).await
    }

    /// Every store that is not a tombstone.
    pub async fn get_all_stores(&self, ctx: &Ctx) -> Result<Vec<metapb::Store>, Status> {
        let request = pdpb::GetAllStoresRequest { header: self.header(), exclude_tombstone_stores: true };
        let call =
            self.call(ctx, "/pdpb.PD/GetAllStores", request, |request, header| request.header = header);
        let response: pdpb::GetAllStoresResponse = frame("pd/GetAllStores", call).await?;
        self.checked(response.header.as_ref())?;
        Ok(response.stores)
    }

    /// The store with this id. One that PD does not know, or knows as a tombstone, is `NotFound`.
    pub async fn get_store(&self, ctx: &Ctx, id: u64) -> Result<metapb::Store, Status> {
        let request = pdpb::GetStoreRequest { header: self.header(), store_id: id };
        let call = self.call(ctx, "/pdpb.PD/GetStore", request, |request, header| request.header = header);
        let response: pdpb::GetStoreResponse = frame("pd/GetStore", call).await?;
        self.checked(response.header.as_ref())?;
        match response.store {
            Some(store) if store.state != metapb::StoreState::Tombstone as i32 => Ok(store),
            _ => Err(Status::not_found(format!("[pd] store {id} not found"))),
        }
    }

    /// The regions that touch `start..end` in key order, `limit` at most; an empty `end` is the end of all keys.
    pub async fn scan_regions(
        &self,
        ctx: &Ctx,
        start: &[u8],
        end: &[u8],
        limit: i32,
    ) -> Result<Vec<RegionAndLeader>, Status> {
        let request = pdpb::ScanRegionsRequest {
            header: self.header(),
            start_key: Bytes::copy_from_slice(start),
            end_key: Bytes::copy_from_slice(end),
            limit,
        };
        let call = self.call(ctx, "/pdpb.PD/ScanRegions", request, |request, header| request.header = header);
        let response: pdpb::ScanRegionsResponse = frame("pd/ScanRegions", call).await?;
        self.checked(response.header.as_ref())?;
        Ok(scanned(response))
    }

    /// The region that holds `key`, if PD knows it.
    pub async fn get_region(&self, ctx: &Ctx, key: &[u8]) -> Result<Option<RegionAndLeader>, Status> {
        let request = pdpb::GetRegionRequest {
            header: self.header(),
            region_key: Bytes::copy_from_slice(key),
            ..pdpb::GetRegionRequest::default()
        };
        let call = self.call(ctx, "/pdpb.PD/GetRegion", request, |request, header| request.header = header);
        let response: pdpb::GetRegionResponse = frame("pd/GetRegion", call).await?;
        self.region(response)
    }

    /// The region with this id, if PD knows it.
    pub async fn get_region_by_id(&self, ctx: &Ctx, id: u64) -> Result<Option<RegionAndLeader>, Status> {
        let request = pdpb::GetRegionByIdRequest {
            header: self.header(),
            region_id: id,
            ..pdpb::GetRegionByIdRequest::default()
        };
        let call =
            self.call(ctx, "/pdpb.PD/GetRegionByID", request, |request, header| request.header = header);
        let response: pdpb::GetRegionResponse = frame("pd/GetRegionByID", call).await?;
        self.region(response)
    }

    fn region(&self, response: pdpb::GetRegionResponse) -> Result<Option<RegionAndLeader>, Status> {
        self.checked(response.header.as_ref())?;
        let leader = led_by(response.leader);
        Ok(response.region.map(|region| (region, leader)))
    }

    /// One call of the leader, within the limit; a failure makes the next call look for the leader first.
    async fn call<Req: Message, Resp: Message + Default>(
        &self,
        ctx: &Ctx,
        method: &'static str,
        mut request: Req,
        put_header: impl FnOnce(&mut Req, Option<pdpb::RequestHeader>),
    ) -> Result<Resp, Status> {
        let limited = self.limited(ctx);
        let _released = limited.cancel_on_drop();
        let conn = self.leader(&limited).await?;
        put_header(&mut request, self.header());
        let answer = conn.unary(&limited, method, &request).await;
        if answer.is_err() && ctx.error().is_none() {
            self.0.state().stale = true;
        }
        answer
    }

    /// The connection to the leader. If the look for it fails, the one known from before still serves.
    async fn leader(&self, ctx: &Ctx) -> Result<ClientConn, Status> {
        let refreshed = if self.0.state().stale { self.refresh(ctx).await } else { Ok(()) };
        let leader = self.0.state().leader;
        match (leader, refreshed) {
            (Some(leader), _) => Ok(self.conn(leader)),
            (None, Err(status)) => Err(status),
            (None, Ok(())) => Err(Status::unavailable("[pd] no leader")),
        }
    }

    /// Asks the members in order; the first that knows a leader names the members from then on. Callers that come
    /// meanwhile wait for this one.
    async fn refresh(&self, ctx: &Ctx) -> Result<(), Status> {
        let inner = &self.0;
        let turn = wait(Site::on("pd/members", &inner.refreshers), ctx.run(inner.refresh.lock())).await;
        let _turn = turn.map_err(|error| ended(error.to_string()))?;
        let _refreshing = inner.refreshers.join();
        if !inner.state().stale {
            return Ok(());
        }
        let members = inner.state().members.clone();
        let mut last = Status::unavailable("[pd] no member is known");
        for member in members {
            match self.ask_members(ctx, member).await {
                Ok(response) if self.learn(&response) => return Ok(()),
                Ok(_) => last = Status::unavailable(format!("[pd] `{member}` knows no leader")),
                Err(status) => last = status,
            }
        }
        Err(last)
    }

    async fn ask_members(&self, ctx: &Ctx, member: SocketAddr) -> Result<pdpb::GetMembersResponse, Status> {
        let limited = ctx.with_timeout(self.0.options.scale.timer(MEMBERS_TIMEOUT));
        let _released = limited.cancel_on_drop();
        let request = pdpb::GetMembersRequest::default();
        let conn = self.conn(member);
        frame("pd/GetMembers", conn.unary(&limited, "/pdpb.PD/GetMembers", &request)).await
    }

    /// Takes over members and leader; false, and nothing changes, if the answer names no leader that can be dialled.
    fn learn(&self, response: &pdpb::GetMembersResponse) -> bool {
        let Some(leader) = response.leader.as_ref().and_then(client_addr) else { return false };
        let mut members: Vec<_> = response.members.iter().filter_map(client_addr).collect();
        members.push(leader);
        members.sort_unstable();
        members.dedup();
        let mut state = self.0.state();
        let gone: Vec<_> = state.conns.keys().copied().filter(|addr| !members.contains(addr)).collect();
        for addr in gone {
            if let Some(conn) = state.conns.remove(&addr) {
                conn.close();
            }
        }
        state.members = members;
        state.leader = Some(leader);
        state.stale = false;
        state.cluster_id = response.header.as_ref().map_or(0, |header| header.cluster_id);
        true
    }

    fn conn(&self, member: SocketAddr) -> ClientConn {
        let inner = &self.0;
        let mut state = inner.state();
        if let Some(conn) = state.conns.get(&member) {
            return conn.clone();
        }
        let seed = inner.options.seed.wrapping_add(state.dialled);
        let conn = ClientConn::dial(&inner.net, member, dial_options(inner.options.scale, seed));
        state.dialled += 1;
        state.conns.insert(member, conn.clone());
        conn
    }

    fn limited(&self, ctx: &Ctx) -> Ctx {
        ctx.with_timeout(self.0.options.scale.timer(self.0.options.timeout))
    }

    fn header(&self) -> Option<pdpb::RequestHeader> {
        Some(pdpb::RequestHeader { cluster_id: self.0.state().cluster_id, ..pdpb::RequestHeader::default() })
    }

    /// An error in the header is a failed call too.
    fn checked(&self, header: Option<&pdpb::ResponseHeader>) -> Result<(), Status> {
        let Some(error) = header.and_then(|header| header.error.as_ref()) else { return Ok(()) };
        self.0.state().stale = true;
        Err(Status::unknown(format!("[pd] {:?}: {}", error.r#type(), error.message)))
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.state().conns.values().for_each(ClientConn::close);
    }
}

fn dial_options(scale: Scale, seed: u64) -> DialOptions {
    DialOptions {
        backoff_base: scale.timer(BACKOFF_BASE),
        backoff_max: scale.timer(BACKOFF_MAX),
        min_connect_timeout: scale.timer(CONNECT_TIMEOUT),
        keepalive_time: Some(scale.timer(KEEPALIVE_TIME)),
        keepalive_timeout: scale.keepalive_timeout(KEEPALIVE_TIMEOUT),
        permit_without_stream: false,
        seed,
    }
}

fn ended(reason: String) -> Status {
    if reason.contains("deadline") {
        Status::deadline_exceeded(reason)
    } else {
        Status::new(Code::Cancelled, reason)
    }
}

/// The first of a member's client URLs that we can dial: plain `http`, or a bare address.
fn client_addr(member: &pdpb::Member) -> Option<SocketAddr> {
    member.client_urls.iter().find_map(|url| {
        let addr = url.strip_prefix("http://").unwrap_or(url);
        addr.trim_end_matches('/').parse().ok()
    })
}

/// A peer with id 0 is how PD says that it knows no leader.
fn led_by(peer: Option<metapb::Peer>) -> Option<metapb::Peer> {
    peer.filter(|peer| peer.id != 0)
}

/// PD before 4.0 fills only `region_metas` and `leaders`, later ones `regions` too.
fn scanned(response: pdpb::ScanRegionsResponse) -> Vec<RegionAndLeader> {
    if response.regions.is_empty() {
        let mut leaders = response.leaders.into_iter();
        return response.region_metas.into_iter().map(|region| (region, led_by(leaders.next()))).collect();
    }
    let known = response.regions.into_iter();
    known.filter_map(|known| known.region.map(|region| (region, led_by(known.leader)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(urls: &[&str]) -> pdpb::Member {
        pdpb::Member {
            client_urls: urls.iter().map(|&url| url.to_owned()).collect(),
            ..pdpb::Member::default()
        }
    }

    #[test]
    fn a_member_is_dialled_at_its_first_plain_url() {
        let addr = |urls: &[&str]| client_addr(&member(urls)).map(|addr| addr.to_string());
        assert_eq!(addr(&["https://127.0.0.1:1", "http://127.0.0.1:2/"]).as_deref(), Some("127.0.0.1:2"));
        assert_eq!(addr(&["127.0.0.1:3"]).as_deref(), Some("127.0.0.1:3"));
        assert_eq!(addr(&["http://pd-0.example:2379", ""]), None);
    }

    #[test]
    fn a_scan_in_the_old_form_is_read_like_one_in_the_new() {
        let region = |id| metapb::Region { id, ..metapb::Region::default() };
        let peer = |id| metapb::Peer { id, ..metapb::Peer::default() };
        let old = pdpb::ScanRegionsResponse {
            region_metas: vec![region(1), region(2), region(3)],
            leaders: vec![peer(7), peer(0)],
            ..pdpb::ScanRegionsResponse::default()
        };
        let ids: Vec<_> = scanned(old)
            .into_iter()
            .map(|(region, leader)| (region.id, leader.map(|peer| peer.id)))
            .collect();
        assert_eq!(ids, [(1, Some(7)), (2, None), (3, None)]);
        let known = |id, leader| pdpb::Region {
            region: Some(region(id)),
            leader: Some(peer(leader)),
            ..pdpb::Region::default()
        };
        let new = pdpb::ScanRegionsResponse {
            regions: vec![known(4, 9), known(5, 0)],
            ..pdpb::ScanRegionsResponse::default()
        };
        let ids: Vec<_> = scanned(new)
            .into_iter()
            .map(|(region, leader)| (region.id, leader.map(|peer| peer.id)))
            .collect();
        assert_eq!(ids, [(4, Some(9)), (5, None)]);
    }
}
