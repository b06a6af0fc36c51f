//! The gRPC calls in one table: who answers, and how.

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tonic::{Request, Response, Status, Streaming};

use super::{Member, config, members, operators, regions, safe_points, stores, tso};
use crate::proto::pdpb;
use crate::proto::pdpb::pd_server::{Pd, PdServer};

/// The gRPC service of one member.
pub(crate) fn service(member: Member) -> PdServer<impl Pd> {
    PdServer::new(member)
}

/// What makes an answer: some calls can fail, most cannot.
trait Answer<A> {
    fn answer(self) -> Result<A, Status>;
}
impl<A> Answer<A> for A {
    fn answer(self) -> Result<A, Status> {
        Ok(self)
    }
}
impl<A> Answer<A> for Result<A, Status> {
    fn answer(self) -> Result<A, Status> {
        self
    }
}

type Answers<A> = Result<Response<BoxStream<'static, Result<A, Status>>>, Status>;

/// `leader`, `reader` (a follower too, where the client allows it) or `anyone` answers.
macro_rules! calls {
    ({ $($who:ident $call:ident($asked:ident) -> $answer:ident = $how:path;)* } { $($streams:tt)* }) => {
        #[tonic::async_trait]
        impl Pd for Member {
            $(async fn $call(&self, request: Request<pdpb::$asked>) -> Result<Response<pdpb::$answer>, Status> {
                let (metadata, _, request) = request.into_parts();
                let mut at = self.$who(&metadata, request.header.as_ref())?;
                $how(&mut at, &request).answer().map(Response::new)
            })*
            $($streams)*
        }
    };
}

calls! {{
    anyone get_members(GetMembersRequest) -> GetMembersResponse = members::all;
    anyone get_cluster_info(GetClusterInfoRequest) -> GetClusterInfoResponse = members::cluster_info;
    leader bootstrap(BootstrapRequest) -> BootstrapResponse = members::bootstrap;
    leader is_bootstrapped(IsBootstrappedRequest) -> IsBootstrappedResponse = members::is_bootstrapped;
    leader get_cluster_config(GetClusterConfigRequest) -> GetClusterConfigResponse = members::cluster_config;
    leader alloc_id(AllocIdRequest) -> AllocIdResponse = members::alloc_id;
    anyone is_snapshot_recovering(IsSnapshotRecoveringRequest) -> IsSnapshotRecoveringResponse = members::is_snapshot_recovering;
    leader get_min_ts(GetMinTsRequest) -> GetMinTsResponse = tso::min;
    leader set_external_timestamp(SetExternalTimestampRequest) -> SetExternalTimestampResponse = tso::set_external;
    leader get_external_timestamp(GetExternalTimestampRequest) -> GetExternalTimestampResponse = tso::external;
    leader get_store(GetStoreRequest) -> GetStoreResponse = stores::one;
    leader get_all_stores(GetAllStoresRequest) -> GetAllStoresResponse = stores::all;
    reader get_region(GetRegionRequest) -> GetRegionResponse = regions::by_key;
    reader get_prev_region(GetRegionRequest) -> GetRegionResponse = regions::before;
    reader get_region_by_id(GetRegionByIdRequest) -> GetRegionResponse = regions::by_id;
    reader scan_regions(ScanRegionsRequest) -> ScanRegionsResponse = regions::scan;
    leader scatter_region(ScatterRegionRequest) -> ScatterRegionResponse = operators::scatter;
    leader get_operator(GetOperatorRequest) -> GetOperatorResponse = operators::get;
    leader split_regions(SplitRegionsRequest) -> SplitRegionsResponse = operators::split;
    leader split_and_scatter_regions(SplitAndScatterRegionsRequest) -> SplitAndScatterRegionsResponse = operators::split_and_scatter;
    leader get_gc_safe_point(GetGcSafePointRequest) -> GetGcSafePointResponse = safe_points::gc;
    leader update_gc_safe_point(UpdateGcSafePointRequest) -> UpdateGcSafePointResponse = safe_points::update_gc;
    leader update_service_gc_safe_point(UpdateServiceGcSafePointRequest) -> UpdateServiceGcSafePointResponse = safe_points::update_service;

}{
    async fn tso(&self, request: Request<Streaming<pdpb::TsoRequest>>) -> Answers<pdpb::TsoResponse> {
        let (metadata, _, requests) = request.into_parts();
        let member = self.clone();
        let answers = requests.map(move |request| tso::next(&member, &metadata, &request?));
        Ok(Response::new(answers.boxed()))
    }

    // global configuration lives in etcd, which any member reaches: neither leader nor cluster id is asked for

    async fn store_global_config(
        &self,
        request: Request<pdpb::StoreGlobalConfigRequest>,
    ) -> Result<Response<pdpb::StoreGlobalConfigResponse>, Status> {
        Ok(Response::new(config::store(&mut self.at(), request.into_inner())))
    }

    async fn load_global_config(
        &self,
        request: Request<pdpb::LoadGlobalConfigRequest>,
    ) -> Result<Response<pdpb::LoadGlobalConfigResponse>, Status> {
        Ok(Response::new(config::load(&self.at(), &request.into_inner())))
    }

    async fn watch_global_config(
        &self,
        request: Request<pdpb::WatchGlobalConfigRequest>,
    ) -> Answers<pdpb::WatchGlobalConfigResponse> {
        Ok(Response::new(config::watch(self.clone(), request.get_ref()).boxed()))
    }
}}
