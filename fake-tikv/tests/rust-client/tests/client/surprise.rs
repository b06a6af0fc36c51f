//! What its users do not expect of this client, pinned: should a newer version do better, these tell.
//!
//! Those of raw scans come from one comparison: an empty end of a region, which is the end of the key space, counts as the
//! lowest of keys.

use std::time::Duration;

use fake_tikv::Spec;
use rust_client_tests::Running;
use tikv_client::{KvPair, RawClient, TransactionOptions};
use tokio::time::timeout;

use crate::{client, key, names, spec, txn};

#[test]
fn a_raw_scan_that_ends_in_the_last_region_begins_again_until_its_limit() {
    client(async {
        let cluster = Running::start(spec());
        let client = RawClient::new(cluster.pd()).await.unwrap();
        client.batch_put(["a", "b", "m", "z"].map(|name| KvPair::from((key(name), "")))).await.unwrap();
        assert_eq!(names(client.scan_keys(key("a")..key("zz"), 10).await.unwrap()), "abmzabmzab");
        assert_eq!(names(client.scan_keys(key("a")..key("zz"), 4).await.unwrap()), "abmz");
    });
}

#[test]
fn a_raw_scan_without_an_end_stops_with_its_first_region() {
    client(async {
        let cluster = Running::start(spec());
        let client = RawClient::new(cluster.pd()).await.unwrap();
        client.batch_put(["a", "b", "m", "z"].map(|name| KvPair::from((key(name), "")))).await.unwrap();
        assert_eq!(names(client.scan_keys(key("a").., 10).await.unwrap()), "ab");
    });
}

#[test]
fn a_raw_scan_of_an_empty_store_never_returns() {
    client(async {
        let cluster = Running::start(Spec { regions: 1, borders: fake_tikv::Borders::Even, ..spec() });
        let client = RawClient::new(cluster.pd()).await.unwrap();
        // one that returned would do so after one round trip
        let scan = timeout(Duration::from_millis(500), client.scan_keys(key("a")..key("b"), 10));
        assert!(scan.await.is_err());
    });
}

#[test]
fn a_transactional_scan_leaves_out_what_its_transaction_has_inserted() {
    client(async {
        let (_cluster, client) = txn::start().await;
        let mut txn = client.begin_optimistic().await.unwrap();
        txn.put(key("a"), "put").await.unwrap();
        txn.insert(key("b"), "inserted").await.unwrap();
        assert_eq!(txn.get(key("b")).await.unwrap(), Some(b"inserted".to_vec()));
        assert_eq!(names(txn.scan_keys(.., 10).await.unwrap()), "a");
        txn.rollback().await.unwrap();
    });
}

#[test]
fn locks_of_a_client_that_died_in_two_regions_cannot_be_overwritten() {
    client(async {
        let (_cluster, client) = txn::start().await;
        txn::die(&client, &["a", "z"]).await;
        // the first key of the dead transaction is freed once its time is over, without a trace; asked for the other, the store
        // says that it knows no such transaction, which this client takes for an error
        let mut next =
            client.begin_with_options(txn::patient(TransactionOptions::new_optimistic())).await.unwrap();
        next.put(key("a"), "after").await.unwrap();
        next.put(key("z"), "after").await.unwrap();
        let error = next.commit().await.unwrap_err();
        assert!(format!("{error:?}").contains("TxnNotFound {"), "{error:?}");
        next.rollback().await.unwrap();
    });
}
