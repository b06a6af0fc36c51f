//! `KvBatchRollback`.

use crate::kv::command::{On, Step, command};
use crate::kv::txn::wire::key_error;
use crate::proto::kvrpcpb::{BatchRollbackRequest, BatchRollbackResponse};
use crate::storage::mvcc::changes::Changes;
use crate::storage::mvcc::rollback::Trace;

command! {
    BatchRollbackRequest as "KvBatchRollback" -> BatchRollbackResponse;
    |rollback, see| rollback.keys.iter().for_each(see);
    run
}

/// The transaction's owner gives up: its records need no protection.
fn run(asked: &BatchRollbackRequest, on: &mut On<'_>) -> Step<BatchRollbackResponse> {
    let mut changes = Changes::default();
    let mvcc = &on.storage.mvcc;
    let back = |key| mvcc.cleanup(&mut changes, key, asked.start_version, None, Trace::Collapsible);
    let error = asked.keys.iter().try_for_each(back).err();
    let mut region_error = None;
    if error.is_none() {
        region_error = on.apply_new(changes).err().map(|refused| *refused);
    }
    let error = error.as_ref().map(key_error);
    Step::Done(BatchRollbackResponse { region_error, error, ..Default::default() })
}
