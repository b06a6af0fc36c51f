//! `KvTxnHeartBeat`.

use crate::kv::command::{On, Step, command};
use crate::kv::txn::wire::key_error;
use crate::proto::kvrpcpb::{TxnHeartBeatRequest, TxnHeartBeatResponse};
use crate::storage::mvcc::changes::Changes;

command! {
    TxnHeartBeatRequest as "KvTxnHeartBeat" -> TxnHeartBeatResponse;
    |beat, see| see(&beat.primary_lock);
    run
}

fn run(asked: &TxnHeartBeatRequest, on: &mut On<'_>) -> Step<TxnHeartBeatResponse> {
    let mut changes = Changes::default();
    let (key, start_ts) = (&asked.primary_lock, asked.start_version);
    Step::Done(match on.storage.mvcc.heart_beat(&mut changes, key, start_ts, asked.advise_lock_ttl) {
        Ok(lock_ttl) => {
            on.storage.mvcc.apply(changes);
            TxnHeartBeatResponse { lock_ttl, ..Default::default() }
        }
        Err(error) => TxnHeartBeatResponse { error: Some(key_error(&error)), ..Default::default() },
    })
}
