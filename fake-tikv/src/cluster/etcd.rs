//! PD's embedded etcd: keys with revisions, as far as PD's clients use them.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound::{Excluded, Included, Unbounded};

use bytes::Bytes;
use tokio::sync::watch;

use crate::proto::mvccpb::KeyValue;

/// Changes that a watcher can still ask for. Real ones are compacted too.
const KEPT: usize = 1000;

/// What happened to a key at a revision.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) revision: i64,
    /// The key as it is now, or as it was before it was deleted.
    pub(crate) kv: KeyValue,
    pub(crate) deleted: bool,
}

/// The keys as of the last revision, and the last changes.
#[derive(Debug)]
pub(crate) struct Etcd {
    keys: BTreeMap<Bytes, KeyValue>,
    changes: VecDeque<Change>,
    /// The oldest revision whose changes are all known.
    since: i64,
    /// The last revision.
    revision: watch::Sender<i64>,
}

impl Default for Etcd {
    fn default() -> Self {
        // an empty etcd is at revision 1
        Self { keys: BTreeMap::new(), changes: VecDeque::new(), since: 2, revision: watch::Sender::new(1) }
    }
}

impl Etcd {
    pub(crate) fn revision(&self) -> i64 {
        *self.revision.borrow()
    }
    /// Told at every change.
    pub(crate) fn watch(&self) -> watch::Receiver<i64> {
        self.revision.subscribe()
    }
    /// The keys from `key` to `end`, as etcd spells ranges: no end for the one key, a zero byte for no bound.
    pub(crate) fn range(&self, key: &[u8], end: &[u8]) -> impl Iterator<Item = &KeyValue> {
        let (from, to) = match end {
            [] => (Included(key), Included(key)),
            [0] => (Included(key), Unbounded),
            // an inverted range is an empty one
            end => (Included(key), Excluded(end.max(key))),
        };
        self.keys.range::<[u8], _>((from, to)).map(|(_, kv)| kv)
    }
    /// The keys that begin with `prefix`.
    pub(crate) fn prefixed<'a>(&'a self, prefix: &'a [u8]) -> impl Iterator<Item = &'a KeyValue> {
        let from = self.keys.range::<[u8], _>((Included(prefix), Unbounded));
        from.map(|(_, kv)| kv).take_while(move |kv| kv.key.starts_with(prefix))
    }
    /// Sets a key; returns what it was.
    pub(crate) fn put(&mut self, key: Bytes, value: Bytes, lease: i64) -> Option<KeyValue> {
        let revision = self.revision() + 1;
        let before = self.keys.get(&key).cloned();
        let kv = KeyValue {
            key: key.clone(),
            create_revision: before.as_ref().map_or(revision, |kv| kv.create_revision),
            mod_revision: revision,
            version: before.as_ref().map_or(0, |kv| kv.version) + 1,
            value,
            lease,
        };
        self.keys.insert(key, kv.clone());
        self.happened(vec![Change { revision, kv, deleted: false }]);
        before
    }
    /// Deletes the keys of a range; returns what they were.
    pub(crate) fn delete(&mut self, key: &[u8], end: &[u8]) -> Vec<KeyValue> {
        let gone: Vec<_> = self.range(key, end).cloned().collect();
        let revision = self.revision() + 1;
        for kv in &gone {
            self.keys.remove(&kv.key);
        }
        // nothing found is no change
        if !gone.is_empty() {
            self.happened(gone.iter().cloned().map(|kv| Change { revision, kv, deleted: true }).collect());
        }
        gone
    }
    /// The changes at `from` and later; the oldest revision that can be asked for where that is too old.
    pub(crate) fn changes(&self, from: i64) -> Result<impl Iterator<Item = &Change>, i64> {
        if from < self.since {
            return Err(self.since);
        }
        Ok(self.changes.iter().filter(move |change| change.revision >= from))
    }

    fn happened(&mut self, changes: Vec<Change>) {
        self.changes.extend(changes);
        while self.changes.len() > KEPT
            && let Some(forgotten) = self.changes.pop_front()
        {
            self.since = forgotten.revision + 1;
        }
        self.revision.send_modify(|revision| *revision += 1);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(keys: &[&'static str]) -> Etcd {
        let mut etcd = Etcd::default();
        for key in keys {
            etcd.put((*key).into(), "v".into(), 0);
        }
        etcd
    }
    fn found(etcd: &Etcd, key: &str, end: &str) -> Vec<String> {
        let found = etcd.range(key.as_bytes(), end.as_bytes());
        found.map(|kv| String::from_utf8_lossy(&kv.key).into_owned()).collect()
    }

    #[test]
    fn ranges_are_spelled_as_etcd_spells_them() {
        let etcd = filled(&["a", "b", "bb", "c"]);
        assert_eq!(found(&etcd, "b", ""), ["b"]);
        assert_eq!(found(&etcd, "b", "c"), ["b", "bb"]);
        assert_eq!(found(&etcd, "b", "\0"), ["b", "bb", "c"]);
        assert_eq!(found(&etcd, "\0", "\0"), ["a", "b", "bb", "c"]);
        assert_eq!(found(&etcd, "c", "a"), [] as [&str; 0]);
        assert_eq!(etcd.prefixed(b"b").count(), 2);
    }

    #[test]
    fn a_key_counts_its_versions_and_a_deleted_one_begins_anew() {
        let mut etcd = filled(&["a", "a"]);
        let kv = etcd.range(b"a", b"").next().unwrap().clone();
        assert_eq!((kv.create_revision, kv.mod_revision, kv.version, etcd.revision()), (2, 3, 2, 3));
        assert_eq!((etcd.delete(b"a", b""), etcd.delete(b"a", b"")), (vec![kv], vec![]));
        assert_eq!(etcd.revision(), 4);
        etcd.put("a".into(), "w".into(), 0);
        let kv = etcd.range(b"a", b"").next().unwrap();
        assert_eq!((kv.create_revision, kv.version), (5, 1));
    }

    #[test]
    fn changes_are_kept_for_a_while_and_those_forgotten_are_refused() {
        let mut etcd = filled(&["a", "b"]);
        etcd.delete(b"a", b"c");
        let revisions = |etcd: &Etcd, from| etcd.changes(from).map(|c| c.map(|c| c.revision).collect());
        assert_eq!(revisions(&etcd, 3), Ok(vec![3, 4, 4]));
        for _ in 0..KEPT {
            etcd.put("k".into(), "v".into(), 0);
        }
        assert_eq!(revisions(&etcd, 4), Err(5));
        assert_eq!(revisions(&etcd, 5).unwrap().len(), KEPT);
    }

    proptest! {
        #[test]
        fn any_range_is_answered(keys: Vec<Vec<u8>>, from: Vec<u8>, to: Vec<u8>) {
            let mut etcd = Etcd::default();
            for key in keys {
                etcd.put(key.into(), Bytes::new(), 0);
            }
            let n = etcd.range(&from, &to).count();
            prop_assert_eq!(etcd.delete(&from, &to).len(), n);
        }
    }
}
