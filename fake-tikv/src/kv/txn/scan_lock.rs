//! `KvScanLock`.

use crate::kv::command::{On, Step, command};
use crate::kv::txn::wire::lock_info;
use crate::proto::kvrpcpb::{ScanLockRequest, ScanLockResponse};

command! { ScanLockRequest as "KvScanLock" -> ScanLockResponse; |_scan, _see| {}; run }

/// A limit of zero is none.
fn run(asked: &ScanLockRequest, on: &mut On<'_>) -> Step<ScanLockResponse> {
    // locks that come later commit later: who asks may rely on having seen all
    on.storage.mvcc.read_at(asked.max_version);
    let limit = if asked.limit == 0 { usize::MAX } else { asked.limit as usize };
    let (start, end) = on.clipped(&asked.start_key, &asked.end_key);
    let locks = on
        .storage
        .mvcc
        .locks(&start, &end)
        .filter(|(_, lock)| lock.start_ts <= asked.max_version)
        .take(limit)
        .map(|(key, lock)| lock_info(key, lock));
    Step::Done(ScanLockResponse { locks: locks.collect(), ..Default::default() })
}
