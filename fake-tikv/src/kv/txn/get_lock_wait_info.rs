//! `GetLockWaitInfo`.

use crate::kv::command::{OnStore, store_command};
use crate::kv::txn::wire::wait_entry;
use crate::proto::kvrpcpb::{GetLockWaitInfoRequest, GetLockWaitInfoResponse};

store_command! { GetLockWaitInfoRequest as "GetLockWaitInfo" -> GetLockWaitInfoResponse; run }

/// Of the requests that wait at this store.
fn run(_: &GetLockWaitInfoRequest, on: &mut OnStore<'_>) -> GetLockWaitInfoResponse {
    let here = on.storage.mvcc.waiting(on.unix_ms).filter(|wait| wait.store == on.store);
    GetLockWaitInfoResponse {
        entries: here.map(|wait| wait_entry(wait, on.unix_ms)).collect(),
        ..Default::default()
    }
}
