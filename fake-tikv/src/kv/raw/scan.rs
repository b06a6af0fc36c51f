//! `RawScan`, upwards or downwards, within one region: whoever wants more asks the next.

use super::range::Scan;
use super::refusal::{Check, Cmd};
use crate::cluster::admit::Peers;
use crate::kv::command::{On, Step, command};
use crate::proto::kvrpcpb::{RawScanRequest, RawScanResponse};
use crate::spec::Mode;

command! {
    RawScanRequest as "RawScan" -> RawScanResponse; |scan, see| see(&scan.start_key); run;
    const PEERS: Peers = Peers::AsAsked;
    const TO_THE_END: bool = true;
    fn check(&self, mode: Mode) -> Result<(), RawScanResponse> {
        let end = Some(&self.end_key).filter(|end| !end.is_empty());
        let check = Check::api(Cmd::raw_scan, mode, self.context.as_ref())?;
        check.range(&self.start_key, end)?.cf(&self.cf)?;
        Ok(())
    }
}

fn run(request: &RawScanRequest, on: &mut On<'_>) -> Step<RawScanResponse> {
    let RawScanRequest { start_key, end_key, cf, .. } = request;
    let scan = Scan { cf, limit: request.limit, key_only: request.key_only, reverse: request.reverse };
    Step::Done(RawScanResponse { kvs: on.pairs(&scan, start_key, end_key), region_error: None })
}
