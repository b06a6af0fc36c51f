//! `GetLockWaitInfo`: who waits for whose lock.

use super::Store;
use crate::proto::kvrpcpb::GetLockWaitInfoResponse;

impl Store {
    #[expect(clippy::unused_self, reason = "no transactions yet")]
    pub(super) fn lock_waits(&self) -> GetLockWaitInfoResponse {
        GetLockWaitInfoResponse::default()
    }
}
