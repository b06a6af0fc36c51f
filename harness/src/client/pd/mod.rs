//! PD clients. [`PdClient`], the tools': members, leader, stores, regions. After pd/client: [`tso`], timestamps, and [`Lookups`].
//!
//! [`PdClient`] behaves as the Go client does towards a broken network: one connection per member, the leader found by
//! asking the members one after the other, a limit on every call, and no retry of its own beyond a fresh look for
//! the leader before the call that follows a failure. Whoever calls decides whether to try again.

mod conns;
mod discovery;
mod http;
mod lookups;
mod members;
mod revision;
pub mod tso;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fake_tikv::proto::{metapb, pdpb};
use prost::Message;
use tonic::Status;
use unstuck_net::Net;

use super::Scale;
use super::ctx::Ctx;
use crate::probe::frame;
pub use http::{HttpError, Route};
pub use lookups::Lookups;
use members::Members;
pub use revision::Behaviour;
pub use tso::Tso;

/// The Go client's default limit of one call.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);
/// The limit of one call that BR and Lightning ask for.
pub const TOOL_TIMEOUT: Duration = Duration::from_secs(60);

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
pub struct PdClient {
    members: Arc<Members>,
    timeout: Duration,
}

impl PdClient {
    /// Knows `members` by their addresses and connects to none of them yet.
    pub fn new(net: &Net, members: Vec<SocketAddr>, options: PdOptions) -> Self {
        let timeout = options.scale.timer(options.timeout);
        Self { members: Arc::new(Members::new(net, members, options.scale, options.seed)), timeout }
    }

    /// Whoever is found to lead first is asked from then on, whoever leads later.
    #[must_use]
    pub fn keeping_its_leader(self) -> Self {
        self.members.keep_leader();
        self
    }

    /// The cluster's id, from the first member that answered.
    pub async fn cluster_id(&self, ctx: &Ctx) -> Result<u64, Status> {
        let limited = ctx.with_timeout(self.timeout);
        let _released = limited.cancel_on_drop();
        frame("pd/ClusterID", Box::pin(self.members.leader(&limited))).await?;
        Ok(self.members.cluster_id())
    }

    /// Every store that is not a tombstone.
    pub async fn get_all_stores(&self, ctx: &Ctx) -> Result<Vec<metapb::Store>, Status> {
        let call = self.call(ctx, "/pdpb.PD/GetAllStores", |header| pdpb::GetAllStoresRequest {
            header: Some(header),
            exclude_tombstone_stores: true,
        });
        let response: pdpb::GetAllStoresResponse = frame("pd/GetAllStores", call).await?;
        self.checked(response.header.as_ref())?;
        Ok(response.stores)
    }

    /// The store with this id. One that PD does not know, or knows as a tombstone, is `NotFound`.
    pub async fn get_store(&self, ctx: &Ctx, id: u64) -> Result<metapb::Store, Status> {
        let call = self.call(ctx, "/pdpb.PD/GetStore", |header| pdpb::GetStoreRequest {
            header: Some(header),
            store_id: id,
        });
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
        let call = self.call(ctx, "/pdpb.PD/ScanRegions", |header| pdpb::ScanRegionsRequest {
            header: Some(header),
            start_key: Bytes::copy_from_slice(start),
            end_key: Bytes::copy_from_slice(end),
            limit,
        });
        let response: pdpb::ScanRegionsResponse = frame("pd/ScanRegions", call).await?;
        self.checked(response.header.as_ref())?;
        Ok(scanned(response))
    }

    /// The region that holds `key`, if PD knows it.
    pub async fn get_region(&self, ctx: &Ctx, key: &[u8]) -> Result<Option<RegionAndLeader>, Status> {
        let call = self.call(ctx, "/pdpb.PD/GetRegion", |header| pdpb::GetRegionRequest {
            header: Some(header),
            region_key: Bytes::copy_from_slice(key),
            ..pdpb::GetRegionRequest::default()
        });
        self.region(frame("pd/GetRegion", call).await?)
    }

    /// The region with this id, if PD knows it.
    pub async fn get_region_by_id(&self, ctx: &Ctx, id: u64) -> Result<Option<RegionAndLeader>, Status> {
        let call = self.call(ctx, "/pdpb.PD/GetRegionByID", |header| pdpb::GetRegionByIdRequest {
            header: Some(header),
            region_id: id,
            ..pdpb::GetRegionByIdRequest::default()
        });
        self.region(frame("pd/GetRegionByID", call).await?)
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
        request: impl FnOnce(pdpb::RequestHeader) -> Req,
    ) -> Result<Resp, Status> {
        let limited = ctx.with_timeout(self.timeout);
        let _released = limited.cancel_on_drop();
        // boxed, because every caller's future would hold them else
        let conn = Box::pin(self.members.leader(&limited)).await?;
        let cluster_id = self.members.cluster_id();
        let request = request(pdpb::RequestHeader { cluster_id, ..pdpb::RequestHeader::default() });
        let answer = Box::pin(conn.unary(&limited, method, &request)).await;
        if answer.is_err() && ctx.error().is_none() {
            self.members.doubt();
        }
        answer
    }

    /// An error in the header is a failed call too.
    fn checked(&self, header: Option<&pdpb::ResponseHeader>) -> Result<(), Status> {
        let Some(error) = header.and_then(|header| header.error.as_ref()) else { return Ok(()) };
        self.members.doubt();
        Err(Status::unknown(format!("[pd] {:?}: {}", error.r#type(), error.message)))
    }
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

    fn ids(response: pdpb::ScanRegionsResponse) -> Vec<(u64, Option<u64>)> {
        scanned(response)
            .into_iter()
            .map(|(region, leader)| (region.id, leader.map(|peer| peer.id)))
            .collect()
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
        assert_eq!(ids(old), [(1, Some(7)), (2, None), (3, None)]);
        let known = |id, leader| pdpb::Region {
            region: Some(region(id)),
            leader: Some(peer(leader)),
            ..pdpb::Region::default()
        };
        let new = pdpb::ScanRegionsResponse {
            regions: vec![known(4, 9), known(5, 0)],
            ..pdpb::ScanRegionsResponse::default()
        };
        assert_eq!(ids(new), [(4, Some(9)), (5, None)]);
    }
}
