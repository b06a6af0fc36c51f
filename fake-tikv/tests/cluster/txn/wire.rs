//! One command a test: what it answers, and where.

use bytes::Bytes;
use fake_tikv::proto::kvrpcpb::*;

use super::client::{Client, spec};
use crate::fixture::with;

pub(super) fn mutation(op: Op, key: &'static str, value: &'static str) -> Mutation {
    Mutation { op: op.into(), key: key.into(), value: value.into(), ..Default::default() }
}
pub(super) fn put(key: &'static str, value: &'static str) -> Mutation {
    mutation(Op::Put, key, value)
}

/// A prewrite of keys that lie in one region; the first is the primary.
pub(super) async fn prewrite(
    client: &Client<'_>,
    start_version: u64,
    mutations: Vec<Mutation>,
) -> Vec<KeyError> {
    let request = prewrite_request(start_version, mutations);
    client.kv_prewrite(&request.primary_lock.clone(), request).await.errors
}
pub(super) fn prewrite_request(start_version: u64, mutations: Vec<Mutation>) -> PrewriteRequest {
    PrewriteRequest {
        primary_lock: mutations[0].key.clone(),
        mutations,
        start_version,
        lock_ttl: 3000,
        ..Default::default()
    }
}
pub(super) async fn commit(
    client: &Client<'_>,
    start_version: u64,
    commit_version: u64,
    keys: &[&'static str],
) -> Option<KeyError> {
    let request = CommitRequest {
        start_version,
        commit_version,
        keys: keys.iter().map(|key| Bytes::from(*key)).collect(),
        ..Default::default()
    };
    let answer = client.kv_commit(keys[0].as_bytes(), request).await;
    assert_eq!(answer.commit_version, if answer.error.is_none() { commit_version } else { 0 });
    answer.error
}
/// Writes keys of one region in a transaction of their own; returns its commit timestamp.
pub(super) async fn write(client: &Client<'_>, mutations: Vec<Mutation>) -> u64 {
    let keys: Vec<Bytes> = mutations.iter().map(|mutation| mutation.key.clone()).collect();
    let start_version = client.ts().await;
    assert_eq!(prewrite(client, start_version, mutations).await, []);
    let commit_version = client.ts().await;
    let request = CommitRequest { start_version, commit_version, keys: keys.clone(), ..Default::default() };
    assert_eq!(client.kv_commit(&keys[0], request).await.error, None);
    commit_version
}
pub(super) async fn get(client: &Client<'_>, key: &'static str, version: u64) -> GetResponse {
    client.kv_get(key.as_bytes(), GetRequest { key: key.into(), version, ..Default::default() }).await
}
pub(super) async fn value(client: &Client<'_>, key: &'static str, version: u64) -> Option<Bytes> {
    let answer = get(client, key, version).await;
    assert_eq!(answer.error, None);
    (!answer.not_found).then_some(answer.value)
}

#[test]
fn a_committed_change_is_seen_from_its_timestamp_on() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        let first = write(&client, vec![put("a", "1"), put("b", "1")]).await;
        let second = write(&client, vec![put("a", "2"), mutation(Op::Del, "b", "")]).await;
        assert_eq!(value(&client, "a", first - 1).await, None);
        assert_eq!(value(&client, "a", first).await.unwrap(), "1");
        assert_eq!(value(&client, "a", second - 1).await.unwrap(), "1");
        assert_eq!(value(&client, "a", second).await.unwrap(), "2");
        assert_eq!(value(&client, "b", second).await, None);
    });
}

#[test]
fn a_lock_is_told_with_all_that_it_takes_to_resolve_it() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        let start = client.ts().await;
        let mut request = prewrite_request(start, vec![put("a", "1"), put("b", "1")]);
        request.txn_size = 2;
        request.min_commit_ts = start + 1;
        assert_eq!(client.kv_prewrite(b"a", request).await.errors, []);
        let read = client.ts().await;
        let locked = |key: &'static str| LockInfo {
            primary_lock: "a".into(),
            lock_version: start,
            key: key.into(),
            lock_ttl: 3000,
            txn_size: 2,
            min_commit_ts: start + 1,
            ..Default::default()
        };
        let error = KeyError { locked: Some(locked("b")), ..Default::default() };
        assert_eq!(get(&client, "b", read).await.error, Some(error.clone()));
        // batches and scans tell it with the pair
        let keys = vec!["a".into(), "b".into(), "c".into()];
        let batch = BatchGetRequest { keys, version: read, ..Default::default() };
        let batch = client.kv_batch_get(b"a", batch).await;
        assert_eq!((batch.error, batch.pairs.len()), (None, 2));
        assert_eq!(batch.pairs[1].error, Some(error.clone()));
        let scan = ScanRequest { version: read, limit: 10, ..Default::default() };
        let scan = client.kv_scan(b"", scan).await;
        assert_eq!((scan.error, scan.pairs.len()), (None, 2));
        assert_eq!(scan.pairs[1].error, Some(error));
        // older readers pass, as do those of the latest at the primary, of what is committed, and those who know better
        assert_eq!(value(&client, "b", start - 1).await, None);
        assert_eq!(value(&client, "a", u64::MAX).await, None);
        let mut known = GetRequest { key: "b".into(), version: read, ..Default::default() };
        for context in [
            Context { isolation_level: IsolationLevel::Rc.into(), ..Default::default() },
            Context { resolved_locks: vec![start], ..Default::default() },
        ] {
            known.context = Some(context);
            let answer = client.kv_get(b"b", known.clone()).await;
            assert_eq!((answer.error, answer.not_found), (None, true));
        }
        known.context = Some(Context { committed_locks: vec![start], ..Default::default() });
        assert_eq!(client.kv_get(b"b", known).await.value, "1");
        let locks = ScanLockRequest { max_version: read, ..Default::default() };
        let locks = client.kv_scan_lock(b"", locks).await.locks;
        assert_eq!(locks, [locked("a"), locked("b")]);
    });
}

#[test]
fn of_two_writers_the_second_to_prewrite_loses() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        let (early, late) = (client.ts().await, client.ts().await);
        assert_eq!(prewrite(&client, late, vec![put("a", "late")]).await, []);
        let errors = prewrite(&client, early, vec![put("b", "early"), put("a", "early")]).await;
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].locked.as_ref().unwrap().lock_version, late);
        // all or nothing: the key that was free is not locked
        let read = client.ts().await;
        assert_eq!(value(&client, "b", read).await, None);
        let committed = client.ts().await;
        assert_eq!(commit(&client, late, committed, &["a"]).await, None);
        let errors = prewrite(&client, early, vec![put("a", "early")]).await;
        let conflict = WriteConflict {
            start_ts: early,
            conflict_ts: late,
            key: "a".into(),
            primary: "a".into(),
            conflict_commit_ts: committed,
            reason: write_conflict::Reason::Optimistic.into(),
        };
        assert_eq!(errors[0].conflict, Some(conflict));
        assert!(errors[0].retryable.contains("WriteConflict"), "{}", errors[0].retryable);
    });
}

#[test]
fn a_commit_is_carried_out_once_however_often_it_comes() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        let start = client.ts().await;
        assert_eq!(prewrite(&client, start, vec![put("a", "1")]).await, []);
        assert_eq!(prewrite(&client, start, vec![put("a", "1")]).await, [], "again");
        let at = client.ts().await;
        for _ in 0..2 {
            assert_eq!(commit(&client, start, at, &["a"]).await, None);
        }
        let error = commit(&client, start + 1, at, &["a"]).await.unwrap();
        assert!(error.retryable.contains("TxnLockNotFound"), "{error:?}");
        // it cannot be taken back either
        let back =
            BatchRollbackRequest { start_version: start, keys: vec!["a".into()], ..Default::default() };
        let error = client.kv_rollback(b"a", back).await.error.unwrap();
        assert!(error.abort.contains("Committed"), "{error:?}");
        let cleanup = CleanupRequest { key: "a".into(), start_version: start, ..Default::default() };
        let answer = client.kv_cleanup(b"a", cleanup).await;
        assert_eq!((answer.error, answer.commit_version), (None, at));
    });
}

#[test]
fn what_is_rolled_back_stays_so() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        let start = client.ts().await;
        // before its prewrite comes
        let back =
            BatchRollbackRequest { start_version: start, keys: vec!["a".into()], ..Default::default() };
        assert_eq!(client.kv_rollback(b"a", back).await.error, None);
        let errors = prewrite(&client, start, vec![put("a", "1")]).await;
        let reason = errors[0].conflict.as_ref().unwrap().reason();
        assert_eq!(reason, write_conflict::Reason::SelfRolledBack);
        let error = commit(&client, start, start + 1, &["a"]).await.unwrap();
        assert!(error.retryable.contains("TxnLockNotFound"), "{error:?}");
    });
}

/// The status of a transaction whose primary is `a`.
pub(super) async fn status(
    client: &Client<'_>,
    lock_ts: u64,
    change: impl FnOnce(&mut CheckTxnStatusRequest),
) -> CheckTxnStatusResponse {
    let mut request = CheckTxnStatusRequest { primary_key: "a".into(), lock_ts, ..Default::default() };
    change(&mut request);
    client.kv_check_status(b"a", request).await
}

#[test]
fn a_transaction_lives_as_long_as_it_says_by_the_clock_of_the_oracle() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        let start = client.ts().await;
        assert_eq!(prewrite(&client, start, vec![put("a", "1")]).await, []);
        let at = |ms: u64| start + (ms << 18);
        let answer = status(&client, start, |ask| ask.current_ts = at(3000)).await;
        assert_eq!((answer.action(), answer.lock_ttl), (Action::NoAction, 3000));
        assert_eq!(answer.lock_info.unwrap().key, "a");
        let beat = TxnHeartBeatRequest {
            primary_lock: "a".into(),
            start_version: start,
            advise_lock_ttl: 5000,
            ..Default::default()
        };
        assert_eq!(client.kv_heart_beat(b"a", beat.clone()).await.lock_ttl, 5000);
        let answer = status(&client, start, |ask| ask.current_ts = at(3001)).await;
        assert_eq!(answer.lock_ttl, 5000);
        let answer = status(&client, start, |ask| ask.current_ts = at(5001)).await;
        assert_eq!((answer.action(), answer.lock_ttl), (Action::TtlExpireRollback, 0));
        let answer = status(&client, start, |_| {}).await;
        assert_eq!((answer.action(), answer.lock_ttl, answer.commit_version), (Action::NoAction, 0, 0));
        let error = client.kv_heart_beat(b"a", beat).await.error.unwrap();
        assert_eq!(error.txn_not_found.unwrap(), TxnNotFound { start_ts: start, primary_key: "a".into() });
        assert!(!prewrite(&client, start, vec![put("a", "1")]).await.is_empty());
    });
}

#[test]
fn a_reader_pushes_the_commit_behind_itself() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        let start = client.ts().await;
        let mut request = prewrite_request(start, vec![put("a", "1")]);
        request.min_commit_ts = start + 1;
        assert_eq!(client.kv_prewrite(b"a", request).await.errors, []);
        let early = client.ts().await;
        let reader = client.ts().await;
        let answer = status(&client, start, |ask| {
            (ask.caller_start_ts, ask.current_ts) = (reader, reader);
        })
        .await;
        assert_eq!(answer.action(), Action::MinCommitTsPushed);
        assert_eq!(answer.lock_info.unwrap().min_commit_ts, reader + 1);
        let expired = commit(&client, start, early, &["a"]).await.unwrap().commit_ts_expired.unwrap();
        let want = CommitTsExpired {
            start_ts: start,
            attempted_commit_ts: early,
            key: "a".into(),
            min_commit_ts: reader + 1,
        };
        assert_eq!(expired, want);
        assert_eq!(value(&client, "a", reader).await, None, "the lock is no longer in the reader's way");
        assert_eq!(commit(&client, start, reader + 1, &["a"]).await, None);
        assert_eq!(value(&client, "a", reader).await, None);
        assert_eq!(value(&client, "a", reader + 1).await.unwrap(), "1");
    });
}

#[test]
fn a_transaction_that_is_not_there_is_kept_out_on_demand() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        let start = client.ts().await;
        let error = status(&client, start, |_| {}).await.error.unwrap();
        assert_eq!(error.txn_not_found.unwrap().primary_key, "a");
        let answer = status(&client, start, |ask| ask.rollback_if_not_exist = true).await;
        assert_eq!(answer.action(), Action::LockNotExistRollback);
        assert!(!prewrite(&client, start, vec![put("a", "1")]).await.is_empty());
    });
}

#[test]
fn a_region_is_resolved_as_a_whole_or_key_by_key() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        let (one, two, three) = (client.ts().await, client.ts().await, client.ts().await);
        for (start, keys) in [(one, ["a", "b"]), (two, ["c", "d"]), (three, ["e", "f"])] {
            let mutations = keys.map(|key| put(key, "new")).to_vec();
            assert_eq!(prewrite(&client, start, mutations).await, []);
        }
        let at = client.ts().await;
        let keys = vec!["b".into()];
        let lite = ResolveLockRequest { start_version: one, commit_version: at, keys, ..Default::default() };
        assert_eq!(client.kv_resolve(b"b", lite).await.error, None);
        assert_eq!(value(&client, "b", at).await.unwrap(), "new");
        assert!(get(&client, "a", at).await.error.is_some());
        let info = |txn, status| TxnInfo { txn, status, ..Default::default() };
        let txn_infos = vec![info(one, at), info(two, 0)];
        let batch = ResolveLockRequest { txn_infos, ..Default::default() };
        assert_eq!(client.kv_resolve(b"a", batch).await.error, None);
        assert_eq!(value(&client, "a", at).await.unwrap(), "new");
        assert_eq!(value(&client, "c", at).await, None);
        let locks =
            ScanLockRequest { max_version: at, limit: 1, start_key: "a".into(), ..Default::default() };
        let locks = client.kv_scan_lock(b"a", locks).await.locks;
        assert_eq!(locks.iter().map(|lock| &lock.key[..]).collect::<Vec<_>>(), [b"e"]);
    });
}

#[test]
fn a_scan_goes_both_ways_and_stays_in_its_region() {
    with(spec(&["c"]), |f| async move {
        let client = Client::new(&f);
        write(&client, vec![put("a", "1"), put("b", "2")]).await;
        write(&client, vec![put("c", "3"), put("d", "4"), put("e", "5")]).await;
        let version = client.ts().await;
        let scan = async |key: &'static str, request: ScanRequest| {
            let answer = client.kv_scan(key.as_bytes(), ScanRequest { version, ..request }).await;
            let pair = |pair: &KvPair| (pair.key.clone(), pair.value.clone());
            answer.pairs.iter().map(pair).map(|(k, v)| [&k[..], &v[..]].concat()).collect::<Vec<_>>()
        };
        let all = ScanRequest { limit: 10, ..Default::default() };
        assert_eq!(scan("a", all.clone()).await, [b"a1", b"b2"]);
        assert_eq!(scan("c", ScanRequest { limit: 2, ..all.clone() }).await, [b"c3", b"d4"]);
        let part = ScanRequest { start_key: "d".into(), end_key: "e".into(), ..all.clone() };
        assert_eq!(scan("d", part).await, [b"d4"]);
        let down = ScanRequest { start_key: "e".into(), end_key: "a".into(), reverse: true, ..all.clone() };
        assert_eq!(scan("c", down).await, [b"d4", b"c3"]);
        assert_eq!(scan("c", ScanRequest { key_only: true, ..all.clone() }).await, [b"c", b"d", b"e"]);
        assert_eq!(scan("c", ScanRequest { sample_step: 2, ..all }).await, [b"c3", b"e5"]);
    });
}

#[test]
fn keys_that_must_be_there_or_not_are_looked_at() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        let at = write(&client, vec![put("a", "1")]).await;
        let start = client.ts().await;
        for op in [Op::Insert, Op::CheckNotExists] {
            let errors = prewrite(&client, start, vec![mutation(op, "a", "2")]).await;
            assert_eq!(errors[0].already_exist.clone().unwrap().key, "a", "{op:?}");
        }
        assert_eq!(prewrite(&client, start, vec![mutation(Op::CheckNotExists, "b", "")]).await, []);
        let read = client.ts().await;
        assert_eq!(value(&client, "b", read).await, None, "a mere check leaves no lock");
        let claimed = |key, assertion: Assertion| Mutation { assertion: assertion.into(), ..put(key, "2") };
        for (key, assertion, existing) in [("a", Assertion::NotExist, at), ("b", Assertion::Exist, 0)] {
            let mut request = prewrite_request(start, vec![claimed(key, assertion)]);
            assert_eq!(client.kv_prewrite(b"a", request.clone()).await.errors, [], "not asked for");
            let back =
                BatchRollbackRequest { start_version: start, keys: vec![key.into()], ..Default::default() };
            assert_eq!(client.kv_rollback(b"a", back).await.error, None);
            request.start_version = client.ts().await;
            request.set_assertion_level(AssertionLevel::Fast);
            let failed = client.kv_prewrite(b"a", request).await.errors[0].assertion_failed.clone().unwrap();
            assert_eq!((failed.key, failed.assertion), (key.into(), assertion.into()));
            assert_eq!(failed.existing_commit_ts, existing);
        }
    });
}
