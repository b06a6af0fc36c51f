//! Written, not ingested: each store has its own files, by uuid.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::sst::{Disk, Sst};

/// The files of all stores. They outlive a store's process.
#[derive(Debug, Default)]
pub(crate) struct Uploads {
    files: BTreeMap<(Bytes, u64), Sst>,
    disks: BTreeMap<u64, Disk>,
    /// Until when a store is in import mode, in the clock's milliseconds.
    importing: BTreeMap<u64, u64>,
}

/// A store leaves import mode by itself after so long (import.import-mode-timeout).
const IMPORT_MODE_MS: u64 = 10 * 60 * 1000;

impl Uploads {
    /// A store's disk.
    pub(crate) fn disk(&mut self, store: u64) -> &Disk {
        self.disks.entry(store).or_default()
    }
    /// A store goes into import mode, again where it is in it, or leaves it.
    pub(crate) fn switch(&mut self, store: u64, import: bool, now: u64) {
        let until = if import { now + IMPORT_MODE_MS } else { 0 };
        self.importing.insert(store, until);
    }
    /// A store's process ends: the files stay on its disk, the mode was in its memory.
    pub(crate) fn forget_mode(&mut self, store: u64) {
        self.importing.remove(&store);
    }
    /// Whether a store is in import mode.
    pub(crate) fn imports(&self, store: u64, now: u64) -> bool {
        self.importing.get(&store).is_some_and(|until| now < *until)
    }
    /// Keeps a file. One of the same name is replaced.
    pub(crate) fn keep(&mut self, store: u64, uuid: Bytes, sst: Sst) {
        self.files.insert((uuid, store), sst);
    }
    pub(crate) fn get(&self, store: u64, uuid: &Bytes) -> Option<&Sst> {
        self.files.get(&(uuid.clone(), store))
    }
    /// Takes an ingested file away from a store, and from every other that has a copy.
    pub(crate) fn take(&mut self, store: u64, uuid: &Bytes) -> Option<Sst> {
        let taken = self.files.remove(&(uuid.clone(), store))?;
        let copies = (uuid.clone(), 0)..=(uuid.clone(), u64::MAX);
        let copies: Vec<_> = self.files.range(copies).map(|(name, _)| name.clone()).collect();
        for name in copies {
            self.files.remove(&name);
        }
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ingested_file_is_gone_from_every_store() {
        let mut uploads = Uploads::default();
        for (store, uuid) in [(1, "a"), (2, "a"), (1, "b")] {
            let sst = Sst::new(uploads.disk(store));
            uploads.keep(store, uuid.into(), sst);
        }
        assert!(uploads.take(1, &"a".into()).is_some());
        assert!(uploads.take(2, &"a".into()).is_none());
        assert!(uploads.get(1, &"b".into()).is_some());
    }
}
