//! What is known of regions: by key, with the peer that is thought to lead. Pure state; the sender fills it.

use std::collections::BTreeMap;
use std::ops::Bound::{Included, Unbounded};

use bytes::Bytes;
use fake_tikv::proto::metapb;

/// A region as it was when it was looked up.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Region {
    pub(super) id: u64,
    /// In the client's keys; an empty end is the end of all keys.
    pub(super) start: Bytes,
    pub(super) end: Bytes,
    pub(super) epoch: metapb::RegionEpoch,
    pub(super) peers: Vec<Peer>,
    /// The peer that requests go to first.
    pub(super) leader: usize,
}

/// A peer, and the epoch of its store when the region was looked up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Peer {
    pub(super) peer: metapb::Peer,
    /// A store's epoch grows when it fails: then what is known of its regions is out of date.
    pub(super) store_epoch: u32,
}

/// The regions by their start keys; no two of them overlap.
#[derive(Debug, Default)]
pub(super) struct Cache {
    regions: BTreeMap<Bytes, Region>,
}

impl Region {
    pub(super) fn contains(&self, key: &[u8]) -> bool {
        self.start <= key && (self.end.is_empty() || key < &self.end[..])
    }
    /// Where `peer` stands among the peers.
    pub(super) fn place(&self, peer: &metapb::Peer) -> Option<usize> {
        self.peers.iter().position(|of| of.peer.id == peer.id && of.peer.store_id == peer.store_id)
    }
    fn is(&self, other: &Self) -> bool {
        self.id == other.id && self.epoch == other.epoch
    }
    fn overlaps(&self, other: &Self) -> bool {
        (self.end.is_empty() || other.start < self.end) && (other.end.is_empty() || self.start < other.end)
    }
}

impl Cache {
    /// The region that holds `key`.
    pub(super) fn find(&self, key: &[u8]) -> Option<&Region> {
        let (_, region) = self.regions.range::<[u8], _>((Unbounded, Included(key))).next_back()?;
        region.contains(key).then_some(region)
    }
    /// Keeps a region in the place of all that it overlaps, unless one of them is newer than it.
    pub(super) fn insert(&mut self, region: Region) {
        let stale = |old: &&Region| old.overlaps(&region) && old.epoch.version > region.epoch.version;
        if self.regions.values().any(|old| stale(&old)) {
            return;
        }
        self.regions.retain(|_, old| !old.overlaps(&region));
        self.regions.insert(region.start.clone(), region);
    }
    /// Forgets a region, if it is still known as it was.
    pub(super) fn forget(&mut self, region: &Region) {
        if self.regions.get(&region.start).is_some_and(|known| known.is(region)) {
            self.regions.remove(&region.start);
        }
    }
    /// From now on requests go to this peer first, if the region is still known as it was.
    pub(super) fn lead(&mut self, region: &Region, peer: usize) {
        if let Some(known) = self.regions.get_mut(&region.start).filter(|known| known.is(region)) {
            known.leader = peer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(id: u64, version: u64, start: &'static str, end: &'static str) -> Region {
        let peer = |store_id| Peer {
            peer: metapb::Peer { id: id * 10 + store_id, store_id, ..metapb::Peer::default() },
            store_epoch: 0,
        };
        Region {
            id,
            start: start.into(),
            end: end.into(),
            epoch: metapb::RegionEpoch { conf_ver: 1, version },
            peers: vec![peer(1), peer(2), peer(3)],
            leader: 0,
        }
    }
    fn found(cache: &Cache, key: &str) -> Option<u64> {
        cache.find(key.as_bytes()).map(|region| region.id)
    }

    #[test]
    fn a_key_is_found_in_the_region_that_holds_it() {
        let mut cache = Cache::default();
        cache.insert(region(1, 1, "", "f"));
        cache.insert(region(2, 1, "m", ""));
        assert_eq!(
            ["", "e", "f", "l", "m", "z"].map(|key| found(&cache, key)),
            [Some(1), Some(1), None, None, Some(2), Some(2)]
        );
    }

    #[test]
    fn a_new_region_takes_the_place_of_all_that_it_overlaps() {
        let mut cache = Cache::default();
        cache.insert(region(1, 1, "", "m"));
        cache.insert(region(2, 1, "m", ""));
        cache.insert(region(3, 2, "f", "t"));
        assert_eq!(["a", "f", "s", "t"].map(|key| found(&cache, key)), [None, Some(3), Some(3), None]);
    }

    #[test]
    fn what_is_older_than_what_is_known_is_not_kept() {
        let mut cache = Cache::default();
        cache.insert(region(1, 5, "a", "m"));
        cache.insert(region(2, 4, "", "z"));
        assert_eq!(found(&cache, "b"), Some(1));
        assert_eq!(found(&cache, "n"), None);
    }

    #[test]
    fn a_verdict_on_a_region_that_has_changed_since_is_void() {
        let mut cache = Cache::default();
        let old = region(1, 1, "a", "m");
        cache.insert(region(1, 2, "a", "m"));
        cache.lead(&old, 2);
        cache.forget(&old);
        assert_eq!(cache.find(b"b").map(|region| region.leader), Some(0));
        let known = region(1, 2, "a", "m");
        cache.lead(&known, 2);
        assert_eq!(cache.find(b"b").map(|region| region.leader), Some(2));
        cache.forget(&known);
        assert_eq!(found(&cache, "b"), None);
    }
}
