//! The `Tikv` service of one store: each command alone, or many on one stream.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use tonic::{Request, Response, Status, Streaming};

use super::Store;
use super::batch::{Answered, Asked, Batches};
use crate::proto::kvrpcpb::{
    self, GetLockWaitInfoRequest, GetLockWaitInfoResponse, StoreSafeTsRequest, StoreSafeTsResponse,
    UnsafeDestroyRangeRequest, UnsafeDestroyRangeResponse,
};
use crate::proto::tikvpb::tikv_server::Tikv;
use crate::proto::tikvpb::{BatchCommandsRequest, BatchCommandsResponse};

/// The commands, each as a method of the service, as the request in a batch, and with its type; last those that come
/// alone only.
macro_rules! commands {
    (
        $($method:ident, $in_batch:ident, $request:ident -> $answer:ident;)*
        [alone] $($alone:ident, $alone_request:ident -> $alone_answer:ident;)*
    ) => {
        #[tonic::async_trait]
        impl Tikv for Arc<Store> {
            $(async fn $method(
                &self,
                request: Request<kvrpcpb::$request>,
            ) -> Result<Response<kvrpcpb::$answer>, Status> {
                self.carry_out(request.into_inner()).await.map(Response::new)
            })*
            $(async fn $alone(
                &self,
                request: Request<kvrpcpb::$alone_request>,
            ) -> Result<Response<kvrpcpb::$alone_answer>, Status> {
                self.carry_out(request.into_inner()).await.map(Response::new)
            })*

            async fn batch_commands(
                &self,
                request: Request<Streaming<BatchCommandsRequest>>,
            ) -> Result<Response<BoxStream<'static, Result<BatchCommandsResponse, Status>>>, Status> {
                Ok(Response::new(Batches::new(self.clone(), request.into_inner()).boxed()))
            }
            async fn unsafe_destroy_range(
                &self,
                request: Request<UnsafeDestroyRangeRequest>,
            ) -> Result<Response<UnsafeDestroyRangeResponse>, Status> {
                Ok(Response::new(self.destroy_range(request.get_ref())))
            }
            async fn split_region(
                &self,
                request: Request<kvrpcpb::SplitRegionRequest>,
            ) -> Result<Response<kvrpcpb::SplitRegionResponse>, Status> {
                Store::split_region(self, request.into_inner()).await.map(Response::new)
            }
            async fn get_store_safe_ts(
                &self,
                _: Request<StoreSafeTsRequest>,
            ) -> Result<Response<StoreSafeTsResponse>, Status> {
                Ok(Response::new(self.safe_ts()))
            }
            async fn get_lock_wait_info(
                &self,
                _: Request<GetLockWaitInfoRequest>,
            ) -> Result<Response<GetLockWaitInfoResponse>, Status> {
                Ok(Response::new(self.lock_waits()))
            }
        }

        impl Store {
            /// Carries out one command of a batch.
            pub(super) fn in_batch(
                self: &Arc<Self>,
                request: Asked,
            ) -> BoxFuture<'static, Result<Answered, Status>> {
                let store = self.clone();
                match request {
                    $(Asked::$in_batch(command) => Box::pin(async move {
                        store.carry_out_in_batch(command).await.map(Answered::$in_batch)
                    }),)*
                    Asked::Empty(empty) => Box::pin(async move { Ok(super::batch::empty(empty).await) }),
                }
            }
        }
    };
}

commands! {
    kv_get, Get, GetRequest -> GetResponse;
    kv_batch_get, BatchGet, BatchGetRequest -> BatchGetResponse;
    kv_scan, Scan, ScanRequest -> ScanResponse;
    kv_prewrite, Prewrite, PrewriteRequest -> PrewriteResponse;
    kv_commit, Commit, CommitRequest -> CommitResponse;
    kv_batch_rollback, BatchRollback, BatchRollbackRequest -> BatchRollbackResponse;
    kv_cleanup, Cleanup, CleanupRequest -> CleanupResponse;
    kv_check_txn_status, CheckTxnStatus, CheckTxnStatusRequest -> CheckTxnStatusResponse;
    kv_resolve_lock, ResolveLock, ResolveLockRequest -> ResolveLockResponse;
    kv_scan_lock, ScanLock, ScanLockRequest -> ScanLockResponse;
    kv_pessimistic_lock, PessimisticLock, PessimisticLockRequest -> PessimisticLockResponse;
    kv_pessimistic_rollback, PessimisticRollback, PessimisticRollbackRequest -> PessimisticRollbackResponse;
    kv_check_secondary_locks, CheckSecondaryLocks, CheckSecondaryLocksRequest -> CheckSecondaryLocksResponse;
    kv_gc, Gc, GcRequest -> GcResponse;
    kv_delete_range, DeleteRange, DeleteRangeRequest -> DeleteRangeResponse;
    kv_txn_heart_beat, TxnHeartBeat, TxnHeartBeatRequest -> TxnHeartBeatResponse;
    raw_get, RawGet, RawGetRequest -> RawGetResponse;
    raw_batch_get, RawBatchGet, RawBatchGetRequest -> RawBatchGetResponse;
    raw_put, RawPut, RawPutRequest -> RawPutResponse;
    raw_batch_put, RawBatchPut, RawBatchPutRequest -> RawBatchPutResponse;
    raw_delete, RawDelete, RawDeleteRequest -> RawDeleteResponse;
    raw_batch_delete, RawBatchDelete, RawBatchDeleteRequest -> RawBatchDeleteResponse;
    raw_scan, RawScan, RawScanRequest -> RawScanResponse;
    raw_batch_scan, RawBatchScan, RawBatchScanRequest -> RawBatchScanResponse;
    raw_delete_range, RawDeleteRange, RawDeleteRangeRequest -> RawDeleteRangeResponse;

    [alone]
    mvcc_get_by_key, MvccGetByKeyRequest -> MvccGetByKeyResponse;
    mvcc_get_by_start_ts, MvccGetByStartTsRequest -> MvccGetByStartTsResponse;
    raw_get_key_ttl, RawGetKeyTtlRequest -> RawGetKeyTtlResponse;
    raw_compare_and_swap, RawCasRequest -> RawCasResponse;
    raw_checksum, RawChecksumRequest -> RawChecksumResponse;
    read_index, ReadIndexRequest -> ReadIndexResponse;
}
