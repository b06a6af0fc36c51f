//! Stores, as their heartbeats tell.

use std::time::Duration;

use super::{At, VERSION};
use crate::cluster::store::Intent;
use crate::proto::metapb;
use crate::proto::pdpb::{
    ErrorType, GetAllStoresRequest, GetAllStoresResponse, GetStoreRequest, GetStoreResponse, StoreStats,
};
use crate::spec::Node;

/// What a store says its disk holds.
const CAPACITY: u64 = 1 << 40;

/// A store as PD knows it.
pub(super) fn store(at: &At<'_>, id: u64) -> Option<metapb::Store> {
    let process = at.cluster().process(Node::Store(id))?;
    let epoch = at.clock.epoch_ms();
    let (state, node_state) = match process.intent {
        Intent::Stay => (metapb::StoreState::Up, metapb::NodeState::Serving),
        Intent::Leave => (metapb::StoreState::Offline, metapb::NodeState::Removing),
        Intent::Left => (metapb::StoreState::Tombstone, metapb::NodeState::Removed),
    };
    Some(metapb::Store {
        id,
        address: at.addr(Node::Store(id)),
        state: state.into(),
        version: VERSION.into(),
        start_timestamp: process.start_timestamp(epoch).cast_signed(),
        last_heartbeat: ((epoch + process.last_heartbeat(at.cluster().now())) * 1_000_000).cast_signed(),
        node_state: node_state.into(),
        ..Default::default()
    })
}

/// Every store, by id.
pub(super) fn known(at: &At<'_>) -> Vec<metapb::Store> {
    let ids = at.cluster().nodes().filter_map(|(node, _)| match node {
        Node::Store(id) => Some(id),
        Node::Pd(_) => None,
    });
    ids.filter_map(|id| store(at, id)).collect()
}

/// Since when PD has not heard of a store.
pub(super) fn unheard(at: &At<'_>, id: u64) -> Duration {
    let now = at.cluster().now();
    let heard = at.cluster().process(Node::Store(id)).map_or(0, |process| process.last_heartbeat(now));
    Duration::from_millis(now.saturating_sub(heard))
}

/// How PD calls the state of a store.
pub(super) fn state_name(at: &At<'_>, store: &metapb::Store) -> &'static str {
    let process = at.cluster().process(Node::Store(store.id));
    process.map_or("Up", |process| at.cluster().state_name(process))
}

/// What a store has last told of itself.
pub(super) fn stats(at: &At<'_>, store: &metapb::Store) -> StoreStats {
    StoreStats {
        store_id: store.id,
        capacity: CAPACITY,
        available: CAPACITY,
        region_count: at.cluster().regions.peers_on(store.id) as u32,
        start_time: store.start_timestamp.cast_unsigned() as u32,
        ..Default::default()
    }
}

pub(super) fn one(at: &mut At<'_>, request: &GetStoreRequest) -> GetStoreResponse {
    let id = request.store_id;
    let Some(store) = store(at, id) else {
        let header = at.refusal(ErrorType::Unknown, format!("invalid store ID {id}, not found"));
        return GetStoreResponse { header, ..Default::default() };
    };
    let stats = stats(at, &store);
    GetStoreResponse { header: at.header(), store: Some(store), stats: Some(stats) }
}

pub(super) fn all(at: &mut At<'_>, request: &GetAllStoresRequest) -> GetAllStoresResponse {
    let mut stores = known(at);
    if request.exclude_tombstone_stores {
        stores.retain(|store| store.node_state() != metapb::NodeState::Removed);
    }
    GetAllStoresResponse { header: at.header(), stores }
}
