//! Regions, stores and members, as pd/client looks them up: at the leader, or, where it may, at each member in turn and at the
//! leader if that one fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use fake_tikv::proto::{metapb, pdpb};
use http::Method;
use prost::Message;
use tonic::Status;

use super::discovery::Discovery;
use super::http::{HttpClient, HttpError, Route};
use super::revision::Behaviour;
use super::{DEFAULT_TIMEOUT, RegionAndLeader, led_by, scanned};
use crate::client::Env;
use crate::client::ctx::{CancelOnDrop, Ctx};
use crate::client::grpc::ClientConn;
use crate::probe::frame;

/// Lets a follower answer (pd/client: `FollowerHandleMetadataKey`).
const FOLLOWER_MAY: &str = "pd-allow-follower-handle";

/// Looks things up. Clones share connections, which close with the last of them.
#[derive(Clone, Debug)]
pub struct Lookups(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    discovery: Discovery,
    http: HttpClient,
    limit: std::time::Duration,
    turn: AtomicUsize,
    _ends: CancelOnDrop,
}

impl Lookups {
    /// Finds the leader, and follows it in a task of `env`; how long that may take, `behaviour` says.
    pub async fn connect(ctx: &Ctx, env: &Env, behaviour: Behaviour, route: Route) -> Result<Self, Status> {
        let ctx = ctx.child();
        let ends = ctx.cancel_on_drop();
        let discovery = Discovery::start(&ctx, env, behaviour).await?;
        let http = HttpClient::new(&env.net, &env.pd, discovery.clone(), route);
        let limit = env.scale.timer(DEFAULT_TIMEOUT);
        Ok(Self(Arc::new(Inner { discovery, http, limit, turn: AtomicUsize::new(0), _ends: ends })))
    }

    /// The region that holds `key`; a follower may answer.
    pub async fn region(&self, ctx: &Ctx, key: &[u8]) -> Result<Option<RegionAndLeader>, Status> {
        let region_key = Bytes::copy_from_slice(key);
        let request = pdpb::GetRegionRequest {
            header: Some(self.header()),
            region_key,
            ..pdpb::GetRegionRequest::default()
        };
        let call = self.anybody(ctx, "/pdpb.PD/GetRegion", &request);
        let response: pdpb::GetRegionResponse = frame("pd.GetRegion", call).await?;
        self.checked(response.header.as_ref())?;
        let leader = led_by(response.leader);
        Ok(response.region.map(|region| (region, leader)))
    }

    /// The regions from `start` on, `limit` at most; a follower may answer.
    pub async fn scan(&self, ctx: &Ctx, start: &[u8], limit: i32) -> Result<Vec<RegionAndLeader>, Status> {
        let start_key = Bytes::copy_from_slice(start);
        let request = pdpb::ScanRegionsRequest {
            header: Some(self.header()),
            start_key,
            limit,
            ..pdpb::ScanRegionsRequest::default()
        };
        let call = self.anybody(ctx, "/pdpb.PD/ScanRegions", &request);
        let response: pdpb::ScanRegionsResponse = frame("pd.ScanRegions", call).await?;
        self.checked(response.header.as_ref())?;
        Ok(scanned(response))
    }

    /// Every store.
    pub async fn stores(&self, ctx: &Ctx) -> Result<Vec<metapb::Store>, Status> {
        let request =
            pdpb::GetAllStoresRequest { header: Some(self.header()), exclude_tombstone_stores: true };
        let call = self.leader(ctx, "/pdpb.PD/GetAllStores", &request);
        let response: pdpb::GetAllStoresResponse = frame("pd.GetAllStores", call).await?;
        self.checked(response.header.as_ref())?;
        Ok(response.stores)
    }

    /// The store with this id.
    pub async fn store(&self, ctx: &Ctx, id: u64) -> Result<Option<metapb::Store>, Status> {
        let request = pdpb::GetStoreRequest { header: Some(self.header()), store_id: id };
        let call = self.leader(ctx, "/pdpb.PD/GetStore", &request);
        let response: pdpb::GetStoreResponse = frame("pd.GetStore", call).await?;
        self.checked(response.header.as_ref())?;
        Ok(response.store)
    }

    /// How many members there are.
    pub async fn members(&self, ctx: &Ctx) -> Result<usize, Status> {
        let request = pdpb::GetMembersRequest { header: Some(self.header()) };
        let call = self.leader(ctx, "/pdpb.PD/GetMembers", &request);
        let response: pdpb::GetMembersResponse = frame("pd.GetAllMembers", call).await?;
        self.checked(response.header.as_ref())?;
        Ok(response.members.len())
    }

    /// Sets a rule that labels regions, over HTTP.
    pub async fn set_label_rule(&self, ctx: &Ctx, rule: &str) -> Result<(), HttpError> {
        let path = "/pd/api/v1/config/region-label/rule";
        let call = Box::pin(self.0.http.request(ctx, &Method::POST, path, rule));
        frame("pdhttp.SetRegionLabelRule", call).await.map(|_| ())
    }

    fn header(&self) -> pdpb::RequestHeader {
        pdpb::RequestHeader { cluster_id: self.0.discovery.cluster_id(), ..pdpb::RequestHeader::default() }
    }

    /// The members take turns. If one fails the leader is asked.
    async fn anybody<Req: Message, Resp: Message + Default>(
        &self,
        ctx: &Ctx,
        method: &'static str,
        request: &Req,
    ) -> Result<Resp, Status> {
        let members = self.0.discovery.members();
        let turn = self.0.turn.fetch_add(1, Ordering::Relaxed);
        if let Some(member) = members.get(turn % members.len().max(1)) {
            let allowed = ctx.with_metadata(FOLLOWER_MAY, "");
            let conn = self.0.discovery.conn(*member);
            if let Ok(response) = self.call(&allowed, &conn, method, request).await {
                return Ok(response);
            }
        }
        self.leader(ctx, method, request).await
    }

    /// The leader answers, or a follower passes the question on to it. After an error the next look for the leader is soon.
    async fn leader<Req: Message, Resp: Message + Default>(
        &self,
        ctx: &Ctx,
        method: &'static str,
        request: &Req,
    ) -> Result<Resp, Status> {
        let (conn, ctx) = self.0.discovery.serving(ctx).await?;
        let answer = self.call(&ctx, &conn, method, request).await;
        if answer.is_err() {
            self.0.discovery.schedule_check();
        }
        answer
    }

    async fn call<Req: Message, Resp: Message + Default>(
        &self,
        ctx: &Ctx,
        conn: &ClientConn,
        method: &'static str,
        request: &Req,
    ) -> Result<Resp, Status> {
        let limited = ctx.with_timeout(self.0.limit);
        let _released = limited.cancel_on_drop();
        // boxed, because every caller's future would hold it else
        Box::pin(conn.unary(&limited, method, request)).await
    }

    fn checked(&self, header: Option<&pdpb::ResponseHeader>) -> Result<(), Status> {
        let Some(error) = header.and_then(|header| header.error.as_ref()) else { return Ok(()) };
        self.0.discovery.schedule_check();
        Err(Status::unknown(format!("[pd] {:?}: {}", error.r#type(), error.message)))
    }
}
