//! `KVPessimisticRollback`.

use bytes::Bytes;

use crate::kv::command::{On, Step, command};
use crate::proto::kvrpcpb::{PessimisticRollbackRequest, PessimisticRollbackResponse};
use crate::storage::mvcc::changes::Changes;

command! {
    PessimisticRollbackRequest as "KVPessimisticRollback" -> PessimisticRollbackResponse;
    |rollback, see| rollback.keys.iter().for_each(see);
    run
}

/// Without keys it is all of the region.
fn run(asked: &PessimisticRollbackRequest, on: &mut On<'_>) -> Step<PessimisticRollbackResponse> {
    let mut changes = Changes::default();
    let mvcc = &on.storage.mvcc;
    let mut give_up = |key| mvcc.give_up(&mut changes, key, asked.start_version, asked.for_update_ts);
    if asked.keys.is_empty() {
        let (start, end) = on.clipped(&Bytes::new(), &Bytes::new());
        mvcc.locks(&start, &end).for_each(|(key, _)| give_up(key));
    } else {
        asked.keys.iter().for_each(give_up);
    }
    on.storage.mvcc.apply(changes);
    Step::Done(PessimisticRollbackResponse::default())
}
