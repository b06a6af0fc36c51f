//! One PD member's service: wire to cluster and back.

use std::sync::{Arc, MutexGuard};

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tonic::{Request, Response, Status, Streaming};

use crate::cluster::State;
use crate::cluster::region::Region;
use crate::cluster::store::Process;
use crate::proto::metapb;
use crate::proto::pdpb::pd_server::{Pd, PdServer};
use crate::proto::pdpb::{
    GetAllStoresRequest, GetAllStoresResponse, GetClusterInfoRequest, GetClusterInfoResponse,
    GetMembersRequest, GetMembersResponse, GetRegionByIdRequest, GetRegionRequest, GetRegionResponse,
    GetStoreRequest, GetStoreResponse, Member, RequestHeader, ResponseHeader, ScanRegionsRequest,
    ScanRegionsResponse, ServiceMode, Timestamp, TsoRequest, TsoResponse,
};
use crate::shared::{All, Shared};
use crate::spec::Node;

/// What members and stores say they are.
const VERSION: &str = "8.1.0";

/// The service of one member.
pub(crate) fn service(shared: Arc<Shared>, member: u32) -> PdServer<impl Pd> {
    PdServer::new(PdMember { shared, member })
}

#[derive(Clone, Debug)]
struct PdMember {
    shared: Arc<Shared>,
    member: u32,
}

impl PdMember {
    /// The state, for a call that only the leader answers.
    fn leading(&self, header: Option<&RequestHeader>) -> Result<MutexGuard<'_, All>, Status> {
        let all = self.shared.lock();
        let (ours, asked) = (all.cluster.cluster_id, header.map_or(0, |header| header.cluster_id));
        if asked != 0 && asked != ours {
            return Err(Status::failed_precondition(format!(
                "mismatch cluster id, need {ours} but got {asked}"
            )));
        }
        if all.cluster.pd().leader() != Some(self.member.into()) {
            return Err(Status::unavailable("not leader"));
        }
        Ok(all)
    }

    /// Looks a region up and answers with it, or without one.
    fn region(
        &self,
        header: Option<&RequestHeader>,
        find: impl FnOnce(&State) -> Option<&Region>,
    ) -> Result<Response<GetRegionResponse>, Status> {
        let all = self.leading(header)?;
        let region = find(&all.cluster);
        Ok(Response::new(GetRegionResponse {
            header: Some(ours(&all.cluster)),
            region: region.map(|region| region.meta.clone()),
            leader: region.and_then(Region::leader_at_pd).copied(),
            ..Default::default()
        }))
    }

    fn timestamp(&self, request: &TsoRequest) -> Result<TsoResponse, Status> {
        let mut all = self.leading(request.header.as_ref())?;
        let (physical, logical) = all
            .cluster
            .tso
            .next(self.shared.clock.unix_ms(), request.count)
            .ok_or_else(|| Status::unknown("tso count should be positive and fit a millisecond"))?;
        Ok(TsoResponse {
            header: Some(ours(&all.cluster)),
            count: request.count,
            timestamp: Some(Timestamp {
                physical: physical.cast_signed(),
                logical: logical.cast_signed(),
                suffix_bits: 0,
            }),
        })
    }
}

/// The header of every answer.
fn ours(cluster: &State) -> ResponseHeader {
    ResponseHeader { cluster_id: cluster.cluster_id, error: None }
}

fn member(node: Node, process: &Process) -> Option<Member> {
    let Node::Pd(i) = node else { return None };
    let url = format!("http://{}", process.addr);
    Some(Member {
        name: node.to_string(),
        member_id: u64::from(i) + 1,
        peer_urls: vec![url.clone()],
        client_urls: vec![url],
        binary_version: format!("v{VERSION}"),
        ..Default::default()
    })
}

fn store(node: Node, process: &Process, now: u64, epoch_ms: u64) -> Option<metapb::Store> {
    let Node::Store(id) = node else { return None };
    Some(metapb::Store {
        id,
        address: process.addr.to_string(),
        state: metapb::StoreState::Up.into(),
        version: VERSION.into(),
        start_timestamp: process.start_timestamp(epoch_ms).cast_signed(),
        last_heartbeat: ((epoch_ms + process.last_heartbeat(now)) * 1_000_000).cast_signed(),
        node_state: metapb::NodeState::Serving.into(),
        ..Default::default()
    })
}

#[tonic::async_trait]
impl Pd for PdMember {
    async fn get_cluster_info(
        &self,
        _: Request<GetClusterInfoRequest>,
    ) -> Result<Response<GetClusterInfoResponse>, Status> {
        Ok(Response::new(GetClusterInfoResponse {
            header: Some(ours(&self.shared.lock().cluster)),
            service_modes: vec![ServiceMode::PdSvcMode.into()],
            tso_urls: Vec::new(),
        }))
    }

    /// Does not look at the cluster id: this is the call that tells it.
    async fn get_members(
        &self,
        _: Request<GetMembersRequest>,
    ) -> Result<Response<GetMembersResponse>, Status> {
        let all = self.shared.lock();
        let members: Vec<_> =
            all.cluster.nodes().filter_map(|(node, process)| member(node, process)).collect();
        let leader = members.get(all.cluster.pd().last_leader() as usize).cloned();
        Ok(Response::new(GetMembersResponse {
            header: Some(ours(&all.cluster)),
            members,
            leader: leader.clone(),
            etcd_leader: leader,
            ..Default::default()
        }))
    }

    async fn tso(
        &self,
        request: Request<Streaming<TsoRequest>>,
    ) -> Result<Response<BoxStream<'static, Result<TsoResponse, Status>>>, Status> {
        let member = self.clone();
        let answers = request.into_inner().map(move |request| member.timestamp(&request?));
        Ok(Response::new(answers.boxed()))
    }

    async fn get_store(
        &self,
        request: Request<GetStoreRequest>,
    ) -> Result<Response<GetStoreResponse>, Status> {
        let GetStoreRequest { header, store_id } = request.into_inner();
        let all = self.leading(header.as_ref())?;
        let (node, epoch) = (Node::Store(store_id), self.shared.clock.epoch_ms());
        let store =
            all.cluster.process(node).and_then(|process| store(node, process, all.cluster.now(), epoch));
        if store.is_none() {
            return Err(Status::unknown(format!("invalid store ID {store_id}, not found")));
        }
        Ok(Response::new(GetStoreResponse { header: Some(ours(&all.cluster)), store, stats: None }))
    }

    async fn get_all_stores(
        &self,
        request: Request<GetAllStoresRequest>,
    ) -> Result<Response<GetAllStoresResponse>, Status> {
        let all = self.leading(request.get_ref().header.as_ref())?;
        let (now, epoch) = (all.cluster.now(), self.shared.clock.epoch_ms());
        let stores =
            all.cluster.nodes().filter_map(|(node, process)| store(node, process, now, epoch)).collect();
        Ok(Response::new(GetAllStoresResponse { header: Some(ours(&all.cluster)), stores }))
    }

    async fn get_region(
        &self,
        request: Request<GetRegionRequest>,
    ) -> Result<Response<GetRegionResponse>, Status> {
        let GetRegionRequest { header, region_key, .. } = request.into_inner();
        self.region(header.as_ref(), |cluster| cluster.regions.find(&region_key))
    }

    async fn get_prev_region(
        &self,
        request: Request<GetRegionRequest>,
    ) -> Result<Response<GetRegionResponse>, Status> {
        let GetRegionRequest { header, region_key, .. } = request.into_inner();
        self.region(header.as_ref(), |cluster| cluster.regions.before(&region_key))
    }

    async fn get_region_by_id(
        &self,
        request: Request<GetRegionByIdRequest>,
    ) -> Result<Response<GetRegionResponse>, Status> {
        let GetRegionByIdRequest { header, region_id, .. } = request.into_inner();
        self.region(header.as_ref(), |cluster| cluster.regions.by_id(region_id))
    }

    async fn scan_regions(
        &self,
        request: Request<ScanRegionsRequest>,
    ) -> Result<Response<ScanRegionsResponse>, Status> {
        let ScanRegionsRequest { header, start_key, limit, end_key } = request.into_inner();
        let all = self.leading(header.as_ref())?;
        let limit = usize::try_from(limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
        let mut answer = ScanRegionsResponse { header: Some(ours(&all.cluster)), ..Default::default() };
        for region in all.cluster.regions.scan(&start_key, &end_key).take(limit) {
            let (meta, leader) = (region.meta.clone(), region.leader_at_pd().copied());
            answer.region_metas.push(meta.clone());
            answer.leaders.push(leader.unwrap_or_default());
            answer.regions.push(crate::proto::pdpb::Region {
                region: Some(meta),
                leader,
                ..Default::default()
            });
        }
        Ok(Response::new(answer))
    }
}
