//! Raw keys, in column families, some with an end of life.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included, Unbounded};

use bytes::Bytes;

/// A column family that raw keys may lie in. Clients see no other difference between them than the name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cf {
    #[default]
    Default,
    Lock,
    Write,
}

/// A value, and when it ends to be there.
#[derive(Clone, Debug)]
struct Entry {
    value: Bytes,
    /// In seconds since 1970; `None`: never.
    expires: Option<u64>,
}

impl Entry {
    fn lives(&self, now: u64) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }
}

/// Raw keys and their values, of the whole cluster. Times are seconds since 1970; what has expired is not there.
#[derive(Debug, Default)]
pub(crate) struct Raw {
    families: BTreeMap<Cf, BTreeMap<Bytes, Entry>>,
    /// The most keys that were ever there at a time.
    most: u64,
}

impl Raw {
    pub(crate) fn get(&self, cf: Cf, key: &[u8], now: u64) -> Option<&Bytes> {
        self.entry(cf, key, now).map(|entry| &entry.value)
    }

    /// How many seconds a key has left: 0 where it never expires. `None` where it is not there.
    pub(crate) fn ttl(&self, cf: Cf, key: &[u8], now: u64) -> Option<u64> {
        self.entry(cf, key, now).map(|entry| entry.expires.map_or(0, |expires| expires - now))
    }

    fn entry(&self, cf: Cf, key: &[u8], now: u64) -> Option<&Entry> {
        self.families.get(&cf)?.get(key).filter(|entry| entry.lives(now))
    }

    /// Puts a value that expires at a time, if at all.
    ///
    /// Both are copied: what a request brought shares one buffer, which would live as long as its last key.
    pub(crate) fn put(&mut self, cf: Cf, key: &[u8], value: &[u8], expires: Option<u64>) {
        let entry = Entry { value: Bytes::copy_from_slice(value), expires };
        let family = self.families.entry(cf).or_default();
        match family.get_mut(key) {
            Some(old) => *old = entry,
            None => drop(family.insert(Bytes::copy_from_slice(key), entry)),
        }
        let now: usize = self.families.values().map(BTreeMap::len).sum();
        self.most = self.most.max(now as u64);
    }

    /// The most keys that were ever there at a time, expired ones that nobody has cleared away among them.
    pub(crate) fn most(&self) -> u64 {
        self.most
    }

    pub(crate) fn delete(&mut self, cf: Cf, key: &[u8]) {
        if let Some(family) = self.families.get_mut(&cf) {
            family.remove(key);
        }
    }

    /// Deletes the keys from `start`, inclusive, to `end`, exclusive; an empty end is the end of the key space.
    pub(crate) fn delete_range(&mut self, cf: Cf, start: &[u8], end: &[u8]) {
        let keys: Vec<Bytes> = self.range(cf, start, end, None).map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.delete(cf, &key);
        }
    }

    /// Deletes a range in every column family.
    pub(crate) fn destroy_range(&mut self, start: &[u8], end: &[u8]) {
        for cf in [Cf::Default, Cf::Lock, Cf::Write] {
            self.delete_range(cf, start, end);
        }
    }

    /// Keys and values from `start`, inclusive, to `end`, exclusive; an empty end is the end of the key space.
    pub(crate) fn scan<'a>(
        &'a self,
        cf: Cf,
        start: &'a [u8],
        end: &'a [u8],
        now: u64,
    ) -> impl DoubleEndedIterator<Item = (&'a Bytes, &'a Bytes)> {
        self.range(cf, start, end, Some(now)).map(|(key, entry)| (key, &entry.value))
    }

    /// The entries of a range, without those that have expired by then.
    fn range<'a>(
        &'a self,
        cf: Cf,
        start: &'a [u8],
        end: &'a [u8],
        now: Option<u64>,
    ) -> impl DoubleEndedIterator<Item = (&'a Bytes, &'a Entry)> {
        let to = if end.is_empty() { Unbounded } else { Excluded(end) };
        // a map panics where a range ends before it starts
        let family = self.families.get(&cf).filter(|_| end.is_empty() || start < end);
        let entries = family.map(|family| family.range::<[u8], _>((Included(start), to)));
        entries.into_iter().flatten().filter(move |(_, entry)| now.is_none_or(|now| entry.lives(now)))
    }
}
