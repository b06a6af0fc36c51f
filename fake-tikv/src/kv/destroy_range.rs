//! `UnsafeDestroyRange`: empties a range behind the regions' backs.
//!
//! A real store empties its own copy, and clients ask all stores. Here is one copy, gone with the first that is asked.

use super::Store;
use crate::proto::kvrpcpb::{UnsafeDestroyRangeRequest, UnsafeDestroyRangeResponse};

impl Store {
    pub(super) fn destroy_range(&self, request: &UnsafeDestroyRangeRequest) -> UnsafeDestroyRangeResponse {
        let UnsafeDestroyRangeRequest { start_key, end_key, .. } = request;
        // a real store dies of it
        if start_key.is_empty() || end_key.is_empty() {
            let error = "a range that is destroyed needs a start and an end".into();
            return UnsafeDestroyRangeResponse { error, ..UnsafeDestroyRangeResponse::default() };
        }
        let mut all = self.shared.lock();
        all.storage.raw.destroy_range(start_key, end_key);
        all.storage.mvcc.destroy(start_key, end_key);
        if all.storage.mvcc.take_released() {
            self.shared.released.notify_waiters();
        }
        UnsafeDestroyRangeResponse::default()
    }
}
