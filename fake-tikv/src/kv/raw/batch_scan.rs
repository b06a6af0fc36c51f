//! `RawBatchScan`: an open range ends where the next one starts.

use bytes::Bytes;

use super::range::Scan;
use super::refusal::{Check, Cmd, Refusal};
use crate::cluster::admit::Peers;
use crate::kv::command::{On, Step, command};
use crate::proto::kvrpcpb::{RawBatchScanRequest, RawBatchScanResponse};
use crate::spec::Mode;

command! {
    RawBatchScanRequest as "RawBatchScan" -> RawBatchScanResponse;
    |scan, see| scan.ranges.iter().map(|range| &range.start_key).for_each(see); run;
    const PEERS: Peers = Peers::AsAsked;
    const TO_THE_END: bool = true;
    fn check(&self, mode: Mode) -> Result<(), RawBatchScanResponse> {
        let check = Check::api(Cmd::raw_batch_scan, mode, self.context.as_ref())?;
        check.ranges(&self.ranges)?.cf(&self.cf)?;
        let backwards = |(start, end): (&Bytes, &Bytes)| {
            !end.is_empty() && if self.reverse { start <= end } else { start >= end }
        };
        if ranges(self).any(backwards) { Err(Refusal::Other("Invalid KeyRanges").into()) } else { Ok(()) }
    }
}

/// Each range's start and end.
fn ranges(request: &RawBatchScanRequest) -> impl Iterator<Item = (&Bytes, &Bytes)> {
    request.ranges.iter().enumerate().map(|(at, range)| {
        let next = request.ranges.get(at + 1).filter(|_| range.end_key.is_empty());
        (&range.start_key, next.map_or(&range.end_key, |next| &next.start_key))
    })
}

fn run(request: &RawBatchScanRequest, on: &mut On<'_>) -> Step<RawBatchScanResponse> {
    let RawBatchScanRequest { cf, each_limit: limit, key_only, reverse, .. } = request;
    let scan = Scan { cf, limit: *limit, key_only: *key_only, reverse: *reverse };
    let kvs = ranges(request).flat_map(|(start, end)| on.pairs(&scan, start, end)).collect();
    Step::Done(RawBatchScanResponse { kvs, region_error: None })
}
