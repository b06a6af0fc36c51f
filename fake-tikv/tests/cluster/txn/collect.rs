//! What goes for good.

use fake_tikv::Node;
use fake_tikv::proto::kvrpcpb::*;
use fake_tikv::proto::tikvpb::tikv_client::TikvClient;

use super::client::{Client, spec};
use super::wire::{mutation, prewrite_request, put, value, write};
use crate::fixture::with;

/// What a key holds, in short: types and values, latest first.
async fn held(client: &Client<'_>, key: &'static str) -> Vec<(Op, String)> {
    let request = MvccGetByKeyRequest { key: key.into(), ..Default::default() };
    let info = client.mvcc_by_key(key.as_bytes(), request).await.info.unwrap();
    info.writes
        .iter()
        .map(|write| (write.r#type(), String::from_utf8_lossy(&write.short_value).into()))
        .collect()
}

#[test]
fn versions_go_that_nobody_can_see_from_the_safe_point_on() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        for value in ["1", "2", "3"] {
            write(&client, vec![put("a", value), put("b", value)]).await;
        }
        let deleted = write(&client, vec![mutation(Op::Del, "b", "")]).await;
        let last = write(&client, vec![put("a", "4")]).await;
        let gc = GcRequest { safe_point: deleted, ..Default::default() };
        assert_eq!(client.kv_gc(b"a", gc).await.error, None);
        assert_eq!(held(&client, "a").await, [(Op::Put, "4".into()), (Op::Put, "3".into())]);
        assert_eq!(held(&client, "b").await, []);
        assert_eq!(value(&client, "a", last - 1).await.unwrap(), "3");
    });
}

#[test]
fn a_range_goes_with_its_locks_and_only_the_range() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        write(&client, vec![put("a", "1"), put("b", "1"), put("c", "1")]).await;
        write(&client, vec![put("z", "1")]).await;
        let start = client.ts().await;
        assert_eq!(client.kv_prewrite(b"b", prewrite_request(start, vec![put("b", "2")])).await.errors, []);
        let by_start = MvccGetByStartTsRequest { start_ts: start, ..Default::default() };
        assert_eq!(client.mvcc_by_start(b"a", by_start).await.key, "b");
        let range = DeleteRangeRequest { start_key: "b".into(), end_key: "c".into(), ..Default::default() };
        let heard = DeleteRangeRequest { notify_only: true, ..range.clone() };
        client.kv_delete_range(b"b", heard).await;
        assert_eq!(held(&client, "b").await.len(), 1);
        client.kv_delete_range(b"b", range).await;
        let now = client.ts().await;
        for (key, there) in [("a", true), ("b", false), ("c", true), ("z", true)] {
            assert_eq!(value(&client, key, now).await.is_some(), there, "{key}");
        }
        // of a whole store, which is the whole cluster here
        let mut store = TikvClient::new(f.channel(Node::Store(2)).await.unwrap());
        let destroy =
            UnsafeDestroyRangeRequest { start_key: "a".into(), end_key: "b".into(), ..Default::default() };
        assert_eq!(store.unsafe_destroy_range(destroy).await.unwrap().into_inner().error, "");
        assert_eq!((held(&client, "a").await, held(&client, "z").await.len()), (vec![], 1));
    });
}
