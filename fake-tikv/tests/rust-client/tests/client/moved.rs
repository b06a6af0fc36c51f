//! The cluster changes under a client that goes on.

use fake_tikv::{Mode, Node, Spec};
use rust_client_tests::Running;
use tikv_client::{KvPair, RawClient, TransactionClient, TransactionOptions};

use crate::{KEYS, client, key, spec};

/// All letters, with one value.
fn letters(value: &str) -> Vec<KvPair> {
    ('a'..='z').map(|c| KvPair::from((c.to_string(), value.to_owned()))).collect()
}

/// Writes all letters and reads them again.
async fn raw_works(client: &RawClient, when: &str) {
    client.batch_put(letters(when)).await.unwrap_or_else(|error| panic!("{when}: {error}"));
    let mut found = client.batch_get(('a'..='z').map(String::from)).await.unwrap();
    found.sort_by(|a, b| a.key().cmp(b.key()));
    assert_eq!(found, letters(when), "{when}");
}

/// Commits all letters in one transaction and reads them again in another.
async fn transactions_work(client: &TransactionClient, when: &str) {
    for options in [TransactionOptions::new_optimistic(), TransactionOptions::new_pessimistic()] {
        let mut txn = client.begin_with_options(options.use_async_commit()).await.unwrap();
        for KvPair(key, value) in letters(when) {
            txn.put(key, value).await.unwrap_or_else(|error| panic!("{when}: {error}"));
        }
        txn.commit().await.unwrap_or_else(|error| panic!("{when}: {error}"));
        let mut txn = client.begin_optimistic().await.unwrap();
        let found: Vec<KvPair> = txn.scan(.., 100).await.unwrap().collect();
        assert_eq!(found, letters(when), "{when}");
        txn.rollback().await.unwrap();
    }
}

/// Divides regions, then has each store lead them all in turn.
async fn moves(cluster: &Running, mut works: impl AsyncFnMut(&str)) {
    works("at first").await;
    let keys = ["b", "h", "p", "x", "zz"].map(Into::into);
    let regions = cluster.cluster().split(&keys).unwrap();
    works("after splits").await;
    for store in 1..=3 {
        for region in &regions {
            cluster.cluster().transfer_leader(*region, store).unwrap();
        }
        works(&format!("after tikv-{store} was given all leads")).await;
    }
    let parts = cluster.cluster().split(&["y".into()]).unwrap();
    cluster.cluster().merge(parts[0], parts[1]).unwrap();
    works("after a merge").await;
}

#[test]
fn a_raw_client_follows_splits_leaders_and_a_merge() {
    client(async {
        let cluster = Running::start(spec());
        let client = RawClient::new(cluster.pd()).await.unwrap();
        moves(&cluster, async |when| raw_works(&client, when).await).await;
    });
}

#[test]
fn transactions_follow_splits_leaders_and_a_merge() {
    client(async {
        let cluster = Running::start(Spec { mode: Mode::Txn, ..spec() });
        let client = TransactionClient::new(cluster.pd()).await.unwrap();
        moves(&cluster, async |when| transactions_work(&client, when).await).await;
    });
}

#[test]
fn a_raw_client_goes_on_through_the_restart_of_each_store() {
    client(async {
        let cluster = Running::start(spec());
        let client = RawClient::new(cluster.pd()).await.unwrap();
        for store in 1..=3 {
            for name in KEYS {
                client.put(key(name), format!("{name}{store}")).await.unwrap();
            }
            cluster.stop(Node::Store(store));
            cluster.restart(Node::Store(store));
            for name in KEYS {
                let value = client.get(key(name)).await.unwrap();
                assert_eq!(
                    value,
                    Some(format!("{name}{store}").into_bytes()),
                    "after tikv-{store} restarted"
                );
            }
        }
    });
}

#[test]
fn a_transaction_that_is_open_while_each_store_restarts_commits() {
    client(async {
        let cluster = Running::start(Spec { mode: Mode::Txn, ..spec() });
        let client = TransactionClient::new(cluster.pd()).await.unwrap();
        for store in 1..=3 {
            let mut txn = client.begin_pessimistic().await.unwrap();
            for name in KEYS {
                txn.put(key(name), format!("{name}{store}")).await.unwrap();
            }
            cluster.stop(Node::Store(store));
            cluster.restart(Node::Store(store));
            txn.commit().await.unwrap();
            let mut txn = client.begin_optimistic().await.unwrap();
            for name in KEYS {
                let value = txn.get(key(name)).await.unwrap();
                assert_eq!(
                    value,
                    Some(format!("{name}{store}").into_bytes()),
                    "after tikv-{store} restarted"
                );
            }
            txn.rollback().await.unwrap();
        }
    });
}

#[test]
fn transactions_go_on_when_another_pd_member_leads() {
    client(async {
        let cluster = Running::start(Spec { pd: 3, mode: Mode::Txn, ..spec() });
        let client = TransactionClient::new(cluster.pd()).await.unwrap();
        let mut last = client.current_timestamp().await.unwrap();
        for member in [0, 1, 2, 0] {
            cluster.cluster().transfer_pd_leader(member).unwrap();
            // the first call fails, once the stream to the old leader has ended; its user asks again
            let now = loop {
                if let Ok(now) = client.current_timestamp().await {
                    break now;
                }
            };
            assert!((now.physical, now.logical) > (last.physical, last.logical));
            last = now;
            transactions_work(&client, &format!("when pd-{member} leads")).await;
        }
    });
}
