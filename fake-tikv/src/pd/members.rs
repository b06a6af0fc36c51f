//! Who the members are, and what cluster this is.

use super::{At, VERSION};
use crate::proto::metapb;
use crate::proto::pdpb::{
    AllocIdRequest, AllocIdResponse, BootstrapRequest, BootstrapResponse, ErrorType, GetClusterConfigRequest,
    GetClusterConfigResponse, GetClusterInfoRequest, GetClusterInfoResponse, GetMembersRequest,
    GetMembersResponse, IsBootstrappedRequest, IsBootstrappedResponse, IsSnapshotRecoveringRequest,
    IsSnapshotRecoveringResponse, Member, ServiceMode,
};
use crate::spec::Node;

/// Replicas of a region; PD's default (replication.max-replicas).
const MAX_PEER_COUNT: u32 = 3;

/// The members by number, and the one that leads, or led last while an election runs.
pub(super) fn known(at: &At<'_>) -> (Vec<Member>, Option<Member>) {
    let members: Vec<_> = at.members().map(|(id, _)| member(at, id)).collect();
    let leader = members.get(at.cluster().pd().last_leader() as usize).cloned();
    (members, leader)
}

fn member(at: &At<'_>, id: u32) -> Member {
    let node = Node::Pd(id);
    let url = format!("http://{}", at.addr(node));
    Member {
        name: node.to_string(),
        member_id: member_id(id),
        peer_urls: vec![url.clone()],
        client_urls: vec![url],
        binary_version: format!("v{VERSION}"),
        ..Default::default()
    }
}

pub(super) fn member_id(id: u32) -> u64 {
    u64::from(id) + 1
}

/// Does not look at the cluster id: this is the call that tells it.
pub(super) fn all(at: &mut At<'_>, _: &GetMembersRequest) -> GetMembersResponse {
    let (members, leader) = known(at);
    GetMembersResponse {
        header: at.header(),
        members,
        leader: leader.clone(),
        etcd_leader: leader,
        ..Default::default()
    }
}

pub(super) fn cluster_info(at: &mut At<'_>, _: &GetClusterInfoRequest) -> GetClusterInfoResponse {
    let service_modes = vec![ServiceMode::PdSvcMode.into()];
    GetClusterInfoResponse { header: at.header(), service_modes, tso_urls: Vec::new() }
}

/// A cluster here is never without stores.
pub(super) fn bootstrap(at: &mut At<'_>, _: &BootstrapRequest) -> BootstrapResponse {
    let header = at.refusal(ErrorType::AlreadyBootstrapped, "cluster is already bootstrapped");
    BootstrapResponse { header }
}

pub(super) fn is_bootstrapped(at: &mut At<'_>, _: &IsBootstrappedRequest) -> IsBootstrappedResponse {
    IsBootstrappedResponse { header: at.header(), bootstrapped: true }
}

pub(super) fn is_snapshot_recovering(
    at: &mut At<'_>,
    _: &IsSnapshotRecoveringRequest,
) -> IsSnapshotRecoveringResponse {
    IsSnapshotRecoveringResponse { header: at.header(), marked: false }
}

pub(super) fn cluster_config(at: &mut At<'_>, _: &GetClusterConfigRequest) -> GetClusterConfigResponse {
    let cluster = metapb::Cluster { id: at.cluster().cluster_id, max_peer_count: MAX_PEER_COUNT };
    GetClusterConfigResponse { header: at.header(), cluster: Some(cluster) }
}

pub(super) fn alloc_id(at: &mut At<'_>, _: &AllocIdRequest) -> AllocIdResponse {
    AllocIdResponse { header: at.header(), id: at.all.cluster.alloc_id() }
}
