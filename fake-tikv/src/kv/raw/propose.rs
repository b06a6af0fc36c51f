//! What becomes one entry of a region's log.

use crate::cluster::admit::{Refused, raft_entry_too_large};
use crate::kv::command::On;

/// TiKV's default (raftstore.raft-entry-max-size).
const MAX_ENTRY: usize = 8 << 20;
/// What an entry takes besides keys and values, for itself and for each change.
const FRAME: usize = 64;
const CHANGE: usize = 16;

impl On<'_> {
    /// Whether raft takes changes of keys and values with so many bytes each as one entry.
    pub(super) fn propose(&self, changes: impl IntoIterator<Item = usize>) -> Result<(), Refused> {
        let size = changes.into_iter().fold(FRAME, |size, change| size + change + CHANGE);
        if size > MAX_ENTRY { Err(raft_entry_too_large(self.region, size as u64)) } else { Ok(()) }
    }
}
