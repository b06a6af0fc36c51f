//! `KvScan`.

use crate::cluster::admit::Peers;
use crate::kv::command::{On, Step, command};
use crate::kv::txn::wire::{pair, view};
use crate::proto::kvrpcpb::{ScanRequest, ScanResponse};
use crate::storage::mvcc::read::Page;

command! {
    ScanRequest as "KvScan" -> ScanResponse; |_scan, _see| {}; run;
    const PEERS: Peers = Peers::AsAsked;
    fn read_ts(&self) -> Option<u64> {
        Some(self.version)
    }
}

/// Backwards, a scan goes down from `start_key`, which is not in it, to `end_key`, which is.
fn run(scan: &ScanRequest, on: &mut On<'_>) -> Step<ScanResponse> {
    on.storage.mvcc.read_at(scan.version);
    let view = view(scan.context.as_ref(), scan.version);
    let (start, end) = if scan.reverse {
        on.clipped(&scan.end_key, &scan.start_key)
    } else {
        on.clipped(&scan.start_key, &scan.end_key)
    };
    let page = Page {
        limit: scan.limit as usize,
        reverse: scan.reverse,
        key_only: scan.key_only,
        sample_step: scan.sample_step as usize,
    };
    let pairs = on.storage.mvcc.scan(&start, &end, page, &view).into_iter().map(pair).collect();
    Step::Done(ScanResponse { pairs, ..Default::default() })
}
