//! The embedded etcd, as PD's clients use it.

use bytes::Bytes;
use tonic::{Request, Response, Status};

use super::{At, Member, members};
use crate::proto::etcdserverpb::cluster_server::{Cluster, ClusterServer};
use crate::proto::etcdserverpb::kv_server::{Kv, KvServer};
use crate::proto::etcdserverpb::{
    self, DeleteRangeRequest, DeleteRangeResponse, MemberListRequest, MemberListResponse, PutRequest,
    PutResponse, RangeRequest, RangeResponse, ResponseHeader,
};
use crate::proto::mvccpb::KeyValue;

/// The keys of one member's etcd.
pub(crate) fn kv_service(member: Member) -> KvServer<impl Kv> {
    KvServer::new(member)
}

/// The members of one member's etcd.
pub(crate) fn cluster_service(member: Member) -> ClusterServer<impl Cluster> {
    ClusterServer::new(member)
}

/// A count, as the messages have it.
fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Member {
    /// The state, for a call that needs most members.
    fn agreed(&self) -> Result<At<'_>, Status> {
        let at = self.at();
        if at.cluster().pd().leader().is_none() {
            return Err(Status::unavailable("etcdserver: no leader"));
        }
        Ok(at)
    }
    #[expect(clippy::unnecessary_wraps, reason = "as the messages have it")]
    fn etcd_header(&self, at: &At<'_>) -> Option<ResponseHeader> {
        Some(ResponseHeader {
            cluster_id: at.cluster().cluster_id,
            member_id: members::member_id(self.id),
            revision: at.cluster().etcd.revision(),
            raft_term: at.cluster().pd().term(),
        })
    }
}

#[tonic::async_trait]
impl Kv for Member {
    async fn range(&self, request: Request<RangeRequest>) -> Result<Response<RangeResponse>, Status> {
        let request = request.into_inner();
        let at = if request.serializable { self.at() } else { self.agreed()? };
        let etcd = &at.cluster().etcd;
        if request.key.is_empty() {
            return Err(Status::invalid_argument("etcdserver: key is not provided"));
        }
        match request.revision {
            revision if revision > etcd.revision() => {
                return Err(Status::out_of_range("etcdserver: mvcc: required revision is a future revision"));
            }
            // old values are not kept
            revision if revision > 0 && revision < etcd.revision() => {
                return Err(Status::out_of_range("etcdserver: mvcc: required revision has been compacted"));
            }
            _ => {}
        }
        let found = || etcd.range(&request.key, &request.range_end);
        let count = found().count();
        let limit = usize::try_from(request.limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
        let shown = |kv: &KeyValue| {
            let value = if request.keys_only { Bytes::new() } else { kv.value.clone() };
            KeyValue { value, ..kv.clone() }
        };
        let kvs = if request.count_only { Vec::new() } else { found().take(limit).map(shown).collect() };
        Ok(Response::new(RangeResponse {
            header: self.etcd_header(&at),
            more: !request.count_only && kvs.len() < count,
            kvs,
            count: number(count),
        }))
    }

    async fn put(&self, request: Request<PutRequest>) -> Result<Response<PutResponse>, Status> {
        let PutRequest { key, value, lease, prev_kv } = request.into_inner();
        if key.is_empty() {
            return Err(Status::invalid_argument("etcdserver: key is not provided"));
        }
        // nobody can have been granted one
        if lease != 0 {
            return Err(Status::not_found("etcdserver: requested lease not found"));
        }
        let mut at = self.agreed()?;
        let before = at.all.cluster.etcd.put(key, value, lease);
        let header = self.etcd_header(&at);
        Ok(Response::new(PutResponse { header, prev_kv: before.filter(|_| prev_kv) }))
    }

    async fn delete_range(
        &self,
        request: Request<DeleteRangeRequest>,
    ) -> Result<Response<DeleteRangeResponse>, Status> {
        let DeleteRangeRequest { key, range_end, prev_kv } = request.into_inner();
        if key.is_empty() {
            return Err(Status::invalid_argument("etcdserver: key is not provided"));
        }
        let mut at = self.agreed()?;
        let gone = at.all.cluster.etcd.delete(&key, &range_end);
        Ok(Response::new(DeleteRangeResponse {
            header: self.etcd_header(&at),
            deleted: number(gone.len()),
            prev_kvs: if prev_kv { gone } else { Vec::new() },
        }))
    }
}

#[tonic::async_trait]
impl Cluster for Member {
    async fn member_list(
        &self,
        request: Request<MemberListRequest>,
    ) -> Result<Response<MemberListResponse>, Status> {
        let at = if request.get_ref().linearizable { self.agreed()? } else { self.at() };
        let members = members::known(&at).0.into_iter().map(|member| etcdserverpb::Member {
            id: member.member_id,
            name: member.name,
            peer_ur_ls: member.peer_urls,
            client_ur_ls: member.client_urls,
            is_learner: false,
        });
        let members = members.collect();
        Ok(Response::new(MemberListResponse { header: self.etcd_header(&at), members }))
    }
}
