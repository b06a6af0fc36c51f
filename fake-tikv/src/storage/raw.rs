//! Raw keys.

use std::collections::BTreeMap;

use bytes::Bytes;

/// Raw keys and their values, of the whole cluster.
#[derive(Debug, Default)]
pub(crate) struct Raw {
    data: BTreeMap<Bytes, Bytes>,
}

impl Raw {
    pub(crate) fn get(&self, key: &[u8]) -> Option<&Bytes> {
        self.data.get(key)
    }
    pub(crate) fn put(&mut self, key: Bytes, value: Bytes) {
        self.data.insert(key, value);
    }
}
