//! Async commit and one-phase commit.

use bytes::Bytes;
use fake_tikv::proto::kvrpcpb::*;

use super::client::{Client, spec};
use super::wire::{get, mutation, prewrite_request, put, status, value, write};
use crate::fixture::with;

/// An async prewrite of `a`, whose secondary is `b`, and of `b`; returns the times at which they can be committed.
async fn prewrite_both(client: &Client<'_>, start: u64) -> (u64, u64) {
    let mut primary = prewrite_request(start, vec![put("a", "1")]);
    primary.use_async_commit = true;
    primary.secondaries = vec!["b".into()];
    let mut secondary = prewrite_request(start, vec![put("b", "1")]);
    secondary.primary_lock = "a".into();
    secondary.use_async_commit = true;
    let (a, b) = (client.kv_prewrite(b"a", primary).await, client.kv_prewrite(b"b", secondary).await);
    assert_eq!((a.errors, b.errors), (vec![], vec![]));
    (a.min_commit_ts, b.min_commit_ts)
}
async fn secondaries(client: &Client<'_>, start_version: u64) -> CheckSecondaryLocksResponse {
    let keys = vec!["b".into()];
    client
        .kv_check_secondaries(b"b", CheckSecondaryLocksRequest { keys, start_version, ..Default::default() })
        .await
}

#[test]
fn it_cannot_commit_before_anything_that_was_read() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        let start = client.ts().await;
        let read = client.ts().await;
        assert_eq!(value(&client, "z", read).await, None);
        let (a, b) = prewrite_both(&client, start).await;
        assert!(a > read && b > read, "{a} {b} {read}");
        let lock = get(&client, "a", client.ts().await).await.error.unwrap().locked.unwrap();
        assert!(lock.use_async_commit && lock.min_commit_ts == a);
        assert_eq!(lock.secondaries, [Bytes::from("b")]);
        // who read before sees through the lock
        assert_eq!(value(&client, "a", read).await, None);
        // once more, as after a lost answer
        assert_eq!(prewrite_both(&client, start).await, (a, b));
    });
}

#[test]
fn its_primary_alone_does_not_say_whether_it_is_committed() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        let start = client.ts().await;
        let (_, b) = prewrite_both(&client, start).await;
        // its client is long gone
        let later = start + (100_000 << 18);
        let answer = status(&client, start, |ask| ask.current_ts = later).await;
        assert_eq!((answer.action(), answer.lock_ttl), (Action::NoAction, 3000));
        let found = secondaries(&client, start).await;
        assert_eq!((found.commit_ts, found.locks.len(), found.locks[0].min_commit_ts), (0, 1, b));
        // unless it is to be taken for an ordinary one
        let answer =
            status(&client, start, |ask| (ask.current_ts, ask.force_sync_commit) = (later, true)).await;
        assert_eq!(answer.action(), Action::TtlExpireRollback);
        let keys = vec!["b".into()];
        let resolve =
            ResolveLockRequest { start_version: start, commit_version: b, keys, ..Default::default() };
        assert_eq!(client.kv_resolve(b"b", resolve).await.error, None);
        assert_eq!(secondaries(&client, start).await.commit_ts, b);
    });
}

#[test]
fn a_secondary_that_is_not_there_cannot_come_any_more() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        let start = client.ts().await;
        let found = secondaries(&client, start).await;
        assert_eq!((found.commit_ts, found.locks, found.error), (0, vec![], None));
        let mut late = prewrite_request(start, vec![put("b", "1")]);
        late.use_async_commit = true;
        let error = client.kv_prewrite(b"b", late).await.errors[0].conflict.clone().unwrap();
        assert_eq!(error.reason(), write_conflict::Reason::SelfRolledBack);
        // the record is one that stays
        let info =
            client.mvcc_by_key(b"b", MvccGetByKeyRequest { key: "b".into(), ..Default::default() }).await;
        let writes = info.info.unwrap().writes;
        assert_eq!((writes[0].r#type(), &writes[0].short_value[..]), (Op::Rollback, &b"p"[..]));
    });
}

#[test]
fn one_phase_leaves_versions_and_no_locks() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        write(&client, vec![put("c", "old")]).await;
        let start = client.ts().await;
        let mut request =
            prewrite_request(start, vec![put("a", "1"), put("b", "1"), mutation(Op::Del, "c", "")]);
        request.try_one_pc = true;
        let answer = client.kv_prewrite(b"a", request.clone()).await;
        let at = answer.one_pc_commit_ts;
        assert!(answer.errors.is_empty() && at > start);
        assert_eq!(value(&client, "b", at).await.unwrap(), "1");
        assert_eq!(value(&client, "c", at).await, None);
        assert_eq!(value(&client, "b", at - 1).await, None);
        // again, as after a lost answer: it is not carried out a second time
        request.context = Some(Context { is_retry_request: true, ..Default::default() });
        assert_eq!(client.kv_prewrite(b"a", request).await.one_pc_commit_ts, at);
    });
}

#[test]
fn a_commit_that_comes_too_late_for_its_client_goes_back_to_two_phases() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        let start = client.ts().await;
        let read = client.ts().await;
        value(&client, "z", read).await;
        for (key, one_pc) in [("a", true), ("b", false)] {
            let mut request = prewrite_request(start, vec![put(key, "1")]);
            (request.try_one_pc, request.use_async_commit) = (one_pc, !one_pc);
            request.max_commit_ts = read;
            let answer = client.kv_prewrite(b"a", request).await;
            assert_eq!((answer.errors, answer.min_commit_ts, answer.one_pc_commit_ts), (vec![], 0, 0));
            let lock = get(&client, key, client.ts().await).await.error.unwrap().locked.unwrap();
            assert!(!lock.use_async_commit, "{key}");
        }
    });
}
