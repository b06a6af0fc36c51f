//! Regions, as their leaders' heartbeats tell.

use std::time::Duration;

use super::{At, stores};
use crate::cluster::region::Region;
use crate::proto::pdpb::{
    self, GetRegionByIdRequest, GetRegionRequest, GetRegionResponse, PeerStats, ScanRegionsRequest,
    ScanRegionsResponse,
};

/// After so long without a word of a peer the leader reports it (raftstore.max-peer-down-duration).
const PEER_DOWN: Duration = Duration::from_secs(10 * 60);

/// Peers that their leader has reported as down.
pub(super) fn down_peers(at: &At<'_>, region: &Region) -> Vec<PeerStats> {
    let unheard = region.meta.peers.iter().map(|peer| (peer, stores::unheard(at, peer.store_id)));
    let down = unheard.filter(|(_, unheard)| *unheard >= PEER_DOWN);
    down.map(|(peer, unheard)| PeerStats { peer: Some(*peer), down_seconds: unheard.as_secs() }).collect()
}

/// An answer with a region, or without one.
fn found(at: &At<'_>, region: Option<&Region>) -> GetRegionResponse {
    GetRegionResponse {
        header: at.header(),
        region: region.map(|region| region.meta.clone()),
        leader: region.and_then(Region::leader_at_pd).copied(),
        down_peers: region.map(|region| down_peers(at, region)).unwrap_or_default(),
        ..Default::default()
    }
}

pub(super) fn by_key(at: &mut At<'_>, request: &GetRegionRequest) -> GetRegionResponse {
    found(at, at.cluster().regions.find(&request.region_key))
}

pub(super) fn before(at: &mut At<'_>, request: &GetRegionRequest) -> GetRegionResponse {
    found(at, at.cluster().regions.before(&request.region_key))
}

pub(super) fn by_id(at: &mut At<'_>, request: &GetRegionByIdRequest) -> GetRegionResponse {
    found(at, at.cluster().regions.by_id(request.region_id))
}

pub(super) fn scan(at: &mut At<'_>, request: &ScanRegionsRequest) -> ScanRegionsResponse {
    let ScanRegionsRequest { start_key, limit, end_key, .. } = request;
    let limit = usize::try_from(*limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let mut answer = ScanRegionsResponse { header: at.header(), ..Default::default() };
    for region in at.cluster().regions.scan(start_key, end_key).take(limit) {
        // a leader that is not known is an empty peer here
        let (meta, leader) = (region.meta.clone(), region.leader_at_pd().copied().unwrap_or_default());
        answer.region_metas.push(meta.clone());
        answer.leaders.push(leader);
        answer.regions.push(pdpb::Region {
            region: Some(meta),
            leader: Some(leader),
            down_peers: down_peers(at, region),
            ..Default::default()
        });
    }
    answer
}
