//! `GetLockWaitInfo`: who waits for whose lock.

use super::Store;
use super::txn::wire::wait_entry;
use crate::proto::kvrpcpb::GetLockWaitInfoResponse;

impl Store {
    /// Of the requests that wait at this store.
    pub(super) fn lock_waits(&self) -> GetLockWaitInfoResponse {
        let now = self.shared.clock.unix_ms();
        let all = self.shared.lock();
        let here = all.storage.mvcc.waiting(now).filter(|wait| wait.store == self.id);
        GetLockWaitInfoResponse {
            entries: here.map(|wait| wait_entry(wait, now)).collect(),
            ..GetLockWaitInfoResponse::default()
        }
    }
}
