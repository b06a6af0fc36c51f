//! What its users do not expect of this client, pinned: should a newer version do better, these tell.
//!
//! All of it comes from one line of its scan: an empty end of a region, which is the end of the key space, is compared as
//! if it were the lowest of keys.

use std::time::Duration;

use fake_tikv::Spec;
use rust_client_tests::Running;
use tikv_client::{KvPair, RawClient};
use tokio::time::timeout;

use crate::{client, key, names, spec};

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
