//! `KvPessimisticLock`: the one command that waits.

use std::time::Duration;

use bytes::Bytes;

use crate::kv::command::{On, Step, command};
use crate::kv::txn::wire::{key_error, wait_entry};
use crate::proto::kvrpcpb::{
    Deadlock, KeyError, Op, PessimisticLockKeyResult, PessimisticLockKeyResultType, PessimisticLockRequest,
    PessimisticLockResponse, PessimisticLockWakeUpMode,
};
use crate::storage::mvcc::changes::Changes;
use crate::storage::mvcc::error::Error;
use crate::storage::mvcc::lock::Lock;
use crate::storage::mvcc::pessimistic::{Below, Reserve};
use crate::storage::mvcc::waits::Wait;

/// The longest that a request waits, whatever it asks for (pessimistic-txn.wait-for-lock-timeout).
const LONGEST: Duration = Duration::from_secs(1);

command! {
    PessimisticLockRequest as "KvPessimisticLock" -> PessimisticLockResponse;
    |lock, see| lock.mutations.iter().for_each(|mutation| see(&mutation.key));
    run
}

fn run(asked: &PessimisticLockRequest, on: &mut On<'_>) -> Step<PessimisticLockResponse> {
    let keys = asked.mutations.iter().map(|mutation| &mutation.key);
    on.storage.mvcc.waits.end(asked.start_version, keys);
    let force = asked.wake_up_mode() == PessimisticLockWakeUpMode::WakeUpModeForceLock;
    if force && asked.mutations.len() > 1 {
        let error = "multiple keys in a single request with allowed_lock_with_conflict set is not allowed";
        return failed(asked, key_error(&Error::Other(error)));
    }
    let reserve = Reserve {
        start_ts: asked.start_version,
        primary: &asked.primary_lock,
        ttl: asked.lock_ttl,
        for_update_ts: asked.for_update_ts,
        min_commit_ts: asked.min_commit_ts,
        read: asked.return_values,
        only_if_exists: asked.lock_only_if_exists,
        with_conflict: force,
    };
    let mut changes = Changes::default();
    let mut below = Vec::with_capacity(asked.mutations.len());
    for mutation in &asked.mutations {
        if mutation.op() != Op::PessimisticLock {
            return failed(asked, key_error(&Error::Other("mismatched op in pessimistic lock mutations")));
        }
        // a key that must not be there comes with that as its assertion
        let absent = mutation.assertion() == crate::proto::kvrpcpb::Assertion::NotExist;
        if absent || asked.return_values || asked.check_existence {
            on.storage.mvcc.read_at(asked.for_update_ts);
        }
        match on.storage.mvcc.reserve(&mut changes, &reserve, &mutation.key, absent) {
            Ok(found) => below.push(found),
            Err(Error::KeyIsLocked { key, lock }) => return blocked(asked, on, key, &lock),
            Err(error) => return failed(asked, key_error(&error)),
        }
    }
    if let Err(full) = on.apply_new(changes) {
        return Step::Done(PessimisticLockResponse { region_error: Some(*full), ..Default::default() });
    }
    Step::Done(reserved(asked, force, below))
}

/// Waits for the lock in the way, if the request wants to, and if that can end.
fn blocked(
    asked: &PessimisticLockRequest,
    on: &mut On<'_>,
    key: Bytes,
    lock: &Lock,
) -> Step<PessimisticLockResponse> {
    let longest = match asked.wait_timeout {
        ..0 => Duration::ZERO,
        0 => LONGEST,
        ms => LONGEST.min(Duration::from_millis(ms.unsigned_abs())),
    };
    let left = longest.saturating_sub(on.waited);
    if left.is_zero() {
        return failed(asked, key_error(&Error::locked(&key, lock)));
    }
    let context = asked.context.as_ref();
    let wait = Wait {
        txn: asked.start_version,
        holder: lock.start_ts,
        key: key.clone(),
        tag: context.map_or_else(Bytes::new, |context| context.resource_group_tag.clone()),
        store: on.store,
        since: on.unix_ms.saturating_sub(on.waited.as_millis() as u64),
        until: on.unix_ms + left.as_millis() as u64,
    };
    let now = on.unix_ms;
    let Err(circle) = on.storage.mvcc.wait(wait, now) else { return Step::Wait(longest) };
    let wait_chain: Vec<_> = circle.iter().map(|wait| wait_entry(wait, now)).collect();
    // whoever waits for this transaction is the last before the wait that closes the circle
    let deadlock_key_hash = wait_chain.iter().rev().nth(1).map_or(0, |entry| entry.key_hash);
    let deadlock = Deadlock { lock_ts: lock.start_ts, lock_key: key, deadlock_key_hash, wait_chain };
    failed(asked, KeyError { deadlock: Some(deadlock), ..Default::default() })
}

fn failed(asked: &PessimisticLockRequest, error: KeyError) -> Step<PessimisticLockResponse> {
    let mut answer = PessimisticLockResponse { errors: vec![error], ..Default::default() };
    if asked.wake_up_mode() == PessimisticLockWakeUpMode::WakeUpModeForceLock {
        let failed = PessimisticLockKeyResult {
            r#type: PessimisticLockKeyResultType::LockResultFailed.into(),
            ..Default::default()
        };
        answer.results = vec![failed; asked.mutations.len()];
    }
    Step::Done(answer)
}

fn reserved(asked: &PessimisticLockRequest, force: bool, below: Vec<Below>) -> PessimisticLockResponse {
    let mut answer = PessimisticLockResponse::default();
    for Below { value, conflict } in below {
        let exists = value.is_some();
        let value = value.filter(|_| asked.return_values || conflict.is_some()).unwrap_or_default();
        if force {
            let kind = match conflict {
                None => PessimisticLockKeyResultType::LockResultNormal,
                Some(_) => PessimisticLockKeyResultType::LockResultLockedWithConflict,
            };
            answer.results.push(PessimisticLockKeyResult {
                r#type: kind.into(),
                existence: exists && (asked.return_values || asked.check_existence || conflict.is_some()),
                locked_with_conflict_ts: conflict.unwrap_or(0),
                value,
                ..Default::default()
            });
        } else if asked.return_values {
            answer.values.push(value);
            answer.not_founds.push(!exists);
        } else if asked.check_existence {
            answer.not_founds.push(!exists);
        }
    }
    answer
}
