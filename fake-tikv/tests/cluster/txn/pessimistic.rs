//! Pessimistic locks, and those that wait for them.

use std::time::Duration;

use bytes::Bytes;
use fake_tikv::proto::kvrpcpb::prewrite_request::{ForUpdateTsConstraint, PessimisticAction};
use fake_tikv::proto::kvrpcpb::*;
use tokio::time::{Instant, sleep};

use super::client::{Client, spec};
use super::wire::{mutation, prewrite_request, put, status, value, write};
use crate::fixture::with;

fn request(start_version: u64, for_update_ts: u64, keys: &[&'static str]) -> PessimisticLockRequest {
    PessimisticLockRequest {
        mutations: keys.iter().map(|key| mutation(Op::PessimisticLock, key, "")).collect(),
        primary_lock: keys[0].into(),
        start_version,
        for_update_ts,
        lock_ttl: 3000,
        wait_timeout: -1,
        ..Default::default()
    }
}
async fn lock(client: &Client<'_>, start: u64, keys: &[&'static str]) -> PessimisticLockResponse {
    client.kv_lock(keys[0].as_bytes(), request(start, client.ts().await, keys)).await
}
/// A prewrite of keys that are reserved.
fn prewrite_reserved(start: u64, for_update_ts: u64, mutations: Vec<Mutation>) -> PrewriteRequest {
    let mut request = prewrite_request(start, mutations);
    request.for_update_ts = for_update_ts;
    request.pessimistic_actions = vec![PessimisticAction::DoPessimisticCheck.into(); request.mutations.len()];
    request
}
async fn commit(client: &Client<'_>, start_version: u64, key: &'static str) {
    let commit_version = client.ts().await;
    let keys = vec![key.into()];
    let request = CommitRequest { start_version, commit_version, keys, ..Default::default() };
    assert_eq!(client.kv_commit(key.as_bytes(), request).await.error, None);
}
async fn give_up(client: &Client<'_>, start_version: u64, keys: &[&'static str]) {
    let keys = keys.iter().map(|key| Bytes::from(*key)).collect();
    let request =
        PessimisticRollbackRequest { start_version, for_update_ts: u64::MAX, keys, ..Default::default() };
    assert_eq!(client.kv_give_up(b"a", request).await.errors, []);
}

#[test]
fn a_reservation_keeps_writers_away_and_lets_readers_pass() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        write(&client, vec![put("a", "1")]).await;
        let (one, two) = (client.ts().await, client.ts().await);
        assert_eq!(lock(&client, one, &["a", "b"]).await.errors, []);
        let now = client.ts().await;
        assert_eq!(value(&client, "a", now).await.unwrap(), "1");
        let errors = lock(&client, two, &["b"]).await.errors;
        let found = errors[0].locked.clone().unwrap();
        assert_eq!(
            (found.lock_version, found.lock_type(), &found.primary_lock[..]),
            (one, Op::PessimisticLock, &b"a"[..])
        );
        assert!(found.lock_for_update_ts > one);
        give_up(&client, one, &["a", "b"]).await;
        assert_eq!(lock(&client, two, &["b"]).await.errors, []);
        // all of the region at once
        give_up(&client, two, &[]).await;
        assert_eq!(lock(&client, one, &["b"]).await.errors, []);
    });
}

#[test]
fn a_statement_that_has_not_seen_the_latest_version_runs_again() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        let start = client.ts().await;
        let committed = write(&client, vec![put("a", "1")]).await;
        let errors = client.kv_lock(b"a", request(start, start, &["a"])).await.errors;
        let conflict = errors[0].conflict.clone().unwrap();
        assert_eq!((conflict.conflict_commit_ts, conflict.start_ts), (committed, start));
        assert_eq!(conflict.reason(), write_conflict::Reason::PessimisticRetry);
        // or is told what it has not seen
        let mut force = request(start, start, &["a"]);
        force.set_wake_up_mode(PessimisticLockWakeUpMode::WakeUpModeForceLock);
        let result = client.kv_lock(b"a", force).await.results[0].clone();
        assert_eq!(result.r#type(), PessimisticLockKeyResultType::LockResultLockedWithConflict);
        assert_eq!(
            (result.locked_with_conflict_ts, result.existence, &result.value[..]),
            (committed, true, &b"1"[..])
        );
        let mut seen = request(start, client.ts().await, &["a", "b"]);
        seen.return_values = true;
        let answer = client.kv_lock(b"a", seen.clone()).await;
        assert_eq!(
            (answer.errors, answer.values, answer.not_founds),
            (vec![], vec!["1".into(), Bytes::new()], vec![false, true])
        );
        (seen.return_values, seen.check_existence) = (false, true);
        let answer = client.kv_lock(b"a", seen).await;
        assert_eq!((answer.values, answer.not_founds), (vec![], vec![false, true]));
    });
}

#[test]
fn only_what_exists_or_what_does_not_can_be_asked_for() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        write(&client, vec![put("a", "1")]).await;
        let start = client.ts().await;
        let mut only = request(start, start, &["a", "b"]);
        only.lock_only_if_exists = true;
        assert!(client.kv_lock(b"a", only.clone()).await.errors[0].abort.contains("LockIfExistsFailed"));
        only.return_values = true;
        assert_eq!(client.kv_lock(b"a", only).await.not_founds, [false, true]);
        let other = client.ts().await;
        assert_eq!(lock(&client, other, &["b"]).await.errors, [], "not reserved");
        give_up(&client, start, &["a"]).await;
        let mut absent = request(start, start, &["a"]);
        absent.mutations[0].set_assertion(Assertion::NotExist);
        assert_eq!(client.kv_lock(b"a", absent).await.errors[0].already_exist.clone().unwrap().key, "a");
    });
}

#[test]
fn a_waiter_goes_on_when_the_lock_goes_and_gives_up_in_time() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        let (one, two) = (client.ts().await, client.ts().await);
        assert_eq!(lock(&client, one, &["a"]).await.errors, []);
        let mut wait = request(two, client.ts().await, &["a"]);
        wait.wait_timeout = 500;
        // bounds: the store's clock is the test's, a call takes a few milliseconds of it
        for (timeout, want) in [(500, 500), (0, 1000), (60_000, 1000)] {
            wait.wait_timeout = timeout;
            let began = Instant::now();
            assert!(client.kv_lock(b"a", wait.clone()).await.errors[0].locked.is_some());
            let took = began.elapsed().as_millis();
            assert!((want..want + 50).contains(&took), "{timeout}: {took}");
        }
        let began = Instant::now();
        let release = async {
            sleep(Duration::from_millis(200)).await;
            let mut waiting = Vec::new();
            for store in 1..=3 {
                let mut store = client.store(store).await.unwrap();
                let info = store.get_lock_wait_info(GetLockWaitInfoRequest::default()).await.unwrap();
                waiting.extend(info.into_inner().entries);
            }
            assert_eq!(waiting.len(), 1);
            assert_eq!((waiting[0].txn, waiting[0].wait_for_txn, &waiting[0].key[..]), (two, one, &b"a"[..]));
            give_up(&client, one, &["a"]).await;
        };
        let (answer, ()) = tokio::join!(client.kv_lock(b"a", wait), release);
        assert_eq!(answer.errors, []);
        let took = began.elapsed().as_millis();
        assert!((200..300).contains(&took), "{took}");
    });
}

#[test]
fn a_circle_of_waits_is_broken_by_the_last_to_join() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        let (one, two, three) = (client.ts().await, client.ts().await, client.ts().await);
        for (txn, key) in [(one, "a"), (two, "b"), (three, "z")] {
            assert_eq!(lock(&client, txn, &[key]).await.errors, []);
        }
        let now = client.ts().await;
        let wait = |txn, key| PessimisticLockRequest { wait_timeout: 900, ..request(txn, now, &[key]) };
        let close = async {
            sleep(Duration::from_millis(100)).await;
            let answer = client.kv_lock(b"a", wait(three, "a")).await;
            let deadlock = answer.errors[0].deadlock.clone().unwrap();
            assert_eq!((deadlock.lock_ts, &deadlock.lock_key[..]), (one, &b"a"[..]));
            let chain: Vec<_> =
                deadlock.wait_chain.iter().map(|w| (w.txn, w.wait_for_txn, &w.key[..])).collect();
            assert_eq!(chain, [(one, two, &b"b"[..]), (two, three, b"z"), (three, one, b"a")]);
            assert_eq!(deadlock.deadlock_key_hash, deadlock.wait_chain[1].key_hash);
            let request = PessimisticRollbackRequest {
                start_version: three,
                for_update_ts: now,
                keys: vec!["z".into()],
                ..Default::default()
            };
            client.kv_give_up(b"z", request).await;
        };
        let (first, second, ()) =
            tokio::join!(client.kv_lock(b"b", wait(one, "b")), client.kv_lock(b"z", wait(two, "z")), close);
        assert!(first.errors[0].locked.is_some(), "its lock stays for as long as it waits");
        assert_eq!(second.errors, [], "the way is free");
    });
}

#[test]
fn what_is_reserved_is_prewritten_without_another_look() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        let start = client.ts().await;
        let seen = write(&client, vec![put("a", "1")]).await;
        let mut ask = request(start, seen, &["a"]);
        ask.lock_ttl = 9000;
        assert_eq!(client.kv_lock(b"a", ask).await.errors, []);
        // an optimistic one would fail: there is a version later than its start
        let mut prewrite = prewrite_reserved(start, seen, vec![put("a", "2")]);
        prewrite.for_update_ts_constraints =
            vec![ForUpdateTsConstraint { index: 0, expected_for_update_ts: seen + 1 }];
        let error = client.kv_prewrite(b"a", prewrite.clone()).await.errors[0].abort.clone();
        assert!(error.contains("PessimisticLockNotFound"), "{error}");
        prewrite.for_update_ts_constraints[0].expected_for_update_ts = seen;
        assert_eq!(client.kv_prewrite(b"a", prewrite).await.errors, []);
        let answer = status(&client, start, |_| {}).await;
        assert_eq!(answer.lock_ttl, 9000, "the longer life of the two");
        commit(&client, start, "a").await;
        let now = client.ts().await;
        assert_eq!(value(&client, "a", now).await.unwrap(), "2");
    });
}

#[test]
fn a_reservation_that_got_lost_matters_only_if_somebody_came_in_between() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        let (one, two) = (client.ts().await, client.ts().await);
        let prewrite = client.kv_prewrite(b"a", prewrite_reserved(one, one, vec![put("a", "1")])).await;
        assert_eq!(prewrite.errors, []);
        commit(&client, one, "a").await;
        let error = client.kv_prewrite(b"a", prewrite_reserved(two, two, vec![put("a", "2")])).await.errors;
        assert!(error[0].abort.contains("PessimisticLockNotFound"), "{error:?}");
    });
}

#[test]
fn a_reservation_expires_without_a_trace_for_those_who_only_reserve() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        let start = client.ts().await;
        assert_eq!(lock(&client, start, &["a"]).await.errors, []);
        let later = start + (5000 << 18);
        let answer = status(&client, start, |ask| {
            (ask.current_ts, ask.resolving_pessimistic_lock) = (later, true);
        })
        .await;
        assert_eq!(answer.action(), Action::TtlExpirePessimisticRollback);
        let answer = status(&client, start, |ask| {
            (ask.rollback_if_not_exist, ask.resolving_pessimistic_lock) = (true, true);
        })
        .await;
        assert_eq!(answer.action(), Action::LockNotExistDoNothing);
        assert_eq!(lock(&client, start, &["a"]).await.errors, [], "it may come back");
        let answer = status(&client, start, |ask| ask.current_ts = later).await;
        assert_eq!(answer.action(), Action::TtlExpireRollback);
        let error = lock(&client, start, &["a"]).await.errors[0].abort.clone();
        assert!(error.contains("PessimisticLockRolledBack"), "{error}");
    });
}

#[test]
fn a_key_that_is_not_the_primary_says_whose_it_is() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        let start = client.ts().await;
        assert_eq!(
            client
                .kv_prewrite(b"b", prewrite_request(start, vec![put("b", "1"), put("a", "1")]))
                .await
                .errors,
            []
        );
        let error = status(&client, start, |ask| ask.verify_is_primary = true).await.error.unwrap();
        let lock = error.primary_mismatch.unwrap().lock_info.unwrap();
        assert_eq!((&lock.primary_lock[..], &lock.key[..]), (&b"b"[..], &b"a"[..]));
    });
}
