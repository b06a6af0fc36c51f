//! Whether a store takes a request for a region, and what it answers where it does not.

use super::State;
use super::region::Region;
use crate::proto::{errorpb, kvrpcpb, metapb};

/// Boxed: an error has room for every detail, a success needs none.
pub(crate) type Refused = Box<errorpb::Error>;

/// Which of a region's peers carry a command out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peers {
    /// The leader.
    Leader,
    /// The leader; and the others, where the request asks for a replica or stale read.
    AsAsked,
    /// All of them, as long as they know the leader.
    Any,
}

/// Regions in an error besides the one that the request names.
const SIBLINGS: usize = 10;

impl State {
    /// The region that a request names, if this store may carry it out and knows the region in the same shape.
    ///
    /// The order of the checks is the raft store's.
    pub(crate) fn admit(
        &self,
        store: u64,
        context: &kvrpcpb::Context,
        peers: Peers,
    ) -> Result<&Region, Refused> {
        // a request that names no peer names the peer 0 on store 0
        let asked = context.peer.unwrap_or_default();
        if asked.store_id != store {
            return Err(store_not_match(asked.store_id, store));
        }
        let region = self.region_on(store, context.region_id)?;
        let ours = region.peer_on(store).map_or(0, |peer| peer.id);
        if asked.id != ours {
            return Err(mismatch_peer_id(asked.id, ours));
        }
        let leader = region.group.leader();
        let may = match peers {
            Peers::Leader => leader == Some(store),
            // what is stale needs no leader; what is not, follows an index that only a leader can give
            Peers::AsAsked if context.stale_read => true,
            Peers::AsAsked if !context.replica_read => leader == Some(store),
            Peers::AsAsked | Peers::Any => leader.is_some(),
        };
        if !may {
            return Err(not_leader(region));
        }
        // a request may be one term behind: that term's leader can be the same
        if context.term != 0 && region.group.term() > context.term.saturating_add(1) {
            return Err(stale_command());
        }
        // reads and writes of keys do not care which peers there are
        let version = context.region_epoch.unwrap_or_default().version;
        if version != region.version() {
            return Err(self.epoch_not_match(store, region, context.region_epoch.as_ref()));
        }
        Ok(region)
    }

    /// The region as it is now, and those of the store's that have split off it since the client looked.
    ///
    /// As the raft store counts them: each split has added one to the version, and the parts stand before the region.
    fn epoch_not_match(&self, store: u64, region: &Region, asked: Option<&metapb::RegionEpoch>) -> Refused {
        let mut refused = epoch_not_match(region, asked);
        let mut version = region.version();
        let mut missing = version.saturating_sub(asked.map_or(0, |epoch| epoch.version));
        let before = self.regions.before_start(&region.meta.start_key);
        let siblings = before.filter(|other| other.peer_on(store).is_some()).take(SIBLINGS);
        if let Some(error) = &mut refused.epoch_not_match {
            for other in siblings {
                if missing == 0 {
                    break;
                }
                // a sibling may itself have split since
                missing = missing - 1 + other.version().saturating_sub(version);
                version = version.max(other.version());
                error.current_regions.push(other.meta.clone());
            }
        }
        refused
    }

    /// The region, if the store has a peer of it.
    pub(crate) fn region_on(&self, store: u64, id: u64) -> Result<&Region, Refused> {
        self.regions
            .by_id(id)
            .filter(|region| region.peer_on(store).is_some())
            .ok_or_else(|| region_not_found(id))
    }
}

/// Whether the client knows the region in its present shape, with its present peers.
pub(crate) fn same_epoch(region: &Region, asked: Option<&metapb::RegionEpoch>) -> Result<(), Refused> {
    let same = region.meta.region_epoch == Some(asked.copied().unwrap_or_default());
    if same { Ok(()) } else { Err(epoch_not_match(region, asked)) }
}

/// Whether a key lies in the region.
pub(crate) fn in_region(region: &Region, key: &bytes::Bytes) -> Result<(), Refused> {
    if region.contains(key) { Ok(()) } else { Err(key_not_in_region(region, key)) }
}

fn refused(message: String) -> Refused {
    Box::new(errorpb::Error { message, ..Default::default() })
}
fn store_not_match(request_store_id: u64, actual_store_id: u64) -> Refused {
    let mut e = refused(format!("to store id {request_store_id}, mine {actual_store_id}"));
    e.store_not_match = Some(errorpb::StoreNotMatch { request_store_id, actual_store_id });
    e
}
fn region_not_found(region_id: u64) -> Refused {
    let mut e = refused(format!("region {region_id} not found"));
    e.region_not_found = Some(errorpb::RegionNotFound { region_id });
    e
}
pub(crate) fn not_leader(region: &Region) -> Refused {
    let (region_id, leader) = (region.meta.id, region.leader().copied());
    let may = leader.map_or("None".into(), |peer| format!("Some({})", peer_words(&peer)));
    let mut e = refused(format!("peer is not leader for region {region_id}, leader may {may}"));
    e.not_leader = Some(errorpb::NotLeader { region_id, leader });
    e
}
/// As the raft store prints a message.
fn peer_words(peer: &metapb::Peer) -> String {
    format!("id: {} store_id: {}", peer.id, peer.store_id)
}
fn epoch_words(epoch: Option<&metapb::RegionEpoch>) -> String {
    let metapb::RegionEpoch { conf_ver, version } = epoch.copied().unwrap_or_default();
    format!("conf_ver: {conf_ver} version: {version}")
}
fn mismatch_peer_id(request_peer_id: u64, store_peer_id: u64) -> Refused {
    let mut e = refused(format!("mismatch peer id {request_peer_id} != {store_peer_id}"));
    e.mismatch_peer_id = Some(errorpb::MismatchPeerId { request_peer_id, store_peer_id });
    e
}
fn stale_command() -> Refused {
    let mut e = refused("stale command".into());
    e.stale_command = Some(errorpb::StaleCommand {});
    e
}
fn epoch_not_match(region: &Region, asked: Option<&metapb::RegionEpoch>) -> Refused {
    let (ours, asked) = (epoch_words(region.meta.region_epoch.as_ref()), epoch_words(asked));
    let id = region.meta.id;
    let mut e =
        refused(format!("EpochNotMatch current epoch of region {id} is {ours}, but you sent {asked}"));
    e.epoch_not_match = Some(errorpb::EpochNotMatch { current_regions: vec![region.meta.clone()] });
    e
}
/// A change of so many bytes is more than raft takes in one entry.
pub(crate) fn raft_entry_too_large(region: &Region, entry_size: u64) -> Refused {
    let region_id = region.meta.id;
    let mut e = refused(format!("raft entry is too large, region {region_id}, entry size {entry_size}"));
    e.raft_entry_too_large = Some(errorpb::RaftEntryTooLarge { region_id, entry_size });
    e
}
pub(crate) fn key_not_in_region(region: &Region, key: &bytes::Bytes) -> Refused {
    let metapb::Region { id: region_id, start_key, end_key, .. } = &region.meta;
    let region_id = *region_id;
    let mut e = refused(format!(
        "key {key:X} is not in region key range [{start_key:X}, {end_key:X}) for region {region_id}"
    ));
    e.key_not_in_region = Some(errorpb::KeyNotInRegion {
        key: key.clone(),
        region_id,
        start_key: region.meta.start_key.clone(),
        end_key: region.meta.end_key.clone(),
    });
    e
}
