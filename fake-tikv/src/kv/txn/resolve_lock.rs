//! `KvResolveLock`: named keys, or all of the region.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::kv::command::{On, Step, command};
use crate::kv::txn::wire::key_error;
use crate::proto::kvrpcpb::{ResolveLockRequest, ResolveLockResponse};
use crate::storage::mvcc::changes::Changes;
use crate::storage::mvcc::error::Error;

command! {
    ResolveLockRequest as "KvResolveLock" -> ResolveLockResponse;
    |resolve, see| resolve.keys.iter().for_each(see);
    run
}

fn run(asked: &ResolveLockRequest, on: &mut On<'_>) -> Step<ResolveLockResponse> {
    let mut changes = Changes::default();
    let error = resolve(asked, on, &mut changes).err();
    if error.is_none() {
        on.storage.mvcc.apply(changes);
    }
    Step::Done(ResolveLockResponse { error: error.as_ref().map(key_error), ..Default::default() })
}

fn resolve(asked: &ResolveLockRequest, on: &On<'_>, changes: &mut Changes) -> Result<(), Error> {
    let mvcc = &on.storage.mvcc;
    let end = |commit_ts: u64| (commit_ts != 0).then_some(commit_ts);
    if !asked.keys.is_empty() {
        let (start_ts, commit_ts) = (asked.start_version, end(asked.commit_version));
        return asked.keys.iter().try_for_each(|key| mvcc.resolve(changes, key, start_ts, commit_ts));
    }
    let txns: BTreeMap<u64, u64> = if asked.txn_infos.is_empty() {
        [(asked.start_version, asked.commit_version)].into()
    } else {
        asked.txn_infos.iter().map(|txn| (txn.txn, txn.status)).collect()
    };
    let (start, last) = on.clipped(&Bytes::new(), &Bytes::new());
    for (key, lock) in mvcc.locks(&start, &last) {
        if let Some(commit_ts) = txns.get(&lock.start_ts) {
            mvcc.resolve(changes, key, lock.start_ts, end(*commit_ts))?;
        }
    }
    Ok(())
}
