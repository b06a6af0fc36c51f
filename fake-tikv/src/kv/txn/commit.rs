//! `KvCommit`.

use crate::kv::command::{On, Step, command};
use crate::kv::txn::wire::key_error;
use crate::proto::kvrpcpb::{CommitRequest, CommitResponse};
use crate::storage::mvcc::changes::Changes;

command! { CommitRequest as "KvCommit" -> CommitResponse; |commit, see| commit.keys.iter().for_each(see); run }

fn run(asked: &CommitRequest, on: &mut On<'_>) -> Step<CommitResponse> {
    let (start_ts, commit_version) = (asked.start_version, asked.commit_version);
    let mut changes = Changes::default();
    let committed = asked
        .keys
        .iter()
        .try_for_each(|key| on.storage.mvcc.commit(&mut changes, key, start_ts, commit_version));
    Step::Done(match committed {
        Ok(()) => {
            on.storage.mvcc.apply(changes);
            CommitResponse { commit_version, ..Default::default() }
        }
        Err(error) => CommitResponse { error: Some(key_error(&error)), ..Default::default() },
    })
}
