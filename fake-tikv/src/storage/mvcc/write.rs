//! The versions of a key.

use bytes::Bytes;

use super::Ts;

/// What a version does to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Put,
    Delete,
    /// Nothing: the transaction only locked it.
    Lock,
    /// Nothing: the transaction that began at this timestamp is rolled back, and stays so.
    Rollback,
}

/// One version: what a transaction has done to the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) kind: Kind,
    pub(crate) start_ts: Ts,
    /// The value of a `Put`.
    pub(crate) value: Bytes,
    /// It also stands for the rollback of the transaction that began at its commit timestamp.
    pub(crate) rolled_back: bool,
    /// A rollback that no later one may replace.
    pub(crate) protected: bool,
}

impl Write {
    pub(crate) fn rollback(start_ts: Ts, protected: bool) -> Self {
        Self { kind: Kind::Rollback, start_ts, value: Bytes::new(), rolled_back: false, protected }
    }
    /// Whether readers see it.
    pub(crate) fn is_data(&self) -> bool {
        matches!(self.kind, Kind::Put | Kind::Delete)
    }
    /// Whether it says that the transaction that began when it was committed is rolled back.
    pub(crate) fn rolls_back(&self) -> bool {
        self.kind == Kind::Rollback || self.rolled_back
    }
    pub(super) fn bytes(&self) -> usize {
        size_of::<(Ts, Self)>() + self.value.len()
    }
}

/// Versions by commit timestamp, a rollback's being the start of its transaction. A vector: most keys have few, and most
/// versions come last.
#[derive(Debug, Default)]
pub(super) struct Versions(Vec<(Ts, Write)>);

impl Versions {
    /// Puts one in; returns what it replaced.
    pub(super) fn put(&mut self, ts: Ts, write: Write) -> Option<Write> {
        match self.0.binary_search_by_key(&ts, |(ts, _)| *ts) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, write)),
            Err(at) => {
                self.0.insert(at, (ts, write));
                None
            }
        }
    }
    pub(super) fn remove(&mut self, ts: Ts) -> Option<Write> {
        let at = self.0.binary_search_by_key(&ts, |(ts, _)| *ts).ok()?;
        Some(self.0.remove(at).1)
    }
    /// Latest first, none later than `from`.
    pub(super) fn down_from(&self, from: Ts) -> impl Iterator<Item = (Ts, &Write)> {
        let end = self.0.partition_point(|(ts, _)| *ts <= from);
        self.0[..end].iter().rev().map(|(ts, write)| (*ts, write))
    }
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
