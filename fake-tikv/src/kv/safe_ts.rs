//! `GetStoreSafeTS`: up to which timestamp all replicas of a store can be read.

use super::Store;
use crate::proto::kvrpcpb::StoreSafeTsResponse;

impl Store {
    /// One for all stores: every peer here has whatever was committed.
    pub(super) fn safe_ts(&self) -> StoreSafeTsResponse {
        let unix_ms = self.shared.clock.unix_ms();
        StoreSafeTsResponse { safe_ts: self.shared.lock().storage.mvcc.safe_ts(unix_ms) }
    }
}
