//! Up to which timestamp all replicas can be read.

use super::{LOGICAL_BITS, Mvcc, Ts};

impl Mvcc {
    /// The latest timestamp at which nothing changes any more: before now, and before every transaction that holds a lock.
    ///
    /// Whoever asks may read at it, so what commits later commits after it.
    pub(crate) fn safe_ts(&mut self, unix_ms: u64) -> Ts {
        let before_now = (unix_ms << LOGICAL_BITS).saturating_sub(1);
        let before_locks = self.locks(b"", b"").map(|(_, lock)| lock.start_ts.saturating_sub(1));
        let safe = before_locks.fold(before_now, Ts::min);
        self.read_at(safe);
        safe
    }
}
