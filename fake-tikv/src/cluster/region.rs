//! Regions in key order.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Included, Unbounded};

use bytes::Bytes;

use super::group::Group;
use crate::proto::metapb;

/// A region and the raft group of its peers, whose members are store ids.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    pub(crate) meta: metapb::Region,
    pub(crate) group: Group,
}

impl Region {
    /// The peer on a store.
    pub(crate) fn peer_on(&self, store: u64) -> Option<&metapb::Peer> {
        self.meta.peers.iter().find(|peer| peer.store_id == store)
    }
    /// The peer that leads now.
    pub(crate) fn leader(&self) -> Option<&metapb::Peer> {
        self.peer_on(self.group.leader()?)
    }
    /// The leader as PD knows it: the last one to have sent a heartbeat.
    pub(crate) fn leader_at_pd(&self) -> Option<&metapb::Peer> {
        self.peer_on(self.group.last_leader())
    }
    /// Grows whenever the region's borders change.
    pub(crate) fn version(&self) -> u64 {
        self.meta.region_epoch.map_or(0, |epoch| epoch.version)
    }
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        key >= &self.meta.start_key[..] && before_end(key, &self.meta.end_key)
    }
}

/// Whether a key lies before the end of a range, where an empty end is the end of the key space.
pub(crate) fn before_end(key: &[u8], end: &[u8]) -> bool {
    end.is_empty() || key < end
}

/// The smaller of two ends of ranges.
pub(crate) fn min_end<'a>(a: &'a Bytes, b: &'a Bytes) -> &'a Bytes {
    if before_end(a, b) && !a.is_empty() { a } else { b }
}

/// All regions. They cover the key space without a gap.
#[derive(Debug, Default)]
pub(crate) struct Regions {
    by_start: BTreeMap<Bytes, Region>,
    starts: BTreeMap<u64, Bytes>,
    /// The regions that each store has a peer of.
    on: BTreeMap<u64, BTreeSet<u64>>,
}

impl Regions {
    pub(crate) fn insert(&mut self, region: Region) {
        self.starts.insert(region.meta.id, region.meta.start_key.clone());
        for peer in &region.meta.peers {
            self.on.entry(peer.store_id).or_default().insert(region.meta.id);
        }
        self.by_start.insert(region.meta.start_key.clone(), region);
    }
    /// The region that holds a key.
    pub(crate) fn find(&self, key: &[u8]) -> Option<&Region> {
        self.by_start.range::<[u8], _>((Unbounded, Included(key))).next_back().map(|(_, region)| region)
    }
    /// The region before the one that holds a key.
    pub(crate) fn before(&self, key: &[u8]) -> Option<&Region> {
        self.before_start(&self.find(key)?.meta.start_key).next()
    }
    /// The regions before the one that starts at `start`, the nearest first.
    pub(crate) fn before_start(&self, start: &[u8]) -> impl Iterator<Item = &Region> {
        self.by_start.range::<[u8], _>((Unbounded, Excluded(start))).rev().map(|(_, region)| region)
    }
    pub(crate) fn by_id(&self, id: u64) -> Option<&Region> {
        self.by_start.get(self.starts.get(&id)?)
    }
    pub(crate) fn remove(&mut self, id: u64) -> Option<Region> {
        let region = self.by_start.remove(&self.starts.remove(&id)?)?;
        for peer in &region.meta.peers {
            self.on.entry(peer.store_id).or_default().remove(&id);
        }
        Some(region)
    }
    /// The raft group of a region.
    pub(crate) fn group_mut(&mut self, id: u64) -> Option<&mut Group> {
        self.by_start.get_mut(self.starts.get(&id)?).map(|region| &mut region.group)
    }
    /// The regions that a store has a peer of, in the order of their ids.
    pub(crate) fn on(&self, store: u64) -> impl Iterator<Item = u64> {
        self.on.get(&store).into_iter().flatten().copied()
    }
    /// How many peers a store has.
    pub(crate) fn peers_on(&self, store: u64) -> usize {
        self.on.get(&store).map_or(0, BTreeSet::len)
    }
    /// The regions that have keys between `start` and `end`, in order.
    pub(crate) fn scan<'a>(&'a self, start: &'a [u8], end: &'a [u8]) -> impl Iterator<Item = &'a Region> {
        let first = self.find(start).map_or(start, |region| &region.meta.start_key);
        self.by_start
            .range::<[u8], _>((Included(first), Unbounded))
            .map(|(_, region)| region)
            .take_while(move |region| before_end(start, end) && before_end(&region.meta.start_key, end))
    }
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Region> {
        self.by_start.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ""..d, d..m, m..""
    fn regions() -> Regions {
        let mut regions = Regions::default();
        for (id, start, end) in [(1, "", "d"), (2, "d", "m"), (3, "m", "")] {
            let meta =
                metapb::Region { id, start_key: start.into(), end_key: end.into(), ..Default::default() };
            regions.insert(Region { meta, group: Group::new(vec![1], 1) });
        }
        regions
    }
    fn id(region: Option<&Region>) -> Option<u64> {
        region.map(|region| region.meta.id)
    }

    #[test]
    fn a_key_belongs_to_the_region_that_starts_at_or_before_it() {
        let regions = regions();
        for (key, want) in [("", 1), ("c", 1), ("d", 2), ("lz", 2), ("m", 3), ("zz", 3)] {
            assert_eq!(id(regions.find(key.as_bytes())), Some(want), "{key}");
            assert!(regions.by_id(want).unwrap().contains(key.as_bytes()));
        }
        assert_eq!(id(regions.before(b"d")), Some(1));
        assert_eq!(id(regions.before(b"c")), None);
    }

    #[test]
    fn a_scan_takes_what_overlaps_and_stops_before_its_end() {
        let regions = regions();
        let scan = |start: &'static str, end: &'static str| {
            regions.scan(start.as_bytes(), end.as_bytes()).map(|r| r.meta.id).collect::<Vec<_>>()
        };
        assert_eq!(scan("", ""), [1, 2, 3]);
        assert_eq!(scan("c", "d"), [1]);
        assert_eq!(scan("c", "e"), [1, 2]);
        assert_eq!(scan("n", ""), [3]);
        assert_eq!(scan("d", "d"), [] as [u64; 0]);
        assert_eq!(scan("e", "da"), [] as [u64; 0]);
    }

    #[test]
    fn the_end_of_the_key_space_is_the_largest_end() {
        let (empty, d, m) = (Bytes::new(), Bytes::from("d"), Bytes::from("m"));
        assert_eq!(min_end(&empty, &d), "d");
        assert_eq!(min_end(&d, &empty), "d");
        assert_eq!(min_end(&m, &d), "d");
        assert_eq!(min_end(&empty, &empty), "");
    }
}
