//! From a range of keys to jobs: one for each region that PD says the range lies in.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use fake_tikv::data;
use tokio::time::{Instant, sleep_until};
use unstuck_net::Clock;
use unstuck_record::Resource;

use super::backend::Backend;
use super::call::call;
use super::data::{Engine, Payload};
use super::error::Error;
use super::job::{Job, RegionInfo, Stage};
use super::wait_group::WaitGroup;
use crate::client::Scale;
use crate::client::ctx::Ctx;
use crate::client::pd::PdClient;
use crate::probe::{Site, wait};

/// Regions asked for in one call; source: `scanRegionLimit` of the local backend.
const PAGE: i32 = 128;
/// How often a scan is tried; source: `WaitRegionOnlineAttemptTimes`, which is `DefaultRegionCheckBackoffLimit`.
const ATTEMPTS: u32 = 1800;
/// The first wait between two tries, then doubled; source: `NewWaitRegionOnlineBackoffer`.
const BACKOFF_BASE: Duration = Duration::from_millis(10);
/// The longest wait between two tries; same source.
const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// Makes the jobs of `keys`, at `regionScanned`. `payload` serves the job with exactly its keys.
pub(super) async fn generate_jobs(
    backend: &Backend,
    ctx: &Ctx,
    keys: &Range<u64>,
    payload: &Arc<Payload>,
    job_wg: &WaitGroup,
) -> Result<Vec<Job>, Error> {
    if keys.is_empty() {
        return Ok(vec![]);
    }
    let scan = call("split.PaginateScanRegion", paginate(backend, ctx, keys));
    let regions = call("local.(*Backend).generateJobForRange", scan).await?;
    let jobs = regions.into_iter().filter_map(|region| {
        let keys = Engine::within(keys, &region.region.start_key, &region.region.end_key);
        let reused = payload.is_of(&keys);
        let payload = if reused { payload.clone() } else { Arc::new(Payload::new(keys.clone())) };
        (!keys.is_empty()).then(|| Job {
            keys,
            region: Arc::new(region),
            stage: Stage::RegionScanned,
            payload,
            retry_count: 0,
            wait_until: Instant::now(),
            last_error: None,
            _ticket: job_wg.add(),
        })
    });
    Ok(jobs.collect())
}

/// How many keys each region of the data set has, which the border between the first two tells.
pub(super) async fn keys_per_region(pd: &PdClient, ctx: &Ctx, waits: &mut Backoff) -> Result<u32, Error> {
    loop {
        let reason = match Box::pin(pd.scan_regions(ctx, b"", b"", 2)).await {
            Ok(regions) => {
                let border = regions.get(1).and_then(|(second, _)| data::number(&second.start_key));
                match border.and_then(|keys| u32::try_from(keys).ok()) {
                    Some(keys) => return Ok(keys),
                    None => {
                        return Err(Error::Scan(
                            "no border between two regions tells the size of the data".into(),
                        ));
                    }
                }
            }
            Err(status) => Error::Rpc(status).to_string(),
        };
        waits.next(ctx, reason).await?;
    }
}

/// The regions that cover `keys`, without a gap and each with a leader. Tries again until PD can tell.
async fn paginate(backend: &Backend, ctx: &Ctx, keys: &Range<u64>) -> Result<Vec<RegionInfo>, Error> {
    let (start, end) = (data::key(keys.start), data::key(keys.end));
    let mut known = 0;
    let mut waits = Backoff::new(backend.scale, backend.clock);
    loop {
        let scanned = pages(&backend.pd, ctx, &start, &end).await;
        let found = scanned.as_ref().map_or(0, Vec::len);
        let reason = match scanned {
            Err(reason) => reason,
            Ok(regions) => match inconsistency(&start, &end, &regions) {
                None => return Ok(regions),
                Some(reason) => reason,
            },
        };
        if found != known {
            // the cluster is getting somewhere
            waits.forgive();
        }
        known = found;
        backend.log.warn("failed to scan region, retrying", &[("error", &reason), ("regionLength", &found)]);
        waits.next(ctx, reason).await?;
    }
}

/// The waits between the tries of one scan.
#[derive(Debug)]
pub(super) struct Backoff {
    scale: Scale,
    clock: Clock,
    left: u32,
    wait: Duration,
}

impl Backoff {
    pub(super) fn new(scale: Scale, clock: Clock) -> Self {
        Self { scale, clock, left: ATTEMPTS, wait: BACKOFF_BASE }
    }
    /// The last try does not count.
    fn forgive(&mut self) {
        self.left += 1;
    }
    /// Waits before another try, or fails with `reason` if there have been enough.
    async fn next(&mut self, ctx: &Ctx, reason: String) -> Result<(), Error> {
        if let Some(error) = ctx.error() {
            return Err(error.into());
        }
        self.left -= 1;
        if self.left == 0 {
            return Err(Error::Scan(reason));
        }
        let until = Instant::now() + self.scale.timer(self.wait);
        let timer = Resource::Timer { until_ms: self.clock.ms_at(until) };
        self.wait = (self.wait * 2).min(BACKOFF_MAX);
        Ok(ctx.run(wait(Site::new("rescan", timer), sleep_until(until))).await?)
    }
}

async fn pages(pd: &PdClient, ctx: &Ctx, start: &[u8], end: &[u8]) -> Result<Vec<RegionInfo>, String> {
    let mut regions: Vec<RegionInfo> = vec![];
    let mut from = start.to_vec();
    loop {
        let page = Box::pin(pd.scan_regions(ctx, &from, end, PAGE)).await;
        let page = page.map_err(|status| format!("scan regions: {}", Error::Rpc(status)))?;
        let last = page.len() < PAGE as usize;
        regions.extend(page.into_iter().map(|(region, leader)| RegionInfo { region, leader }));
        let Some(reached) = regions.last().map(|last| last.region.end_key.to_vec()) else {
            return Ok(regions);
        };
        if last || reached.is_empty() || reached.as_slice() >= end {
            return Ok(regions);
        }
        from = reached;
    }
}

/// Why these regions cannot serve the range; `None` if they can. Source: `checkRegionConsistency`.
fn inconsistency(start: &[u8], end: &[u8], regions: &[RegionInfo]) -> Option<String> {
    let (Some(first), Some(last)) = (regions.first(), regions.last()) else {
        return Some("scan region return empty result".to_owned());
    };
    if first.region.start_key.as_ref() > start {
        return Some(format!("first region {}'s startKey > startKey", first.region.id));
    }
    if !last.region.end_key.is_empty() && last.region.end_key.as_ref() < end {
        return Some(format!("last region {}'s endKey < endKey", last.region.id));
    }
    if let Some(without) =
        regions.iter().find(|info| info.leader.as_ref().is_none_or(|peer| peer.store_id == 0))
    {
        return Some(format!("region {}'s leader is nil", without.region.id));
    }
    let apart = regions.windows(2).find(|pair| pair[0].region.end_key != pair[1].region.start_key)?;
    Some(format!(
        "region {}'s endKey not equal to next region {}'s startKey",
        apart[0].region.id, apart[1].region.id
    ))
}

#[cfg(test)]
mod tests {
    use fake_tikv::proto::metapb::{Peer, Region};

    use super::*;

    fn region(id: u64, start: &'static str, end: &'static str) -> RegionInfo {
        let leader = Some(Peer { id, store_id: 1, ..Peer::default() });
        let region = Region { id, start_key: start.into(), end_key: end.into(), ..Region::default() };
        RegionInfo { region, leader }
    }

    #[test]
    fn regions_must_cover_the_range_without_a_gap() {
        let check = |regions: &[RegionInfo]| inconsistency(b"b", b"f", regions);
        assert_eq!(check(&[region(1, "", "c"), region(2, "c", "")]), None);
        assert_eq!(check(&[region(1, "b", "f")]), None);
        assert!(check(&[]).unwrap().contains("empty result"));
        assert!(check(&[region(1, "c", "")]).unwrap().contains("first region 1"));
        assert!(check(&[region(1, "", "e")]).unwrap().contains("last region 1"));
        assert!(check(&[region(1, "", "c"), region(2, "d", "")]).unwrap().contains("next region 2"));
    }

    #[test]
    fn a_region_without_a_leader_is_waited_for() {
        let mut regions = [region(1, "", "c"), region(2, "c", "")];
        regions[1].leader = None;
        assert_eq!(inconsistency(b"b", b"f", &regions).unwrap(), "region 2's leader is nil");
    }
}
