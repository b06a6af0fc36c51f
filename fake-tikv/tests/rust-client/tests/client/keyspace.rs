//! Keyspaces of API V2.

use fake_tikv::{Borders, Mode, Spec};
use rust_client_tests::Running;
use tikv_client::{Config, KvPair, RawClient, TransactionClient};

use crate::{client, key, names, spec};

fn v2() -> Spec {
    Spec { mode: Mode::V2, borders: Borders::Even, ..spec() }
}

#[test]
fn raw_and_transactional_keys_of_one_name_live_side_by_side() {
    client(async {
        let cluster = Running::start(v2());
        let config = Config::default().with_default_keyspace();
        let raw = RawClient::new_with_config(cluster.pd(), config.clone()).await.unwrap();
        let txns = TransactionClient::new_with_config(cluster.pd(), config).await.unwrap();
        raw.put(key("e"), "raw").await.unwrap();
        let mut txn = txns.begin_optimistic().await.unwrap();
        for name in ["a", "e", "z"] {
            txn.put(key(name), "transactional").await.unwrap();
        }
        txn.commit().await.unwrap();
        assert_eq!(raw.get(key("e")).await.unwrap(), Some(b"raw".to_vec()));
        let mut txn = txns.begin_optimistic().await.unwrap();
        assert_eq!(txn.get(key("e")).await.unwrap(), Some(b"transactional".to_vec()));
        assert_eq!(names(txn.scan_keys(.., 10).await.unwrap()), "aez");
        assert_eq!(names(txn.scan_keys_reverse(key("b").., 10).await.unwrap()), "ze");
        txn.rollback().await.unwrap();
        // no surprise here: an end of a keyspace is a key
        raw.batch_put(["a", "z"].map(|name| KvPair::from((key(name), "")))).await.unwrap();
        assert_eq!(names(raw.scan_keys(.., 10).await.unwrap()), "aez");
        raw.delete_range(key("b")..).await.unwrap();
        assert_eq!(names(raw.scan_keys(.., 10).await.unwrap()), "a");
    });
}

#[test]
fn a_keyspace_that_is_not_there_is_refused() {
    client(async {
        let cluster = Running::start(v2());
        let config = Config::default().with_keyspace("nobody's");
        let Err(error) = RawClient::new_with_config(cluster.pd(), config).await else {
            panic!("it connected")
        };
        assert!(error.to_string().contains("keyspace does not exist"), "{error:?}");
    });
}
