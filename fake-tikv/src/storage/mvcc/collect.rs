//! Versions that nobody reads any more, and ranges that nobody wants any more.

use bytes::Bytes;

use super::changes::Changes;
use super::write::Kind;
use super::{Mvcc, Ts};

impl Mvcc {
    /// Removes from a range what nobody sees who reads at the safe point or later.
    pub(crate) fn collect(&mut self, start: &[u8], end: &[u8], safe_point: Ts) {
        let mut changes = Changes::default();
        for (key, record) in self.range(start, end) {
            let mut seen = false;
            for (ts, write) in record.versions.down_from(safe_point) {
                let keep = !seen && write.kind == Kind::Put;
                seen |= write.is_data();
                if !keep {
                    changes.remove(key, ts);
                }
            }
        }
        self.apply(changes);
    }

    /// Removes a range with all its versions and locks.
    pub(crate) fn destroy(&mut self, start: &[u8], end: &[u8]) {
        let mut changes = Changes::default();
        for (key, record) in self.range(start, end) {
            if record.lock.is_some() {
                changes.unlock(key);
            }
            for (ts, _) in record.versions.down_from(Ts::MAX) {
                changes.remove(key, ts);
            }
        }
        self.apply(changes);
    }

    /// The first key of a range that a transaction has locked or written.
    pub(crate) fn touched_by(&self, start: &[u8], end: &[u8], start_ts: Ts) -> Option<Bytes> {
        let touched = |record: &super::Record| {
            record.lock.as_ref().is_some_and(|lock| lock.start_ts == start_ts)
                || record.versions.down_from(Ts::MAX).any(|(_, write)| write.start_ts == start_ts)
        };
        self.range(start, end).find(|(_, record)| touched(record)).map(|(key, _)| key.clone())
    }
}
