//! The `Tikv` service of one store: each command alone, or many on one stream.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tonic::{Request, Response, Status};

use super::Store;
use crate::proto::kvrpcpb;
use crate::proto::tikvpb::tikv_server::Tikv;
use crate::proto::tikvpb::{batch_commands_request, batch_commands_response};

/// The commands, each as a method of the service, as the request in a batch where it can be in one, and with its type.
macro_rules! commands {
    (
        batched { $($method:ident, $in_batch:ident, $request:ident -> $answer:ident;)* }
        alone { $($single:ident, $ask:ident -> $reply:ident;)* }
        whole_store { $($whole:ident, $asked:ident -> $answered:ident;)* }
    ) => {
        #[tonic::async_trait]
        impl Tikv for Arc<Store> {
            $(async fn $method(
                &self,
                request: Request<kvrpcpb::$request>,
            ) -> Result<Response<kvrpcpb::$answer>, Status> {
                self.carry_out(request.into_inner()).await.map(Response::new)
            })*
            $(async fn $single(
                &self,
                request: Request<kvrpcpb::$ask>,
            ) -> Result<Response<kvrpcpb::$reply>, Status> {
                self.carry_out(request.into_inner()).await.map(Response::new)
            })*
            $(async fn $whole(
                &self,
                request: Request<kvrpcpb::$asked>,
            ) -> Result<Response<kvrpcpb::$answered>, Status> {
                self.carry_out_whole(request.into_inner()).await.map(Response::new)
            })*
        }

        impl Store {
            /// Carries out one command of a batch.
            #[expect(dead_code, reason = "no batches yet")]
            pub(super) fn in_batch(
                self: &Arc<Self>,
                request: batch_commands_request::request::Cmd,
            ) -> BoxFuture<'static, Result<batch_commands_response::response::Cmd, Status>> {
                use batch_commands_request::request::Cmd as Asked;
                use batch_commands_response::response::Cmd as Answered;
                let store = self.clone();
                match request {
                    $(Asked::$in_batch(command) => Box::pin(async move {
                        Ok(Answered::$in_batch(store.carry_out(command).await?))
                    }),)*
                    _ => Box::pin(async { Err(Status::unimplemented("not a command that this store knows")) }),
                }
            }
        }
    };
}

commands! {
    batched {
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
        raw_put, RawPut, RawPutRequest -> RawPutResponse;
    }
    alone {
        mvcc_get_by_key, MvccGetByKeyRequest -> MvccGetByKeyResponse;
        mvcc_get_by_start_ts, MvccGetByStartTsRequest -> MvccGetByStartTsResponse;
    }
    whole_store {
        unsafe_destroy_range, UnsafeDestroyRangeRequest -> UnsafeDestroyRangeResponse;
        get_lock_wait_info, GetLockWaitInfoRequest -> GetLockWaitInfoResponse;
    }
}
