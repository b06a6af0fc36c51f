//! The calls of a transactional client: routed by region, repeated while a region or its store refuses.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use fake_tikv::proto::kvrpcpb::*;
use fake_tikv::proto::pdpb::{GetRegionRequest, Region, TsoRequest};
use fake_tikv::proto::tikvpb::tikv_client::TikvClient;
use fake_tikv::{Borders, Mode, Node, Spec};
use tokio::time::sleep;
use tonic::transport::Channel;

use crate::fixture::{self, Fixture};

/// A transactional cluster with borders at these keys.
pub(crate) fn spec(borders: &[&'static str]) -> Spec {
    Spec {
        mode: Mode::Txn,
        regions: borders.len() as u32 + 1,
        keys_per_region: 0,
        borders: Borders::At(borders.iter().map(|key| Bytes::from_static(key.as_bytes())).collect()),
        ..fixture::spec()
    }
}

/// The memcomparable form of a key, written a second time: what the cluster takes it for is under test.
pub(crate) fn encoded(key: &[u8]) -> Bytes {
    if key.is_empty() {
        return Bytes::new();
    }
    let mut out = Vec::new();
    for at in (0..=key.len()).step_by(8) {
        let group = &key[at..key.len().min(at + 8)];
        out.extend_from_slice(group);
        out.extend(std::iter::repeat_n(0, 8 - group.len()));
        out.push(0xff - (8 - group.len()) as u8);
    }
    out.into()
}

/// A client with connections of its own.
pub(crate) struct Client<'a> {
    pub(crate) f: &'a Fixture,
    stores: RefCell<BTreeMap<u64, TikvClient<Channel>>>,
}

impl<'a> Client<'a> {
    pub(crate) fn new(f: &'a Fixture) -> Self {
        Self { f, stores: RefCell::default() }
    }
    pub(crate) async fn ts(&self) -> u64 {
        let request = TsoRequest { count: 1, ..Default::default() };
        let requests = tokio_stream::once(request);
        let mut answers = self.f.pd_leader().await.tso(requests).await.unwrap().into_inner();
        let ts = answers.message().await.unwrap().unwrap().timestamp.unwrap();
        ((ts.physical as u64) << 18) + ts.logical as u64
    }
    pub(crate) async fn region(&self, key: &[u8]) -> Region {
        let request = GetRegionRequest { region_key: encoded(key), ..Default::default() };
        let found = self.f.pd_leader().await.get_region(request).await.unwrap().into_inner();
        Region { region: found.region, leader: found.leader, ..Default::default() }
    }
    /// Where a key's requests go, beside what else the context says.
    async fn route(&self, key: &[u8], context: Option<Context>) -> (u64, Context) {
        let region = self.region(key).await;
        let meta = region.region.unwrap();
        let store = region.leader.map_or(0, |leader| leader.store_id);
        let context = Context {
            region_id: meta.id,
            region_epoch: meta.region_epoch,
            peer: region.leader,
            ..context.unwrap_or_default()
        };
        (store, context)
    }
    pub(crate) async fn store(&self, store: u64) -> Option<TikvClient<Channel>> {
        let known = self.stores.borrow().get(&store).cloned();
        if known.is_some() {
            return known;
        }
        let client = TikvClient::new(self.f.channel(Node::Store(store)).await.ok()?);
        self.stores.borrow_mut().insert(store, client.clone());
        Some(client)
    }
}

/// How long to wait before a refused request goes out again.
const PAUSE: Duration = Duration::from_millis(50);

/// How often: far longer than an election takes.
const PATIENCE: u32 = 2_000;

macro_rules! calls {
    ($($call:ident, $method:ident, $request:ident -> $answer:ident;)*) => {
        impl Client<'_> {
            $(
                /// To the region that holds `key`.
                pub(crate) async fn $call(&self, key: &[u8], mut request: $request) -> $answer {
                    let mut refused = None;
                    for _ in 0..PATIENCE {
                        let (store, context) = self.route(key, request.context.take()).await;
                        request.context = Some(context);
                        if let Some(mut client) = self.store(store).await {
                            match client.$method(request.clone()).await.map(tonic::Response::into_inner) {
                                Ok(answer) if answer.region_error.is_none() => return answer,
                                Ok(answer) => refused = answer.region_error,
                                Err(_) => {
                                    self.stores.borrow_mut().remove(&store);
                                }
                            }
                        }
                        if let Some(context) = &mut request.context {
                            context.is_retry_request = true;
                        }
                        sleep(PAUSE).await;
                    }
                    panic!("{} is refused for ever: {refused:?}", stringify!($call));
                }
            )*
        }
    };
}

calls! {
    kv_get, kv_get, GetRequest -> GetResponse;
    kv_batch_get, kv_batch_get, BatchGetRequest -> BatchGetResponse;
    kv_scan, kv_scan, ScanRequest -> ScanResponse;
    kv_prewrite, kv_prewrite, PrewriteRequest -> PrewriteResponse;
    kv_commit, kv_commit, CommitRequest -> CommitResponse;
    kv_rollback, kv_batch_rollback, BatchRollbackRequest -> BatchRollbackResponse;
    kv_cleanup, kv_cleanup, CleanupRequest -> CleanupResponse;
    kv_check_status, kv_check_txn_status, CheckTxnStatusRequest -> CheckTxnStatusResponse;
    kv_resolve, kv_resolve_lock, ResolveLockRequest -> ResolveLockResponse;
    kv_scan_lock, kv_scan_lock, ScanLockRequest -> ScanLockResponse;
    kv_lock, kv_pessimistic_lock, PessimisticLockRequest -> PessimisticLockResponse;
    kv_give_up, kv_pessimistic_rollback, PessimisticRollbackRequest -> PessimisticRollbackResponse;
    kv_check_secondaries, kv_check_secondary_locks, CheckSecondaryLocksRequest -> CheckSecondaryLocksResponse;
    kv_gc, kv_gc, GcRequest -> GcResponse;
    kv_delete_range, kv_delete_range, DeleteRangeRequest -> DeleteRangeResponse;
    mvcc_by_key, mvcc_get_by_key, MvccGetByKeyRequest -> MvccGetByKeyResponse;
    mvcc_by_start, mvcc_get_by_start_ts, MvccGetByStartTsRequest -> MvccGetByStartTsResponse;
    kv_heart_beat, kv_txn_heart_beat, TxnHeartBeatRequest -> TxnHeartBeatResponse;
}
