//! `UnsafeDestroyRange`.

use crate::kv::command::{OnStore, store_command};
use crate::proto::kvrpcpb::{UnsafeDestroyRangeRequest, UnsafeDestroyRangeResponse};

store_command! { UnsafeDestroyRangeRequest as "UnsafeDestroyRange" -> UnsafeDestroyRangeResponse; run }

/// Clients ask every store; here the first of them does it for all, which hold the same.
fn run(asked: &UnsafeDestroyRangeRequest, on: &mut OnStore<'_>) -> UnsafeDestroyRangeResponse {
    on.storage.mvcc.destroy(&asked.start_key, &asked.end_key);
    UnsafeDestroyRangeResponse::default()
}
