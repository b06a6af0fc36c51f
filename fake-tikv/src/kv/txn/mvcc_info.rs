//! `MvccGetByKey`, `MvccGetByStartTs`: all that a key holds.

use bytes::Bytes;

use crate::kv::command::{On, Step, command};
use crate::kv::txn::wire::{lock_type, op};
use crate::proto::kvrpcpb::{
    MvccGetByKeyRequest, MvccGetByKeyResponse, MvccGetByStartTsRequest, MvccGetByStartTsResponse, MvccInfo,
    MvccLock, MvccValue, MvccWrite,
};
use crate::storage::mvcc::Mvcc;
use crate::storage::mvcc::write::Kind;

command! { MvccGetByKeyRequest as "MvccGetByKey" -> MvccGetByKeyResponse; |get, see| see(&get.key); by_key }
command! {
    MvccGetByStartTsRequest as "MvccGetByStartTs" -> MvccGetByStartTsResponse; |_get, _see| {}; by_start_ts
}

fn by_key(asked: &MvccGetByKeyRequest, on: &mut On<'_>) -> Step<MvccGetByKeyResponse> {
    let info = Some(info(&on.storage.mvcc, &asked.key));
    Step::Done(MvccGetByKeyResponse { info, ..Default::default() })
}

fn by_start_ts(asked: &MvccGetByStartTsRequest, on: &mut On<'_>) -> Step<MvccGetByStartTsResponse> {
    let (start, end) = on.clipped(&Bytes::new(), &Bytes::new());
    let mvcc = &on.storage.mvcc;
    Step::Done(match mvcc.touched_by(&start, &end, asked.start_ts) {
        Some(key) => MvccGetByStartTsResponse { info: Some(info(mvcc, &key)), key, ..Default::default() },
        None => MvccGetByStartTsResponse::default(),
    })
}

/// Values of up to this size live in their version, longer ones beside it.
const SHORT: usize = 255;

fn info(mvcc: &Mvcc, key: &Bytes) -> MvccInfo {
    let short = |value: &Bytes| if value.len() <= SHORT { value.clone() } else { Bytes::new() };
    let lock = mvcc.lock(key);
    let versions = || mvcc.versions(key, u64::MAX);
    let values = versions().map(|(_, write)| (write.start_ts, &write.value));
    let values = lock.into_iter().map(|lock| (lock.start_ts, &lock.value)).chain(values);
    MvccInfo {
        lock: lock.map(|lock| MvccLock {
            r#type: lock_type(lock).into(),
            start_ts: lock.start_ts,
            primary: lock.primary.clone(),
            short_value: short(&lock.value),
            ttl: lock.ttl,
            for_update_ts: lock.for_update_ts,
            txn_size: lock.txn_size,
            use_async_commit: lock.async_commit(),
            secondaries: lock.secondaries.clone().unwrap_or_default(),
            rollback_ts: lock.rolled_back.clone(),
            ..Default::default()
        }),
        writes: versions()
            .map(|(commit_ts, write)| MvccWrite {
                r#type: op(write.kind).into(),
                start_ts: write.start_ts,
                commit_ts,
                // a rollback that stays says so in the place of a value
                short_value: match write.kind {
                    Kind::Rollback if write.protected => Bytes::from_static(b"p"),
                    _ => short(&write.value),
                },
                has_overlapped_rollback: write.rolled_back,
                ..Default::default()
            })
            .collect(),
        values: values
            .filter(|(_, value)| value.len() > SHORT)
            .map(|(start_ts, value)| MvccValue { start_ts, value: value.clone() })
            .collect(),
    }
}
