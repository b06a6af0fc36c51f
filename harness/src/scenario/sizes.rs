//! How large the cluster and the job are: as written, and resolved for a client.

use std::time::Duration;

use fake_tikv::Mode;

use super::diagnostic::Problem;
use super::fields::{Fields, whole};
use super::keys::{CLUSTER, WORKLOAD};
use super::node::Node;

/// In which order regions list their peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PeerOrder {
    /// Each region in an order of its own.
    #[default]
    Shuffled,
    /// The store that the plan's first fault acts on is always first.
    FaultedFirst,
    /// This store is always first.
    First(u64),
}

/// What a file (or a run of the matrix) says about sizes; `None` is "not said here". Resolved by [`Sizes::of`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SizeSpec {
    /// PD members.
    pub pd: Option<u32>,
    /// Stores.
    pub tikv: Option<u32>,
    /// Zones.
    pub zones: Option<u32>,
    /// Regions, the units of work.
    pub regions: Option<u32>,
    /// Keys in each region.
    pub keys_per_region: Option<u32>,
    /// Streams on one connection; `u32::MAX` is unlimited.
    pub max_concurrent_streams: Option<u32>,
    /// What the stores hold.
    pub mode: Option<Mode>,
    /// In which order regions list their peers.
    pub peer_order: Option<PeerOrder>,
    /// Batches sent for one region.
    pub batches: Option<u32>,
    /// Bytes of one batch.
    pub batch_bytes: Option<usize>,
    /// Concurrent jobs.
    pub workers: Option<u32>,
    /// Connections to each store.
    pub connections: Option<u32>,
    /// About how long the job takes without faults.
    pub duration: Option<Duration>,
}

/// The sizes of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// PD members.
    pub pd: u32,
    /// Stores.
    pub tikv: u32,
    /// Zones, over which nodes are spread in turn; the client is in the first.
    pub zones: u32,
    /// Regions, the units of work.
    pub regions: u32,
    /// Keys in each region.
    pub keys_per_region: u32,
    /// Streams on one connection; `u32::MAX` is unlimited.
    pub max_concurrent_streams: u32,
    /// What the stores hold.
    pub mode: Mode,
    /// In which order regions list their peers.
    pub peer_order: PeerOrder,
    /// Batches sent for one region.
    pub batches: u32,
    /// Bytes of one batch.
    pub batch_bytes: usize,
    /// Concurrent jobs.
    pub workers: u32,
    /// Connections to each store.
    pub connections: u32,
    /// About how long the job takes without faults, if the file says so; else [`target_duration`] does.
    pub duration: Option<Duration>,
}

/// Replicas of a region (PD's `replication.max-replicas`).
pub(crate) const REPLICAS: u32 = 3;

impl Sizes {
    /// The defaults for a client (by name), overridden by `specs`, where the last word counts.
    ///
    /// lightning's own defaults are range-concurrency 16 and `send-kv-size` 16 KiB, `TiKV`'s are 1024 streams. With three
    /// stores every region has a peer on a failed one, so 64 regions make some 60 live jobs with an attempt each 2 s:
    /// 30 leaked streams a second, which use up the 2 x 16 x 1024 of the healthy stores in about 20 minutes of
    /// failure, and 1,800 of them in one. br gets many small ranges, so that a store's share of them lasts for
    /// several of its restarts. `raw_kv` and `txn_kv` are loads at a steady pace, which a few workers keep.
    pub fn of<'a>(client: &str, specs: impl IntoIterator<Item = &'a SizeSpec>) -> Self {
        let mut sizes = Self {
            pd: 3,
            tikv: 3,
            zones: 1,
            regions: match client {
                "br" => 240,
                "tso" | "pd" => 480,
                _ => 64,
            },
            keys_per_region: 4,
            max_concurrent_streams: 1024,
            mode: if client == "txn_kv" { Mode::Txn } else { Mode::Raw },
            peer_order: PeerOrder::Shuffled,
            batches: 8,
            batch_bytes: 16 << 10,
            workers: if ["raw_kv", "txn_kv", "tso", "pd"].contains(&client) { 8 } else { 32 },
            connections: 16,
            duration: None,
        };
        for spec in specs {
            let set = |to: &mut u32, from: Option<u32>| *to = from.unwrap_or(*to);
            set(&mut sizes.pd, spec.pd);
            set(&mut sizes.tikv, spec.tikv);
            set(&mut sizes.zones, spec.zones);
            set(&mut sizes.regions, spec.regions);
            set(&mut sizes.keys_per_region, spec.keys_per_region);
            set(&mut sizes.max_concurrent_streams, spec.max_concurrent_streams);
            set(&mut sizes.batches, spec.batches);
            set(&mut sizes.workers, spec.workers);
            set(&mut sizes.connections, spec.connections);
            sizes.mode = spec.mode.unwrap_or(sizes.mode);
            sizes.peer_order = spec.peer_order.unwrap_or(sizes.peer_order);
            sizes.batch_bytes = spec.batch_bytes.unwrap_or(sizes.batch_bytes);
            sizes.duration = spec.duration.or(sizes.duration);
        }
        sizes
    }
}

/// How long the job should take without faults: twice the warm-up, 30 % of the plan's length, and ten of the
/// client's restart periods, whichever is longest. Stores work side by side, so each has work for all of it.
pub fn target_duration(warm_up: Duration, plan_length: Duration, restart_period: Duration) -> Duration {
    (2 * warm_up).max(plan_length * 3 / 10).max(10 * restart_period)
}

/// Reads `cluster:` and `workload:`, either of which may be absent.
pub(crate) fn read(cluster: Option<&Node>, workload: Option<&Node>, problems: &mut Vec<Problem>) -> SizeSpec {
    let mut spec = SizeSpec::default();
    if let Some(f) = cluster.and_then(|n| Fields::of(n, "`cluster`", CLUSTER, problems)) {
        spec.pd = f.count("pd", problems);
        spec.tikv = f.count("tikv", problems);
        spec.zones = f.count("zones", problems);
        spec.regions = f.count("regions", problems);
        spec.keys_per_region = f.count("keysPerRegion", problems);
        spec.max_concurrent_streams = streams(&f, problems);
        let word = f.word("mode", &MODES.map(|(word, _)| word), problems);
        spec.mode = word.and_then(|word| MODES.iter().find(|(w, _)| *w == word)).map(|(_, mode)| *mode);
        spec.peer_order = peer_order(&f, spec.tikv.unwrap_or(3), problems);
    }
    if let Some(f) = workload.and_then(|n| Fields::of(n, "`workload`", WORKLOAD, problems)) {
        if let Some(regions) = f.count("regions", problems) {
            if spec.regions.is_some_and(|r| r != regions) {
                let span = f.get("regions").map_or(f.place(), |n| n.span.clone());
                let problem = Problem::error(span, "`regions` differs from `cluster.regions`");
                problems.push(problem.hint("the regions are the units of work: give the number once"));
            }
            spec.regions = Some(regions);
        }
        spec.batches = f.count("batches", problems);
        spec.batch_bytes = f.size("batch", 1..(4 << 20) + 1, problems).map(|b| b as usize);
        spec.workers = f.count("workers", problems);
        spec.connections = f.count("connections", problems);
        spec.duration = f.duration("duration", problems);
    }
    spec
}

/// What stores can hold, as it is written.
const MODES: [(&str, Mode); 4] =
    [("raw", Mode::Raw), ("raw-ttl", Mode::RawTtl), ("txn", Mode::Txn), ("v2", Mode::V2)];

fn streams(f: &Fields<'_>, problems: &mut Vec<Problem>) -> Option<u32> {
    let (text, span) = f.text("maxConcurrentStreams", problems)?;
    if text == "unlimited" {
        return Some(u32::MAX);
    }
    whole(text, 1, 1_000_000)
        .map_err(|message| {
            let problem = Problem::error(span, format!("`maxConcurrentStreams`: {message}"));
            problems.push(problem.hint("write a whole number from 1 to 1000000, or `unlimited`"));
        })
        .ok()
}

fn peer_order(f: &Fields<'_>, stores: u32, problems: &mut Vec<Problem>) -> Option<PeerOrder> {
    let (text, span) = f.text("peerOrder", problems)?;
    let first = text.strip_prefix("first(").and_then(|t| t.strip_suffix(')')).and_then(|id| id.parse().ok());
    match (text, first) {
        ("shuffled", _) => Some(PeerOrder::Shuffled),
        ("faulted-first", _) => Some(PeerOrder::FaultedFirst),
        (_, Some(id)) if (1..=u64::from(stores)).contains(&id) => Some(PeerOrder::First(id)),
        _ => {
            let problem =
                Problem::error(span, format!("`peerOrder` cannot be `{}`", super::fields::shorten(text)));
            problems.push(
                problem.hint(format!("write `shuffled`, `faulted-first`, or `first(ID)` with 1 to {stores}")),
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const M: Duration = Duration::from_secs(60);

    #[test]
    fn the_last_word_on_a_size_counts() {
        let file = SizeSpec { regions: Some(10), tikv: Some(5), ..SizeSpec::default() };
        let run =
            SizeSpec { regions: Some(20), peer_order: Some(PeerOrder::First(2)), ..SizeSpec::default() };
        let sizes = Sizes::of("lightning", [&file, &run]);
        assert_eq!((sizes.regions, sizes.tikv, sizes.peer_order), (20, 5, PeerOrder::First(2)));
        assert_eq!(sizes.pd, 3);
    }

    #[test]
    fn a_client_gets_regions_as_it_needs_them() {
        assert_eq!(Sizes::of("lightning", []).regions, 64);
        assert!(Sizes::of("br", []).regions >= 200);
    }

    /// The size check of the report: half the attempts of all live jobs leak a stream or two, one on average.
    #[test]
    fn lightnings_defaults_run_out_of_streams_in_an_hour_and_not_in_a_minute() {
        let sizes = Sizes::of("lightning", []);
        let healthy = (sizes.tikv - 1) * sizes.connections * sizes.max_concurrent_streams;
        let leaked_in = |seconds: u32| seconds * sizes.regions / 2;
        assert!(leaked_in(3600) > 2 * healthy, "{} of {healthy}", leaked_in(3600));
        assert!(leaked_in(60) < healthy / 10, "{} of {healthy}", leaked_in(60));
    }

    #[test]
    fn a_job_lasts_as_long_as_its_plan_or_its_client_demands() {
        let (s15, none) = (Duration::from_secs(15), Duration::ZERO);
        assert_eq!(target_duration(M, 2 * M, none), 2 * M, "twice the warm-up");
        assert_eq!(target_duration(M, 61 * M, none), Duration::from_secs(1098), "30 % of the plan");
        assert_eq!(target_duration(M, 2 * M, s15), Duration::from_secs(150), "ten restart periods");
        assert_eq!(target_duration(M, 14 * M, s15), Duration::from_secs(252));
    }
}
