//! Transactions.

use fake_tikv::{Mode, Spec};
use rust_client_tests::Running;
use tikv_client::{Backoff, CheckLevel, Error, RetryOptions, TransactionClient, TransactionOptions};

use crate::{KEYS, client, key, names, spec};

/// A client of a new cluster, which ends with the first of the two.
pub(crate) async fn start() -> (Running, TransactionClient) {
    let cluster = Running::start(Spec { mode: Mode::Txn, ..spec() });
    let client = TransactionClient::new(cluster.pd()).await.unwrap();
    (cluster, client)
}

/// Commits a value for each of some keys.
async fn commit(client: &TransactionClient, names: &[&str], value: &str) {
    let mut txn = client.begin_optimistic().await.unwrap();
    for name in names {
        txn.put(key(name), value).await.unwrap();
    }
    txn.commit().await.unwrap().unwrap();
}

/// What a new transaction reads.
async fn read(client: &TransactionClient, name: &str) -> Option<String> {
    let mut txn = client.begin_optimistic().await.unwrap();
    let value = txn.get(key(name)).await.unwrap();
    txn.rollback().await.unwrap();
    value.map(|value| String::from_utf8(value).unwrap())
}

/// Options that wait for a dead client's locks, which live for twenty seconds at most.
pub(crate) fn patient(options: TransactionOptions) -> TransactionOptions {
    let locks = Backoff::no_jitter_backoff(2, 500, 100);
    options.retry_options(RetryOptions::new(Backoff::no_jitter_backoff(2, 500, 10), locks))
}

#[test]
fn a_commit_over_all_regions_is_seen_as_a_whole() {
    client(async {
        let (_cluster, client) = start().await;
        commit(&client, &KEYS, "old").await;
        let before = client.current_timestamp().await.unwrap();
        let mut early = client.begin_optimistic().await.unwrap();
        for options in [TransactionOptions::new_optimistic(), TransactionOptions::new_pessimistic()] {
            let all = [
                options.clone(),
                options.clone().use_async_commit(),
                options.clone().try_one_pc(),
                options.use_async_commit().try_one_pc(),
            ];
            for options in all {
                let mut txn = client.begin_with_options(options).await.unwrap();
                let value = format!("{:?}", txn.start_timestamp());
                for name in KEYS {
                    txn.put(key(name), value.clone()).await.unwrap();
                    assert_eq!(
                        txn.get(key(name)).await.unwrap(),
                        Some(value.clone().into_bytes()),
                        "its own"
                    );
                }
                assert!(txn.commit().await.unwrap().is_some());
                for name in KEYS {
                    assert_eq!(read(&client, name).await.as_ref(), Some(&value));
                }
            }
        }
        let mut snapshot = client.snapshot(before, TransactionOptions::new_optimistic().read_only());
        for name in KEYS {
            assert_eq!(early.get(key(name)).await.unwrap(), Some(b"old".to_vec()));
            assert_eq!(snapshot.get(key(name)).await.unwrap(), Some(b"old".to_vec()));
        }
        early.rollback().await.unwrap();
    });
}

#[test]
fn one_phase_is_enough_for_keys_of_one_region() {
    client(async {
        let (_cluster, client) = start().await;
        for options in [TransactionOptions::new_optimistic(), TransactionOptions::new_pessimistic()] {
            let mut txn = client.begin_with_options(options.try_one_pc()).await.unwrap();
            txn.put(key("e"), "E").await.unwrap();
            txn.put(key("f"), "F").await.unwrap();
            txn.commit().await.unwrap().unwrap();
            assert_eq!(read(&client, "f").await.as_deref(), Some("F"));
        }
    });
}

#[test]
fn batches_and_scans_see_the_transaction_over_the_snapshot() {
    client(async {
        let (_cluster, client) = start().await;
        commit(&client, &["a", "b", "d", "e", "k", "m", "t", "z"], "old").await;
        let mut txn = client.begin_optimistic().await.unwrap();
        txn.put(key("c"), "new").await.unwrap();
        txn.delete(key("k")).await.unwrap();
        assert_eq!(names(txn.scan_keys(key("a").., 100).await.unwrap()), "abcdemtz");
        assert_eq!(names(txn.scan_keys(key("b")..key("t"), 100).await.unwrap()), "bcdem");
        assert_eq!(names(txn.scan_keys(key("b")..key("t"), 3).await.unwrap()), "bcd");
        assert_eq!(names(txn.scan_keys_reverse(key("b")..key("t"), 100).await.unwrap()), "medcb");
        assert_eq!(txn.scan(key("c")..=key("c"), 1).await.unwrap().next().unwrap().value(), b"new");
        assert_eq!(txn.scan_reverse(.., 1).await.unwrap().next().unwrap().value(), b"old");
        let mut found: Vec<_> = txn.batch_get(["a", "c", "k", "x", "z"].map(key)).await.unwrap().collect();
        found.sort_by(|a, b| a.key().cmp(b.key()));
        assert_eq!(names(found.into_iter().map(tikv_client::KvPair::into_key)), "acz");
        assert!(txn.key_exists(key("z")).await.unwrap());
        assert!(!txn.key_exists(key("k")).await.unwrap());
        txn.commit().await.unwrap();
        assert_eq!(read(&client, "k").await, None);
    });
}

#[test]
fn of_two_writers_the_second_to_commit_loses() {
    client(async {
        let (_cluster, client) = start().await;
        let mut first = client.begin_optimistic().await.unwrap();
        let mut second = client.begin_optimistic().await.unwrap();
        first.put(key("e"), "first").await.unwrap();
        second.put(key("e"), "second").await.unwrap();
        first.commit().await.unwrap();
        let error = second.commit().await.unwrap_err();
        assert!(format!("{error:?}").contains("WriteConflict"), "{error:?}");
        second.rollback().await.unwrap();
        assert_eq!(read(&client, "e").await.as_deref(), Some("first"));
    });
}

#[test]
fn an_insert_wants_a_key_that_is_not_there() {
    client(async {
        let (_cluster, client) = start().await;
        commit(&client, &["e"], "there").await;
        for options in [TransactionOptions::new_optimistic(), TransactionOptions::new_pessimistic()] {
            let mut txn = client.begin_with_options(options).await.unwrap();
            let error = match txn.insert(key("e"), "again").await {
                Ok(()) => txn.commit().await.unwrap_err(),
                Err(error) => error,
            };
            assert!(
                matches!(error, Error::DuplicateKeyInsertion)
                    || format!("{error:?}").contains("AlreadyExist"),
                "{error:?}"
            );
            txn.rollback().await.unwrap();
            let mut txn = client.begin_optimistic().await.unwrap();
            txn.delete(key("e")).await.unwrap();
            txn.insert(key("e"), "there").await.unwrap();
            txn.commit().await.unwrap();
        }
    });
}

#[test]
fn a_pessimistic_writer_waits_for_the_lock_of_another() {
    client(async {
        let (cluster, client) = start().await;
        commit(&client, &KEYS, "0").await;
        let mut holder = client.begin_pessimistic().await.unwrap();
        assert_eq!(holder.get_for_update(key("e")).await.unwrap(), None);
        assert_eq!(holder.batch_get_for_update(KEYS.map(key)).await.unwrap().len(), 4);
        holder.lock_keys(["f", "u"].map(key)).await.unwrap();
        assert!(holder.send_heart_beat().await.unwrap() > 0);
        let waiting = {
            let client = TransactionClient::new(cluster.pd()).await.unwrap();
            tokio::spawn(async move {
                // woken by a commit that is later than its own start it is told so, and begins again
                loop {
                    let mut txn = client
                        .begin_with_options(patient(TransactionOptions::new_pessimistic()))
                        .await
                        .unwrap();
                    match txn.get_for_update(key("z")).await {
                        Ok(seen) => {
                            txn.put(key("z"), "2").await.unwrap();
                            txn.commit().await.unwrap();
                            break seen;
                        }
                        Err(error) => {
                            assert!(format!("{error:?}").contains("WriteConflict"), "{error:?}");
                            txn.rollback().await.unwrap();
                        }
                    }
                }
            })
        };
        holder.put(key("z"), "1").await.unwrap();
        holder.commit().await.unwrap();
        assert_eq!(waiting.await.unwrap(), Some(b"1".to_vec()));
        assert_eq!(read(&client, "z").await.as_deref(), Some("2"));
    });
}

#[test]
fn a_rollback_leaves_nothing_behind() {
    client(async {
        let (_cluster, client) = start().await;
        let mut txn = client.begin_pessimistic().await.unwrap();
        for name in KEYS {
            txn.put(key(name), "never").await.unwrap();
        }
        txn.rollback().await.unwrap();
        let now = client.current_timestamp().await.unwrap();
        assert_eq!(client.scan_locks(&now, .., 100).await.unwrap(), []);
        assert_eq!(read(&client, "a").await, None);
    });
}

/// Locks keys in a transaction that nobody ever ends: they live for twenty seconds, this client's constant.
pub(crate) async fn die(client: &TransactionClient, names: &[&str]) {
    let options = TransactionOptions::new_pessimistic().drop_check(CheckLevel::None);
    let mut dead = client.begin_with_options(options).await.unwrap();
    dead.lock_keys(names.iter().copied().map(key)).await.unwrap();
    drop(dead);
    let now = client.current_timestamp().await.unwrap();
    assert_eq!(client.scan_locks(&now, .., 100).await.unwrap().len(), names.len());
}

#[test]
fn locks_of_a_client_that_died_are_resolved_when_their_time_is_over() {
    client(async {
        let (_cluster, client) = start().await;
        commit(&client, &KEYS, "before").await;
        die(&client, &["e", "f"]).await;
        let mut next =
            client.begin_with_options(patient(TransactionOptions::new_optimistic())).await.unwrap();
        assert_eq!(next.get(key("e")).await.unwrap(), None, "a lock is not in a reader's way");
        next.put(key("e"), "after").await.unwrap();
        next.commit().await.unwrap();
        assert_eq!(read(&client, "e").await.as_deref(), Some("after"));
    });
}

#[test]
fn garbage_collection_resolves_old_locks_and_moves_the_safe_point() {
    client(async {
        let (_cluster, client) = start().await;
        commit(&client, &KEYS, "kept").await;
        die(&client, &KEYS).await;
        let now = client.current_timestamp().await.unwrap();
        assert!(client.gc(now.clone()).await.unwrap());
        assert_eq!(client.scan_locks(&now, .., 100).await.unwrap(), []);
        for name in KEYS {
            assert_eq!(read(&client, name).await.as_deref(), Some("kept"));
        }
    });
}

#[test]
fn a_destroyed_range_is_gone_in_all_its_versions() {
    client(async {
        let (_cluster, client) = start().await;
        commit(&client, &KEYS, "gone").await;
        client.unsafe_destroy_range(key("b")..key("l")).await.unwrap();
        let mut txn = client.begin_optimistic().await.unwrap();
        assert_eq!(names(txn.scan_keys(.., 100).await.unwrap()), "az");
        txn.rollback().await.unwrap();
    });
}
