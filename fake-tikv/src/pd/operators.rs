//! Splits and scatters that clients ask PD for.

use std::collections::{BTreeMap, BTreeSet};

use super::At;
use crate::proto::pdpb::{
    ErrorType, GetOperatorRequest, GetOperatorResponse, ScatterRegionRequest, ScatterRegionResponse,
    SplitAndScatterRegionsRequest, SplitAndScatterRegionsResponse, SplitRegionsRequest, SplitRegionsResponse,
};
use bytes::Bytes;

pub(super) fn scatter(at: &mut At<'_>, request: &ScatterRegionRequest) -> ScatterRegionResponse {
    if !request.regions_id.is_empty() {
        let finished_percentage = scattered(at, &request.regions_id);
        return ScatterRegionResponse { header: at.header(), finished_percentage };
    }
    // the older form, of one region; a region that PD does not know is taken as the client describes it
    if at.cluster().regions.by_id(request.region_id).is_none() & request.region.is_none() {
        // as PD words it
        let header = at.refusal(ErrorType::RegionNotFound, "region %d not found");
        return ScatterRegionResponse { header, ..Default::default() };
    }
    // one that has no leader, or that PD does not know, is left alone
    let _ = at.all.cluster.scatter(request.region_id);
    ScatterRegionResponse { header: at.header(), finished_percentage: 100 }
}

/// Percent of the regions that were scattered.
fn scattered(at: &mut At<'_>, regions: &[u64]) -> u64 {
    let done = regions.iter().filter(|region| at.all.cluster.scatter(**region).is_ok()).count();
    percent(done, regions.len())
}

pub(super) fn get(at: &mut At<'_>, request: &GetOperatorRequest) -> GetOperatorResponse {
    let Some(operator) = at.cluster().operators.of(request.region_id) else {
        let header = at.refusal(ErrorType::RegionNotFound, "Not Found");
        return GetOperatorResponse { header, ..Default::default() };
    };
    GetOperatorResponse {
        header: at.header(),
        region_id: request.region_id,
        desc: operator.desc.into(),
        status: operator.status(at.cluster().now()).into(),
        kind: operator.kind.into(),
    }
}

pub(super) fn split(at: &mut At<'_>, request: &SplitRegionsRequest) -> SplitRegionsResponse {
    let (finished_percentage, regions_id) = divide(at, &request.split_keys);
    SplitRegionsResponse { header: at.header(), finished_percentage, regions_id }
}

pub(super) fn split_and_scatter(
    at: &mut At<'_>,
    request: &SplitAndScatterRegionsRequest,
) -> SplitAndScatterRegionsResponse {
    let (split_finished_percentage, regions_id) = divide(at, &request.split_keys);
    let scatter_finished_percentage = scattered(at, &regions_id);
    SplitAndScatterRegionsResponse {
        header: at.header(),
        split_finished_percentage,
        scatter_finished_percentage,
        regions_id,
    }
}

/// Divides regions at keys as regions know them; returns percent of the keys done, and the regions that begin there now.
///
/// As in PD a key where a region begins already is not done, and neither is one in a region without a leader.
fn divide(at: &mut At<'_>, keys: &[Bytes]) -> (u64, Vec<u64>) {
    let regions = &mut at.all.cluster.regions;
    let mut groups = BTreeMap::<u64, Vec<Bytes>>::new();
    for key in keys {
        let found = regions.find(key).filter(|region| region.leader().is_some());
        if let Some(region) = found.filter(|region| region.meta.start_key != *key) {
            groups.entry(region.meta.id).or_default().push(key.clone());
        }
    }
    let mut done = BTreeSet::new();
    for (region, keys) in groups {
        if at.all.cluster.split(region, &keys).is_ok() {
            done.extend(keys);
        }
    }
    let begins = |key: &Bytes| at.cluster().regions.find(key).map(|region| region.meta.id);
    let count = keys.iter().filter(|key| done.contains(*key)).count();
    (if keys.is_empty() { 0 } else { percent(count, keys.len()) }, done.iter().filter_map(begins).collect())
}

/// What is left counts rounded down, as in PD; of nothing, all.
fn percent(done: usize, of: usize) -> u64 {
    100 - ((of - done) * 100).checked_div(of).unwrap_or(0) as u64
}
