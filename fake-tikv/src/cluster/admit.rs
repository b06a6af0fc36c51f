//! Whether a store takes a request for a region, and what it answers where it does not.

use super::State;
use super::region::Region;
use crate::proto::{errorpb, kvrpcpb, metapb};

/// Boxed: an error has room for every detail, a success needs none.
pub(crate) type Refused = Box<errorpb::Error>;

impl State {
    /// The region that a request names, if this store leads it and knows it in the same shape.
    ///
    /// The order of the checks is the raft store's.
    pub(crate) fn admit(&self, store: u64, context: &kvrpcpb::Context) -> Result<&Region, Refused> {
        let asked = context.peer.as_ref();
        if let Some(other) = asked.filter(|peer| peer.store_id != store) {
            return Err(store_not_match(other.store_id, store));
        }
        let region = self.region_on(store, context.region_id)?;
        if region.group.leader() != Some(store) {
            return Err(not_leader(region));
        }
        let ours = region.peer_on(store).map_or(0, |peer| peer.id);
        if let Some(other) = asked.filter(|peer| peer.id != ours) {
            return Err(mismatch_peer_id(other.id, ours));
        }
        // a request may be one term behind: that term's leader can be the same
        if context.term != 0 && region.group.term() > context.term + 1 {
            return Err(stale_command());
        }
        same_epoch(region, context.region_epoch.as_ref())?;
        Ok(region)
    }

    /// The region, if the store has a peer of it.
    pub(crate) fn region_on(&self, store: u64, id: u64) -> Result<&Region, Refused> {
        self.regions
            .by_id(id)
            .filter(|region| region.peer_on(store).is_some())
            .ok_or_else(|| region_not_found(id))
    }
}

/// Whether the client knows the region in its present shape.
pub(crate) fn same_epoch(region: &Region, asked: Option<&metapb::RegionEpoch>) -> Result<(), Refused> {
    let asked = asked.copied().unwrap_or_default();
    if region.meta.region_epoch == Some(asked) { Ok(()) } else { Err(epoch_not_match(region)) }
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
    let mut e = refused(format!("peer is not leader for region {region_id}"));
    e.not_leader = Some(errorpb::NotLeader { region_id, leader });
    e
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
fn epoch_not_match(region: &Region) -> Refused {
    let mut e =
        refused(format!("current epoch of region {} is {:?}", region.meta.id, region.meta.region_epoch));
    e.epoch_not_match = Some(errorpb::EpochNotMatch { current_regions: vec![region.meta.clone()] });
    e
}
fn key_not_in_region(region: &Region, key: &bytes::Bytes) -> Refused {
    let region_id = region.meta.id;
    let mut e = refused(format!("key `{}` is not in region {region_id}", key.escape_ascii()));
    e.key_not_in_region = Some(errorpb::KeyNotInRegion {
        key: key.clone(),
        region_id,
        start_key: region.meta.start_key.clone(),
        end_key: region.meta.end_key.clone(),
    });
    e
}
