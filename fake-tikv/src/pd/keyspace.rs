//! Keyspaces of API V2.

use tonic::{Request, Response, Status};

use super::Member;
use crate::proto::keyspacepb::keyspace_server::{Keyspace, KeyspaceServer};
use crate::proto::keyspacepb::{
    GetAllKeyspacesRequest, GetAllKeyspacesResponse, LoadKeyspaceRequest, LoadKeyspaceResponse,
};
use crate::proto::pdpb::ErrorType;

/// The keyspace service of one member.
pub(crate) fn service(member: Member) -> KeyspaceServer<impl Keyspace> {
    KeyspaceServer::new(member)
}

#[tonic::async_trait]
impl Keyspace for Member {
    async fn load_keyspace(
        &self,
        request: Request<LoadKeyspaceRequest>,
    ) -> Result<Response<LoadKeyspaceResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let at = self.leader(&metadata, request.header.as_ref())?;
        let keyspace = at.cluster().keyspaces.named(&request.name).cloned();
        let header = match keyspace {
            Some(_) => at.header(),
            None => at.refusal(ErrorType::EntryNotFound, "keyspace does not exist"),
        };
        Ok(Response::new(LoadKeyspaceResponse { header, keyspace }))
    }

    async fn get_all_keyspaces(
        &self,
        request: Request<GetAllKeyspacesRequest>,
    ) -> Result<Response<GetAllKeyspacesResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let at = self.leader(&metadata, request.header.as_ref())?;
        // no limit means all
        let limit = if request.limit == 0 { usize::MAX } else { request.limit as usize };
        let keyspaces = at.cluster().keyspaces.since(request.start_id).take(limit).cloned().collect();
        Ok(Response::new(GetAllKeyspacesResponse { header: at.header(), keyspaces }))
    }
}
