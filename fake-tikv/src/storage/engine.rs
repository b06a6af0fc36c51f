//! What was ingested: one ordered map, which is what raft makes all peers of all regions agree on.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::sst::Change;

/// Keys and values of the whole cluster.
#[derive(Debug, Default)]
pub(crate) struct Engine {
    data: BTreeMap<Bytes, Bytes>,
}

impl Engine {
    /// Applies one change; returns the value before it.
    pub(crate) fn apply(&mut self, (key, value): &Change) -> Option<Bytes> {
        match value {
            Some(value) => self.data.insert(key.clone(), value.clone()),
            None => self.data.remove(key),
        }
    }
}
