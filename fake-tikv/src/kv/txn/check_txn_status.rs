//! `KvCheckTxnStatus`.

use crate::kv::command::{On, Step, command};
use crate::kv::txn::wire::{key_error, lock_info};
use crate::proto::kvrpcpb::{Action, CheckTxnStatusRequest, CheckTxnStatusResponse};
use crate::storage::mvcc::changes::Changes;
use crate::storage::mvcc::status::{Question, Status};

command! {
    CheckTxnStatusRequest as "KvCheckTxnStatus" -> CheckTxnStatusResponse;
    |check, see| see(&check.primary_key);
    run
}

fn run(asked: &CheckTxnStatusRequest, on: &mut On<'_>) -> Step<CheckTxnStatusResponse> {
    // nothing may be committed over a record that this leaves, nor before the asker's own reads
    for ts in [asked.lock_ts, asked.caller_start_ts, asked.current_ts] {
        on.storage.mvcc.read_at(ts);
    }
    let question = Question {
        start_ts: asked.lock_ts,
        caller_start_ts: asked.caller_start_ts,
        current_ts: asked.current_ts,
        rollback_if_not_exist: asked.rollback_if_not_exist,
        force_sync_commit: asked.force_sync_commit,
        resolving_reservation: asked.resolving_pessimistic_lock,
        verify_is_primary: asked.verify_is_primary,
    };
    let mut changes = Changes::default();
    let status = match on.storage.mvcc.check_status(&mut changes, &asked.primary_key, &question) {
        Ok(status) => status,
        Err(error) => {
            let error = Some(key_error(&error));
            return Step::Done(CheckTxnStatusResponse { error, ..Default::default() });
        }
    };
    if let Err(full) = on.apply_new(changes) {
        return Step::Done(CheckTxnStatusResponse { region_error: Some(*full), ..Default::default() });
    }
    let mut answer = CheckTxnStatusResponse::default();
    answer.set_action(match &status {
        Status::Committed(_) | Status::RolledBack | Status::Locked { pushed: false, .. } => Action::NoAction,
        Status::Expired => Action::TtlExpireRollback,
        Status::ReservationExpired => Action::TtlExpirePessimisticRollback,
        Status::Missing => Action::LockNotExistRollback,
        Status::MissingLeft => Action::LockNotExistDoNothing,
        Status::Locked { pushed: true, .. } => Action::MinCommitTsPushed,
    });
    match status {
        Status::Committed(commit_ts) => answer.commit_version = commit_ts,
        Status::Locked { lock, .. } => {
            answer.lock_ttl = lock.ttl;
            // under the name of the primary, which is the key that was asked for
            answer.lock_info = Some(lock_info(&lock.primary, &lock));
        }
        _ => {}
    }
    Step::Done(answer)
}
