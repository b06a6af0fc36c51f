//! What an action changes, all or nothing.

use bytes::Bytes;

use super::lock::Lock;
use super::write::{Kind, Write};
use super::{Mvcc, Ts};
use crate::storage::sst;

/// Changes that are not carried out yet. Actions read the state from before them.
#[derive(Debug, Default)]
#[must_use = "nothing has happened yet"]
pub(crate) struct Changes(Vec<(Bytes, Change)>);

#[derive(Debug)]
enum Change {
    Lock(Box<Lock>),
    Unlock,
    Write(Ts, Write),
    Remove(Ts),
}

impl Changes {
    pub(super) fn lock(&mut self, key: &Bytes, lock: Lock) {
        self.0.push((key.clone(), Change::Lock(Box::new(lock))));
    }
    pub(super) fn unlock(&mut self, key: &Bytes) {
        self.0.push((key.clone(), Change::Unlock));
    }
    pub(super) fn write(&mut self, key: &Bytes, ts: Ts, write: Write) {
        self.0.push((key.clone(), Change::Write(ts, write)));
    }
    pub(super) fn remove(&mut self, key: &Bytes, ts: Ts) {
        self.0.push((key.clone(), Change::Remove(ts)));
    }
    /// The bytes that come with them, whatever goes.
    pub(crate) fn added(&self) -> u64 {
        let bytes = |(key, change): &(Bytes, Change)| {
            key.len()
                + match change {
                    Change::Lock(lock) => lock.bytes(),
                    Change::Write(_, write) => write.bytes(),
                    Change::Unlock | Change::Remove(_) => 0,
                }
        };
        self.0.iter().map(|change| bytes(change) as u64).sum()
    }
}

impl Mvcc {
    /// Puts a version in from outside, as if a transaction had begun and committed at this time.
    pub(crate) fn ingest(&mut self, (key, value): &sst::Change, commit_ts: Ts) {
        let kind = if value.is_some() { Kind::Put } else { Kind::Delete };
        let value = value.clone().unwrap_or_default();
        let write = Write { kind, start_ts: commit_ts, value, rolled_back: false, protected: false };
        let mut changes = Changes::default();
        changes.write(key, commit_ts, write);
        self.apply(changes);
    }

    /// Carries changes out.
    pub(crate) fn apply(&mut self, changes: Changes) {
        for (key, change) in changes.0 {
            let record = self.keys.entry(key.clone()).or_default();
            let size = key.len() as u64;
            let (came, went) = match change {
                Change::Lock(lock) => {
                    self.locked.insert(key.clone());
                    let came = lock.bytes();
                    (Some(came), record.lock.replace(*lock).map(|lock| lock.bytes()))
                }
                Change::Unlock => {
                    self.locked.remove(&key);
                    let went = record.lock.take();
                    self.released |= went.is_some();
                    (None, went.map(|lock| lock.bytes()))
                }
                Change::Write(ts, write) => {
                    let came = write.bytes();
                    self.written += u64::from(write.is_data() && !record.written);
                    record.written |= write.is_data();
                    (Some(came), record.versions.put(ts, write).map(|write| write.bytes()))
                }
                Change::Remove(ts) => (None, record.versions.remove(ts).map(|write| write.bytes())),
            };
            if record.lock.is_none() && record.versions.is_empty() {
                self.keys.remove(&key);
            }
            self.bytes += came.map_or(0, |bytes| bytes as u64 + size);
            self.bytes -= went.map_or(0, |bytes| bytes as u64 + size);
        }
    }
}
