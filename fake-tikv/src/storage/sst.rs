//! Sorted keys on their way in, and the space they take.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

/// What a store can hold that is not ingested yet. A bound on memory: a client that only writes meets it as a full disk.
pub(crate) const DISK: u64 = 1 << 30;

/// A store's disk. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<AtomicU64>);

/// Space taken on a disk, given back on drop.
#[derive(Debug)]
struct Space {
    disk: Disk,
    bytes: u64,
}

impl Space {
    fn take(&mut self, bytes: u64) -> bool {
        let fits = |used: u64| used.checked_add(bytes).filter(|used| *used <= DISK);
        let taken = self.disk.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok();
        self.bytes += if taken { bytes } else { 0 };
        taken
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        self.disk.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// One change of a key: its new value, or `None` where it is deleted.
pub(crate) type Change = (Bytes, Option<Bytes>);

/// Sorted keys of one region, as written by a client.
#[derive(Debug)]
pub(crate) struct Sst {
    changes: Vec<Change>,
    /// When its changes are committed, in a cluster of transactions.
    commit_ts: u64,
    space: Space,
}

/// Why a key was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WriteError {
    /// As the store's SST writer has it.
    #[error("keys must be added in strict ascending order: `{}`", .0.escape_ascii())]
    Order(Bytes),
    #[error("disk full: no space left for uploads")]
    DiskFull,
}

impl Sst {
    /// An empty file on a disk.
    pub(crate) fn new(disk: &Disk) -> Self {
        Self { changes: Vec::new(), commit_ts: 0, space: Space { disk: disk.clone(), bytes: 0 } }
    }
    pub(crate) fn push(&mut self, (key, value): Change) -> Result<(), WriteError> {
        if self.changes.last().is_some_and(|(last, _)| *last >= key) {
            return Err(WriteError::Order(key));
        }
        if !self.space.take((key.len() + value.as_ref().map_or(0, Bytes::len)) as u64) {
            return Err(WriteError::DiskFull);
        }
        self.changes.push((key, value));
        Ok(())
    }
    /// The client says so with every batch, and always the same.
    pub(crate) fn commit_at(&mut self, ts: u64) {
        self.commit_ts = ts;
    }
    pub(crate) fn commit_ts(&self) -> u64 {
        self.commit_ts
    }
    pub(crate) fn changes(&self) -> &[Change] {
        &self.changes
    }
    pub(crate) fn bytes(&self) -> u64 {
        self.space.bytes
    }
    /// The first and the last key.
    pub(crate) fn bounds(&self) -> Option<(&Bytes, &Bytes)> {
        Some((&self.changes.first()?.0, &self.changes.last()?.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_out_of_order_are_refused() {
        let mut sst = Sst::new(&Disk::default());
        sst.push(("b".into(), None)).unwrap();
        assert_eq!(sst.push(("b".into(), None)), Err(WriteError::Order("b".into())));
        assert_eq!(sst.push(("a".into(), None)), Err(WriteError::Order("a".into())));
    }

    #[test]
    fn a_full_disk_refuses_until_space_is_given_back() {
        let disk = Disk::default();
        let mut space = Space { disk: disk.clone(), bytes: 0 };
        assert!(space.take(DISK));
        let mut sst = Sst::new(&disk);
        assert_eq!(sst.push(("a".into(), None)), Err(WriteError::DiskFull));
        drop(space);
        assert_eq!(sst.push(("a".into(), None)), Ok(()));
    }
}
