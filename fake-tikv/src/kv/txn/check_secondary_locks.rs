//! `KvCheckSecondaryLocks`.

use crate::kv::command::{On, Step, command};
use crate::kv::txn::wire::lock_info;
use crate::proto::kvrpcpb::{CheckSecondaryLocksRequest, CheckSecondaryLocksResponse};
use crate::storage::mvcc::changes::Changes;
use crate::storage::mvcc::secondaries::Secondaries;

command! {
    CheckSecondaryLocksRequest as "KvCheckSecondaryLocks" -> CheckSecondaryLocksResponse;
    |check, see| check.keys.iter().for_each(see);
    run
}

/// Neither locks nor a timestamp: it is rolled back.
fn run(asked: &CheckSecondaryLocksRequest, on: &mut On<'_>) -> Step<CheckSecondaryLocksResponse> {
    // nothing may be committed over a record that this leaves
    on.storage.mvcc.read_at(asked.start_version);
    let mut changes = Changes::default();
    let found = on.storage.mvcc.check_secondaries(&mut changes, &asked.keys, asked.start_version);
    let mut answer = CheckSecondaryLocksResponse::default();
    match on.apply_new(changes) {
        Err(full) => answer.region_error = Some(*full),
        Ok(()) => match found {
            Secondaries::Locked(locks) => {
                answer.locks = locks.iter().map(|(key, lock)| lock_info(key, lock)).collect();
            }
            Secondaries::Committed(commit_ts) => answer.commit_ts = commit_ts,
            Secondaries::RolledBack => {}
        },
    }
    Step::Done(answer)
}
