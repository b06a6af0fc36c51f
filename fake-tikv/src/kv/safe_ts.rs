//! `GetStoreSafeTS`: up to which timestamp all replicas of a store can be read.

use super::Store;
use crate::proto::kvrpcpb::StoreSafeTsResponse;

/// Bits of a timestamp below its milliseconds.
const LOGICAL_BITS: u32 = 18;

impl Store {
    /// Just before this millisecond: every peer here has whatever was committed.
    pub(super) fn safe_ts(&self) -> StoreSafeTsResponse {
        StoreSafeTsResponse { safe_ts: (self.shared.clock.unix_ms() << LOGICAL_BITS) - 1 }
    }
}
