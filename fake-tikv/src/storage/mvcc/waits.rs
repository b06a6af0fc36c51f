//! Who waits for whom, and when nobody can go on.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{Mvcc, Ts};

/// One transaction that waits for another's lock. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(crate) txn: Ts,
    /// Whose lock it is.
    pub(crate) holder: Ts,
    pub(crate) key: Bytes,
    /// What its client calls the statement.
    pub(crate) tag: Bytes,
    pub(crate) store: u64,
    pub(crate) since: u64,
    /// When it stops waiting, if it has not before.
    pub(crate) until: u64,
}

/// All that wait, by transaction and key.
///
/// A request can end unseen: its client cancels it, its store stops. So a wait counts as long as it can last, and as
/// long as its lock is there.
#[derive(Debug, Default)]
pub(crate) struct Waits(BTreeMap<(Ts, Bytes), Wait>);

impl Waits {
    /// The transaction waits for none of these keys any more.
    pub(crate) fn end<'a>(&mut self, txn: Ts, keys: impl Iterator<Item = &'a Bytes>) {
        for key in keys {
            self.0.remove(&(txn, key.clone()));
        }
    }
}

impl Mvcc {
    /// A transaction begins to wait, or goes on to, unless that closes a circle: then the circle, which ends with this wait.
    pub(crate) fn wait(&mut self, wait: Wait, now: u64) -> Result<(), Vec<Wait>> {
        self.waits.0.retain(|_, wait| wait.until >= now);
        let mut path = Vec::new();
        if self.leads_to(wait.holder, wait.txn, now, &mut path, &mut BTreeSet::new()) {
            path.push(wait);
            return Err(path);
        }
        self.waits.0.insert((wait.txn, wait.key.clone()), wait);
        Ok(())
    }

    /// All that wait now.
    pub(crate) fn waiting(&self, now: u64) -> impl Iterator<Item = &Wait> {
        self.waits.0.values().filter(move |wait| self.lasts(wait, now))
    }

    fn lasts(&self, wait: &Wait, now: u64) -> bool {
        wait.until >= now && self.own_lock(&wait.key, wait.holder).is_some()
    }

    /// Whether `from` waits, by way of others, for `to`; collects the way.
    fn leads_to(&self, from: Ts, to: Ts, now: u64, path: &mut Vec<Wait>, seen: &mut BTreeSet<Ts>) -> bool {
        if !seen.insert(from) {
            return false;
        }
        let of_from = (from, Bytes::new())..;
        for wait in self.waits.0.range(of_from).map(|(_, wait)| wait).take_while(|wait| wait.txn == from) {
            if !self.lasts(wait, now) {
                continue;
            }
            path.push(wait.clone());
            if wait.holder == to || self.leads_to(wait.holder, to, now, path, seen) {
                return true;
            }
            path.pop();
        }
        false
    }
}
