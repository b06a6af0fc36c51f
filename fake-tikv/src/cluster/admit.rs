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
/// A peer cannot tell yet what is there at the timestamp of a stale read.
pub(crate) fn data_is_not_ready(region: &Region, store: u64, safe_ts: u64) -> Refused {
    let (region_id, peer_id) = (region.meta.id, region.peer_on(store).map_or(0, |peer| peer.id));
    let mut e = refused(format!("peer {peer_id} is not ready, safe_ts {safe_ts}, region {region_id}"));
    e.data_is_not_ready = Some(errorpb::DataIsNotReady { region_id, peer_id, safe_ts });
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::spec::{Borders, Node, Spec};

    /// Three stores; regions ""..m, m.."".
    fn state() -> State {
        let spec = Spec { regions: 2, borders: Borders::At(vec!["m".into()]), ..Spec::default() };
        let nodes = (1..=3).map(|store| (Node::Store(store), ([127, 0, 0, 1], store as u16).into()));
        State::new(&spec, nodes)
    }
    /// What a client knows of the region that holds a key, to ask the peer on a store.
    fn context(state: &State, key: &[u8], store: u64) -> kvrpcpb::Context {
        let region = state.regions.find(key).unwrap();
        kvrpcpb::Context {
            region_id: region.meta.id,
            region_epoch: region.meta.region_epoch,
            peer: region.peer_on(store).copied(),
            ..Default::default()
        }
    }
    fn leader(state: &State, key: &[u8]) -> u64 {
        state.regions.find(key).unwrap().group.leader().unwrap()
    }
    fn refused(state: &State, store: u64, context: &kvrpcpb::Context, peers: Peers) -> errorpb::Error {
        *state.admit(store, context, peers).unwrap_err()
    }
    fn starts(error: &errorpb::Error) -> Vec<&str> {
        let regions = &error.epoch_not_match.as_ref().unwrap().current_regions;
        regions.iter().map(|region| str::from_utf8(&region.start_key).unwrap()).collect()
    }
    fn split(state: &mut State, key: &[u8], at: &[&'static str]) {
        let id = state.regions.find(key).unwrap().meta.id;
        let keys: Vec<Bytes> = at.iter().map(|key| Bytes::from(*key)).collect();
        state.split(id, &keys).unwrap();
    }

    #[test]
    fn a_client_that_missed_splits_is_told_all_the_parts() {
        let mut state = state();
        let store = leader(&state, b"a");
        let before = context(&state, b"a", store);
        split(&mut state, b"a", &["c", "f"]);
        let error = refused(&state, store, &before, Peers::Leader);
        assert_eq!(starts(&error), ["f", "c", ""]);
        assert_eq!(
            error.message,
            format!(
                "EpochNotMatch current epoch of region {} is conf_ver: 5 version: 3, but you sent conf_ver: 5 version: 1",
                before.region_id
            )
        );
        // a part that has split again brings its own part along
        split(&mut state, b"d", &["d"]);
        assert_eq!(starts(&refused(&state, store, &before, Peers::Leader)), ["f", "d", "c", ""]);
        // who knows the latest shape misses nothing
        let now = context(&state, b"f", store);
        assert!(state.admit(store, &now, Peers::Leader).is_ok());
    }

    #[test]
    fn a_client_ahead_of_the_store_is_told_the_region_alone() {
        let state = state();
        let store = leader(&state, b"z");
        let mut ahead = context(&state, b"z", store);
        ahead.region_epoch.as_mut().unwrap().version += 1;
        assert_eq!(starts(&refused(&state, store, &ahead, Peers::Leader)), ["m"]);
    }

    #[test]
    fn a_change_of_peers_alone_does_not_matter_to_keys() {
        let state = state();
        let store = leader(&state, b"a");
        let mut other = context(&state, b"a", store);
        other.region_epoch.as_mut().unwrap().conf_ver += 2;
        assert!(state.admit(store, &other, Peers::Leader).is_ok());
    }

    #[test]
    fn followers_take_reads_that_ask_for_them_and_nothing_else() {
        let mut state = state();
        let leader = leader(&state, b"a");
        let follower = (1..=3).find(|store| *store != leader).unwrap();
        let plain = context(&state, b"a", follower);
        let replica = kvrpcpb::Context { replica_read: true, ..plain.clone() };
        let behind = kvrpcpb::Context { stale_read: true, ..plain.clone() };
        for peers in [Peers::Leader, Peers::AsAsked] {
            let error = refused(&state, follower, &plain, peers);
            assert_eq!(error.not_leader.unwrap().leader.unwrap().store_id, leader);
        }
        assert!(refused(&state, follower, &replica, Peers::Leader).not_leader.is_some());
        for context in [&replica, &behind] {
            assert!(state.admit(follower, context, Peers::AsAsked).is_ok());
        }
        assert!(state.admit(follower, &plain, Peers::Any).is_ok());
        // without a leader only what is stale can be read
        state.stop(Node::Store(leader));
        assert!(state.admit(follower, &behind, Peers::AsAsked).is_ok());
        let error = refused(&state, follower, &replica, Peers::AsAsked);
        assert_eq!(error.not_leader.unwrap().leader, None);
        assert!(error.message.ends_with("leader may None"));
    }

    #[test]
    fn a_request_for_nobody_is_for_another_store() {
        let state = state();
        let store = leader(&state, b"a");
        let nobody = kvrpcpb::Context { peer: None, ..context(&state, b"a", store) };
        let error = refused(&state, store, &nobody, Peers::Leader).store_not_match.unwrap();
        assert_eq!((error.request_store_id, error.actual_store_id), (0, store));
    }

    #[test]
    fn any_context_is_admitted_or_refused() {
        let state = state();
        let term = kvrpcpb::Context { term: u64::MAX, ..context(&state, b"a", leader(&state, b"a")) };
        assert!(state.admit(leader(&state, b"a"), &term, Peers::Leader).is_ok());
    }
}
