//! A region error, made of what the cluster knows at the moment.

use bytes::Bytes;

use super::script::{Leader, RegionError};
use crate::cluster::State;
use crate::cluster::region::Region;
use crate::proto::{errorpb, metapb};

/// What a store says if it answers a request for a region with this error. `key` is as regions know keys.
pub(crate) fn refusal(
    error: &RegionError,
    cluster: &State,
    store: u64,
    region_id: u64,
    key: &Bytes,
) -> errorpb::Error {
    let region = cluster.regions.by_id(region_id);
    let peer = |of: fn(&metapb::Peer) -> u64| region.and_then(|r| r.peer_on(store)).map_or(0, of);
    let mut e = errorpb::Error { message: message(error, store, region_id), ..Default::default() };
    match error {
        RegionError::NotLeader { leader } => {
            let leader = region.and_then(|region| named(*leader, region, store)).copied();
            e.not_leader = Some(errorpb::NotLeader { region_id, leader });
        }
        RegionError::RegionNotFound => e.region_not_found = Some(errorpb::RegionNotFound { region_id }),
        RegionError::KeyNotInRegion => {
            let (start_key, end_key) =
                region.map(|r| (r.meta.start_key.clone(), r.meta.end_key.clone())).unwrap_or_default();
            e.key_not_in_region =
                Some(errorpb::KeyNotInRegion { key: key.clone(), region_id, start_key, end_key });
        }
        RegionError::EpochNotMatch => {
            let current_regions = region.map(|region| region.meta.clone()).into_iter().collect();
            e.epoch_not_match = Some(errorpb::EpochNotMatch { current_regions });
        }
        RegionError::ServerIsBusy { backoff_ms, reason } => {
            let reason = if reason.is_empty() { "scheduler is busy" } else { reason };
            e.server_is_busy = Some(errorpb::ServerIsBusy {
                reason: reason.to_owned(),
                backoff_ms: *backoff_ms,
                ..Default::default()
            });
        }
        RegionError::StaleCommand => e.stale_command = Some(errorpb::StaleCommand {}),
        RegionError::StoreNotMatch => {
            e.store_not_match =
                Some(errorpb::StoreNotMatch { request_store_id: store, actual_store_id: store + 1 });
        }
        RegionError::RaftEntryTooLarge { entry_size } => {
            e.raft_entry_too_large = Some(errorpb::RaftEntryTooLarge { region_id, entry_size: *entry_size });
        }
        RegionError::MaxTimestampNotSynced => {
            e.max_timestamp_not_synced = Some(errorpb::MaxTimestampNotSynced {});
        }
        RegionError::ReadIndexNotReady => {
            let reason = "can not read index due to transfer leader".to_owned();
            e.read_index_not_ready = Some(errorpb::ReadIndexNotReady { reason, region_id });
        }
        RegionError::ProposalInMergingMode => {
            e.proposal_in_merging_mode = Some(errorpb::ProposalInMergingMode { region_id });
        }
        RegionError::DataIsNotReady => {
            e.data_is_not_ready =
                Some(errorpb::DataIsNotReady { region_id, peer_id: peer(|peer| peer.id), safe_ts: 0 });
        }
        RegionError::RegionNotInitialized => {
            e.region_not_initialized = Some(errorpb::RegionNotInitialized { region_id });
        }
        RegionError::DiskFull => {
            let reason = format!("disk full on store {store}");
            e.disk_full = Some(errorpb::DiskFull { store_id: vec![store], reason });
        }
        RegionError::RecoveryInProgress => {
            e.recovery_in_progress = Some(errorpb::RecoveryInProgress { region_id });
        }
        RegionError::FlashbackInProgress => {
            e.flashback_in_progress = Some(errorpb::FlashbackInProgress { region_id, flashback_start_ts: 0 });
        }
        RegionError::FlashbackNotPrepared => {
            e.flashback_not_prepared = Some(errorpb::FlashbackNotPrepared { region_id });
        }
        RegionError::IsWitness => e.is_witness = Some(errorpb::IsWitness { region_id }),
        RegionError::MismatchPeerId => {
            let request_peer_id = peer(|peer| peer.id);
            e.mismatch_peer_id =
                Some(errorpb::MismatchPeerId { request_peer_id, store_peer_id: request_peer_id + 1 });
        }
        RegionError::BucketVersionNotMatch => {
            let keys = region.map(|r| vec![r.meta.start_key.clone(), r.meta.end_key.clone()]);
            e.bucket_version_not_match =
                Some(errorpb::BucketVersionNotMatch { version: 1, keys: keys.unwrap_or_default() });
        }
        RegionError::Undetermined => {}
    }
    e
}

fn named(leader: Leader, region: &Region, store: u64) -> Option<&metapb::Peer> {
    match leader {
        Leader::Nobody => None,
        Leader::Actual => region.leader(),
        Leader::Other => {
            let peers = &region.meta.peers;
            let ours = peers.iter().position(|peer| peer.store_id == store).map_or(0, |at| at + 1);
            peers.iter().cycle().skip(ours).take(peers.len()).find(|peer| peer.store_id != store)
        }
    }
}

fn message(error: &RegionError, store: u64, region: u64) -> String {
    match error {
        RegionError::NotLeader { .. } => format!("peer is not leader for region {region}"),
        RegionError::RegionNotFound => format!("region {region} not found"),
        RegionError::KeyNotInRegion => format!("key is not in region {region}"),
        RegionError::EpochNotMatch => format!("epoch of region {region} does not match"),
        RegionError::ServerIsBusy { .. } => "server is busy".into(),
        RegionError::StaleCommand => "stale command".into(),
        RegionError::StoreNotMatch => format!("to store id {store}, mine {}", store + 1),
        RegionError::RaftEntryTooLarge { entry_size } => {
            format!("raft entry too large, region {region}, len {entry_size}")
        }
        RegionError::MaxTimestampNotSynced => format!("max timestamp not synced for region {region}"),
        RegionError::ReadIndexNotReady => format!("read index not ready for region {region}"),
        RegionError::ProposalInMergingMode => format!("region {region} is in merging mode"),
        RegionError::DataIsNotReady => format!("data is not ready in region {region}"),
        RegionError::RegionNotInitialized => format!("region {region} is not initialized"),
        RegionError::DiskFull => format!("disk full on store {store}"),
        RegionError::RecoveryInProgress => format!("region {region} is in recovery"),
        RegionError::FlashbackInProgress => format!("region {region} is in flashback"),
        RegionError::FlashbackNotPrepared => format!("region {region} is not prepared for flashback"),
        RegionError::IsWitness => format!("region {region} is a witness"),
        RegionError::MismatchPeerId => format!("mismatch peer id in region {region}"),
        RegionError::BucketVersionNotMatch => format!("bucket version of region {region} does not match"),
        RegionError::Undetermined => "result is undetermined".into(),
    }
}

/// What a region error is about: the name of its detail in kvproto, `other` without one.
pub(crate) fn detail(e: &errorpb::Error) -> &'static str {
    let set = [
        ("not_leader", e.not_leader.is_some()),
        ("region_not_found", e.region_not_found.is_some()),
        ("key_not_in_region", e.key_not_in_region.is_some()),
        ("epoch_not_match", e.epoch_not_match.is_some()),
        ("server_is_busy", e.server_is_busy.is_some()),
        ("stale_command", e.stale_command.is_some()),
        ("store_not_match", e.store_not_match.is_some()),
        ("raft_entry_too_large", e.raft_entry_too_large.is_some()),
        ("max_timestamp_not_synced", e.max_timestamp_not_synced.is_some()),
        ("read_index_not_ready", e.read_index_not_ready.is_some()),
        ("proposal_in_merging_mode", e.proposal_in_merging_mode.is_some()),
        ("data_is_not_ready", e.data_is_not_ready.is_some()),
        ("region_not_initialized", e.region_not_initialized.is_some()),
        ("disk_full", e.disk_full.is_some()),
        ("recovery_in_progress", e.recovery_in_progress.is_some()),
        ("flashback_in_progress", e.flashback_in_progress.is_some()),
        ("flashback_not_prepared", e.flashback_not_prepared.is_some()),
        ("is_witness", e.is_witness.is_some()),
        ("mismatch_peer_id", e.mismatch_peer_id.is_some()),
        ("bucket_version_not_match", e.bucket_version_not_match.is_some()),
    ];
    set.into_iter().find(|(_, set)| *set).map_or("other", |(name, _)| name)
}
