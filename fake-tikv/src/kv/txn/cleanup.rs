//! `KvCleanup`.

use crate::kv::command::{On, Step, command};
use crate::kv::txn::wire::key_error;
use crate::proto::kvrpcpb::{CleanupRequest, CleanupResponse};
use crate::storage::mvcc::changes::Changes;
use crate::storage::mvcc::error::Error;
use crate::storage::mvcc::rollback::Trace;

command! { CleanupRequest as "KvCleanup" -> CleanupResponse; |cleanup, see| see(&cleanup.key); run }

/// A transaction that is committed is not an error here, but an answer.
fn run(asked: &CleanupRequest, on: &mut On<'_>) -> Step<CleanupResponse> {
    // nothing may be committed over the record that this leaves
    on.storage.mvcc.read_at(asked.start_version);
    let now = (asked.current_ts != 0).then_some(asked.current_ts);
    let mut changes = Changes::default();
    let result =
        on.storage.mvcc.cleanup(&mut changes, &asked.key, asked.start_version, now, Trace::Protected);
    let mut answer = CleanupResponse::default();
    match result {
        Ok(()) => answer.region_error = on.apply_new(changes).err().map(|refused| *refused),
        Err(Error::Committed { commit_ts, .. }) => answer.commit_version = commit_ts,
        Err(error) => answer.error = Some(key_error(&error)),
    }
    Step::Done(answer)
}
