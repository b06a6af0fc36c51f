//! Raw keys.

use std::process::Command;

use fake_tikv::{Mode, Spec};
use rust_client_tests::Running;
use tikv_client::{ColumnFamily, KvPair, RawClient};

use crate::{KEYS, client, key, names, spec};

/// A client of a new cluster, which ends with the first of the two.
async fn start(spec: Spec) -> (Running, RawClient) {
    let cluster = Running::start(spec);
    let client = RawClient::new(cluster.pd()).await.unwrap();
    (cluster, client)
}

#[test]
fn the_program_that_the_readme_shows_says_hello() {
    let cluster = Running::start(Spec::default());
    let said = Command::new(env!("CARGO_BIN_EXE_hello")).args(cluster.pd()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stdout), "hello world\n", "{said:?}");
}

/// A pair for each letter: `a` is `A` and so on.
fn letters() -> Vec<KvPair> {
    ('a'..='z').map(|c| KvPair::from((c.to_string(), c.to_ascii_uppercase().to_string()))).collect()
}

#[test]
fn what_was_put_is_read_again_from_every_region() {
    client(async {
        let (_cluster, client) = start(spec()).await;
        for name in KEYS {
            assert_eq!(client.get(key(name)).await.unwrap(), None);
            client.put(key(name), format!("value of {name}")).await.unwrap();
            let value = format!("value of {name}").into_bytes();
            assert_eq!(client.get(key(name)).await.unwrap(), Some(value));
            client.delete(key(name)).await.unwrap();
            assert_eq!(client.get(key(name)).await.unwrap(), None);
        }
        client.put(key("empty"), "").await.unwrap();
        assert_eq!(client.get(key("empty")).await.unwrap(), Some(Vec::new()));
    });
}

#[test]
fn batches_reach_every_region() {
    client(async {
        let (_cluster, client) = start(spec()).await;
        client.batch_put(letters()).await.unwrap();
        let mut found = client.batch_get(["a", "e", "nothing", "m", "z"].map(key)).await.unwrap();
        found.sort_by(|a, b| a.key().cmp(b.key()));
        let pairs: Vec<KvPair> = [("a", "A"), ("e", "E"), ("m", "M"), ("z", "Z")]
            .map(|(k, v)| KvPair::from((key(k), key(v))))
            .into();
        assert_eq!(found, pairs);
        client.batch_delete(["a", "e", "nothing", "m"].map(key)).await.unwrap();
        let left = client.batch_get(["a", "e", "m", "z"].map(key)).await.unwrap();
        assert_eq!(left, [KvPair::from((key("z"), key("Z")))]);
    });
}

#[test]
fn scans_stop_at_their_end_and_at_their_limit() {
    client(async {
        let (_cluster, client) = start(spec()).await;
        client.batch_put(letters()).await.unwrap();
        // an end in the last region, and none at all, are another story: `surprise`
        assert_eq!(names(client.scan_keys(key("b")..key("m"), 100).await.unwrap()), "bcdefghijkl");
        assert_eq!(names(client.scan_keys(key("b")..=key("m"), 100).await.unwrap()), "bcdefghijklm");
        assert_eq!(names(client.scan_keys(key("b")..key("m"), 5).await.unwrap()), "bcdef");
        let pairs = client.scan(key("c")..key("e"), 100).await.unwrap();
        assert_eq!(pairs, [("c", "C"), ("d", "D")].map(|(k, v)| KvPair::from((key(k), key(v)))));
        // backwards within a region: across borders this client asks the region of the lower end only
        assert_eq!(names(client.scan_keys_reverse(key("e")..key("i"), 3).await.unwrap()), "hgf");
        let ranges = [key("a")..key("c"), key("j")..key("l")];
        assert_eq!(names(client.batch_scan_keys(ranges.clone(), 10).await.unwrap()), "abjk");
        assert_eq!(
            client.batch_scan(ranges, 1).await.unwrap().len(),
            3,
            "a limit for each region of each range"
        );
    });
}

#[test]
fn a_range_is_deleted_across_regions() {
    client(async {
        let (_cluster, client) = start(spec()).await;
        client.batch_put(letters()).await.unwrap();
        client.delete_range(key("c")..key("u")).await.unwrap();
        let mut left = client.batch_get(('a'..='z').map(String::from)).await.unwrap();
        left.sort_by(|a, b| a.key().cmp(b.key()));
        assert_eq!(names(left.into_iter().map(KvPair::into_key)), "abuvwxyz");
    });
}

#[test]
fn a_value_is_swapped_only_for_the_value_it_had() {
    client(async {
        let (_cluster, client) = start(spec()).await;
        let client = client.with_atomic_for_cas();
        let swap = async |old: Option<&str>, new: &str| {
            let old = old.map(|old| old.as_bytes().to_vec());
            client.compare_and_swap(key("e"), old, new).await.unwrap()
        };
        assert_eq!(swap(Some("one"), "two").await, (None, false));
        assert_eq!(swap(None, "one").await, (None, true));
        assert_eq!(swap(None, "two").await, (Some(b"one".to_vec()), false));
        assert_eq!(swap(Some("one"), "two").await, (Some(b"one".to_vec()), true));
        assert_eq!(client.get(key("e")).await.unwrap(), Some(b"two".to_vec()));
        client.put(key("e"), "three").await.unwrap();
        client.delete(key("e")).await.unwrap();
        assert_eq!(swap(None, "four").await, (None, true));
    });
}

#[test]
fn keys_have_times_to_live_where_the_stores_keep_them() {
    client(async {
        let (_cluster, client) = start(Spec { mode: Mode::RawTtl, ..spec() }).await;
        client.put_with_ttl(key("e"), "E", 1000).await.unwrap();
        client.put(key("m"), "M").await.unwrap();
        let left = client.get_key_ttl_secs(key("e")).await.unwrap().unwrap();
        assert!((900..=1000).contains(&left), "{left}");
        assert_eq!(client.get_key_ttl_secs(key("m")).await.unwrap(), Some(0), "for ever");
        assert_eq!(client.get_key_ttl_secs(key("z")).await.unwrap(), None);
        client.batch_put_with_ttl(letters(), vec![500; 26]).await.unwrap();
        let left = client.get_key_ttl_secs(key("z")).await.unwrap().unwrap();
        assert!((400..=500).contains(&left), "{left}");
    });
}

#[test]
fn a_time_to_live_is_refused_where_the_stores_do_not_keep_it() {
    client(async {
        let (_cluster, client) = start(spec()).await;
        let error = client.put_with_ttl(key("e"), "E", 1000).await.unwrap_err();
        assert!(error.to_string().contains("ttl is not enabled"), "{error:?}");
        assert_eq!(client.get(key("e")).await.unwrap(), None);
    });
}

#[test]
fn column_families_are_apart() {
    client(async {
        let (_cluster, client) = start(spec()).await;
        let write = client.with_cf(ColumnFamily::Write);
        client.put(key("e"), "default").await.unwrap();
        write.put(key("e"), "write").await.unwrap();
        assert_eq!(client.get(key("e")).await.unwrap(), Some(b"default".to_vec()));
        assert_eq!(write.get(key("e")).await.unwrap(), Some(b"write".to_vec()));
        write.delete(key("e")).await.unwrap();
        assert_eq!(
            client.with_cf(ColumnFamily::Default).get(key("e")).await.unwrap(),
            Some(b"default".to_vec())
        );
    });
}
