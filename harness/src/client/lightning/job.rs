//! One job: the keys of a range, on their way into one region.
//!
//! ```text
//!            ┌──────────────────────────────┐ keys left (a partial write)
//!            ▼                              │
//!   ┌─ regionScanned ──► wrote ──► ingested ┴──► done
//!   │        ▲             │
//!   │        └──(rewrite)──┤
//!   └─────► needRescan ◄───┘      its worker makes new jobs of it, which begin at regionScanned
//! ```

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use fake_tikv::proto::errorpb;
use fake_tikv::proto::import_sstpb::SstMeta;
use fake_tikv::proto::metapb::{Peer, Region};
use tokio::time::Instant;

use super::data::Payload;
use super::error::Error;
use super::wait_group::Ticket;

/// The keys of a range, on their way into one region.
#[derive(Debug)]
pub(super) struct Job {
    /// Indices of the keys.
    pub(super) keys: Range<u64>,
    /// Where they belong, as PD last said.
    pub(super) region: Arc<RegionInfo>,
    pub(super) stage: Stage,
    /// The encoded batches, shared by every attempt.
    pub(super) payload: Arc<Payload>,
    /// How often the dispatcher has put it back.
    pub(super) retry_count: u32,
    /// Not before this moment does it go to a worker again.
    pub(super) wait_until: Instant,
    pub(super) last_error: Option<Error>,
    /// While it lives, the import is not over.
    pub(super) _ticket: Ticket,
}

/// A region and its leader, as far as PD knows one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RegionInfo {
    pub(super) region: Region,
    pub(super) leader: Option<Peer>,
}

/// How far a job has come.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stage {
    RegionScanned,
    Wrote(Written),
    /// Without a result if the range holds no keys.
    Ingested(Option<Written>),
    NeedRescan,
}

/// What a write left behind on the stores.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Written {
    /// The files, as the leader's peer lists them.
    pub(super) metas: Vec<SstMeta>,
    /// The first key that was not written, if the write was cut off at the region's size.
    pub(super) remaining: Option<u64>,
}

/// What becomes of a job whose ingest a store refused.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refused {
    /// Ask for the same ingest later.
    Again,
    /// Write anew, to this region.
    Rewrite(Option<RegionInfo>),
    /// Look for the region first.
    Rescan,
    /// The import fails.
    Fatal,
}

#[cfg(test)]
impl Job {
    /// A job for no region in particular.
    pub(super) fn new(keys: Range<u64>, stage: Stage, ticket: Ticket) -> Self {
        let region = RegionInfo { region: Region::default(), leader: None };
        Self {
            payload: Arc::new(Payload::new(keys.clone())),
            keys,
            region: Arc::new(region),
            stage,
            retry_count: 0,
            wait_until: Instant::now(),
            last_error: None,
            _ticket: ticket,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RegionScanned => "regionScanned",
            Self::Wrote(_) => "wrote",
            Self::Ingested(_) => "ingested",
            Self::NeedRescan => "needRescan",
        })
    }
}

impl RegionInfo {
    /// Whether the files lie within the region.
    fn covers(&self, metas: &[SstMeta]) -> bool {
        let (start, end) = (&self.region.start_key, &self.region.end_key);
        metas
            .iter()
            .filter_map(|meta| meta.range.as_ref())
            .all(|range| range.start >= *start && (end.is_empty() || range.end < *end))
    }
    /// Its epoch, as logs print it.
    pub(super) fn epoch(&self) -> String {
        let epoch = self.region.region_epoch.unwrap_or_default();
        format!("conf_ver:{} version:{}", epoch.conf_ver, epoch.version)
    }
}

/// What a region error in an answer to Ingest means. Source: `convertStageOnIngestError`.
pub(super) fn refused(error: &errorpb::Error, region: &RegionInfo, metas: &[SstMeta]) -> (Error, Refused) {
    let named = |name| Error::Ingest { name, message: error.message.clone() };
    if error.not_leader.is_some() {
        return (named("ErrKVNotLeader"), Refused::Rescan);
    }
    if let Some(epoch) = &error.epoch_not_match {
        let next = match moved(&epoch.current_regions, region, metas) {
            Some(region) => Refused::Rewrite(Some(region)),
            None => Refused::Rescan,
        };
        return (named("ErrKVEpochNotMatch"), next);
    }
    if error.message.contains("raft: proposal dropped") {
        return (named("ErrKVRaftProposalDropped"), Refused::Rescan);
    }
    if error.server_is_busy.is_some() {
        return (named("ErrKVServerIsBusy"), Refused::Again);
    }
    if error.region_not_found.is_some() {
        return (named("ErrKVRegionNotFound"), Refused::Rescan);
    }
    if error.read_index_not_ready.is_some() {
        return (named("ErrKVReadIndexNotReady"), Refused::Rescan);
    }
    if error.disk_full.is_some() {
        return (Error::DiskFull(error.message.clone()), Refused::Fatal);
    }
    (named("ErrKVIngestFailed"), Refused::Rewrite(None))
}

/// The region that now covers the files, if it has a peer where the old leader was.
fn moved(current: &[Region], old: &RegionInfo, metas: &[SstMeta]) -> Option<RegionInfo> {
    let store = old.leader.as_ref()?.store_id;
    let region = current.iter().find_map(|region| {
        let info = RegionInfo { region: region.clone(), leader: None };
        info.covers(metas).then_some(info.region)
    })?;
    let leader = region.peers.iter().find(|peer| peer.store_id == store).copied()?;
    Some(RegionInfo { region, leader: Some(leader) })
}

#[cfg(test)]
mod tests {
    use fake_tikv::proto::import_sstpb;

    use super::*;

    fn peer(id: u64, store_id: u64) -> Peer {
        Peer { id, store_id, ..Peer::default() }
    }
    fn region(start: &'static str, end: &'static str, stores: &[u64]) -> RegionInfo {
        let peers: Vec<_> = stores.iter().map(|&store| peer(store * 10, store)).collect();
        let leader = peers.first().copied();
        let region =
            Region { id: 1, start_key: start.into(), end_key: end.into(), peers, ..Region::default() };
        RegionInfo { region, leader }
    }
    fn meta(start: &'static str, end: &'static str) -> SstMeta {
        let range = import_sstpb::Range { start: start.into(), end: end.into() };
        SstMeta { range: Some(range), ..SstMeta::default() }
    }
    fn next(error: &errorpb::Error) -> Refused {
        refused(error, &region("a", "m", &[1, 2, 3]), &[meta("b", "f")]).1
    }

    #[test]
    fn each_region_error_has_its_way_back() {
        type E = errorpb::Error;
        assert_eq!(
            next(&E { not_leader: Some(errorpb::NotLeader::default()), ..E::default() }),
            Refused::Rescan
        );
        let not_found = errorpb::RegionNotFound::default();
        assert_eq!(next(&E { region_not_found: Some(not_found), ..E::default() }), Refused::Rescan);
        let read_index = errorpb::ReadIndexNotReady::default();
        assert_eq!(next(&E { read_index_not_ready: Some(read_index), ..E::default() }), Refused::Rescan);
        let dropped = E { message: "raft: proposal dropped, region 1".into(), ..E::default() };
        assert_eq!(next(&dropped), Refused::Rescan);
        let busy = errorpb::ServerIsBusy::default();
        assert_eq!(next(&E { server_is_busy: Some(busy), ..E::default() }), Refused::Again);
        let full = errorpb::DiskFull::default();
        assert_eq!(next(&E { disk_full: Some(full), ..E::default() }), Refused::Fatal);
        let stale = errorpb::StaleCommand::default();
        assert_eq!(next(&E { stale_command: Some(stale), ..E::default() }), Refused::Rewrite(None));
    }

    fn after_split(current: &[RegionInfo]) -> Refused {
        let current_regions = current.iter().map(|info| info.region.clone()).collect();
        let epoch_not_match = Some(errorpb::EpochNotMatch { current_regions });
        next(&errorpb::Error { epoch_not_match, ..errorpb::Error::default() })
    }

    #[test]
    fn after_a_split_the_part_that_covers_the_files_is_written_to() {
        let halves = [region("h", "m", &[1]), region("a", "h", &[2, 1])];
        let Refused::Rewrite(Some(adopted)) = after_split(&halves) else { panic!("not adopted") };
        assert_eq!(adopted.region.start_key, "a");
        assert_eq!(adopted.leader, Some(peer(10, 1)));
    }

    #[test]
    fn after_a_split_through_the_files_or_away_from_the_leader_the_region_is_looked_for() {
        assert_eq!(after_split(&[region("a", "c", &[1]), region("c", "m", &[1])]), Refused::Rescan);
        assert_eq!(after_split(&[region("a", "m", &[2, 3])]), Refused::Rescan);
        assert_eq!(after_split(&[]), Refused::Rescan);
    }
}
