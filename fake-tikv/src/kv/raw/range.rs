//! The part of a range that a region holds.

use bytes::Bytes;

use super::refusal::cf;
use crate::cluster::region::min_end;
use crate::kv::command::On;
use crate::proto::kvrpcpb::KvPair;

impl On<'_> {
    /// Keys and values from `start`, inclusive, to `end`, exclusive, as clients name keys, as far as the region holds
    /// them. An empty end is the region's.
    pub(super) fn pairs_within<T>(
        &self,
        family: &str,
        start: &Bytes,
        end: &Bytes,
        take: impl FnOnce(&mut dyn DoubleEndedIterator<Item = (&Bytes, &Bytes)>) -> T,
    ) -> T {
        let meta = &self.region.meta;
        // a border that is no client's key lies between two: each key tells itself on which side it is
        let (from, to) = (self.mode.client_key(&meta.start_key), self.mode.client_key(&meta.end_key));
        let odd = from.is_none() || to.is_none();
        let (from, to) = (from.unwrap_or_default().max(start.clone()), to.unwrap_or_default());
        let to = min_end(&to, end);
        let mut pairs = self
            .storage
            .raw
            .scan(cf(family).unwrap_or_default(), &from, to, self.now())
            .filter(|(key, _)| !odd || self.region.contains(&self.mode.region_key(key)));
        take(&mut pairs)
    }

    /// Up to `limit` pairs from `start` on, up or down to `end`. Upwards `start` is included and `end` is not; downwards
    /// it is the other way round.
    pub(super) fn pairs(&self, scan: &Scan<'_>, start: &Bytes, end: &Bytes) -> Vec<KvPair> {
        let pair = |(key, value): (&Bytes, &Bytes)| KvPair {
            key: key.clone(),
            value: if scan.key_only { Bytes::new() } else { value.clone() },
            error: None,
        };
        let limit = scan.limit as usize;
        if !scan.reverse {
            self.pairs_within(scan.cf, start, end, |pairs| pairs.take(limit).map(pair).collect())
        } else if start.is_empty() {
            // downwards the empty key is no end of the key space: nothing is before it
            Vec::new()
        } else {
            self.pairs_within(scan.cf, end, start, |pairs| pairs.rev().take(limit).map(pair).collect())
        }
    }
}

/// What all ranges of a request have in common.
pub(super) struct Scan<'a> {
    pub(super) cf: &'a str,
    pub(super) limit: u32,
    pub(super) key_only: bool,
    pub(super) reverse: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::State;
    use crate::spec::{Mode, Node, Spec};
    use crate::storage::Storage;
    use crate::storage::raw::Cf;

    /// A border that nobody encoded, as whoever divides regions at any bytes leaves it behind.
    #[test]
    fn a_border_that_is_no_key_divides_keys_all_the_same() {
        let spec = Spec { mode: Mode::V2, ..Spec::default() };
        let mut cluster = State::new(&spec, [(Node::Store(1), ([127, 0, 0, 1], 1).into())]);
        let id = cluster.regions.find(b"").unwrap().meta.id;
        let ids = cluster.split(id, &[Bytes::from("r\0\0\0h")]).unwrap();
        let mut storage = Storage::new(1, 0);
        for key in ["r\0\0\0a", "r\0\0\0h", "r\0\0\0z"] {
            storage.raw.put(Cf::Default, key.as_bytes(), b"", None);
        }
        let mut keys = Vec::new();
        for id in ids {
            let on = On {
                storage: &mut storage,
                region: cluster.regions.by_id(id).unwrap(),
                store: 1,
                mode: Mode::V2,
                unix_ms: 0,
                waited: std::time::Duration::ZERO,
            };
            let scan = Scan { cf: "", limit: 9, key_only: true, reverse: false };
            keys.push(on.pairs(&scan, &Bytes::from("r"), &Bytes::from("s")).len());
        }
        assert_eq!(keys, [1, 2]);
    }
}
