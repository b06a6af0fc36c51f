//! PD's embedded etcd.

use fake_tikv::Node;
use fake_tikv::proto::etcdserverpb::kv_client::KvClient;
use fake_tikv::proto::etcdserverpb::{DeleteRangeRequest, PutRequest, RangeRequest};
use tonic::Code;

use crate::fixture::{spec, with};

#[test]
fn keys_are_put_ranged_over_and_deleted_at_any_member() {
    with(spec(), |f| async move {
        let mut at = Vec::new();
        for member in 0..3 {
            at.push(KvClient::new(f.channel(Node::Pd(member)).await.unwrap()));
        }
        for (i, key) in ["/a", "/b", "/b/c", "/d"].into_iter().enumerate() {
            let put = PutRequest { key: key.into(), value: "v".into(), ..Default::default() };
            at[i % 3].put(put).await.unwrap();
        }
        let range = RangeRequest { key: "/b".into(), range_end: "/c".into(), limit: 1, ..Default::default() };
        let found = at[0].range(range.clone()).await.unwrap().into_inner();
        assert_eq!(
            (found.kvs.len(), found.more, found.count, found.header.unwrap().revision),
            (1, true, 2, 5)
        );
        let count = RangeRequest { count_only: true, ..range.clone() };
        let counted = at[1].range(count).await.unwrap().into_inner();
        assert_eq!((counted.kvs.len(), counted.more, counted.count), (0, false, 2));
        let keys = RangeRequest { keys_only: true, limit: 0, ..range.clone() };
        let keys = at[2].range(keys).await.unwrap().into_inner().kvs;
        assert!(keys.len() == 2 && keys.iter().all(|kv| kv.value.is_empty()));
        let delete = DeleteRangeRequest { key: "/b".into(), range_end: "/c".into(), prev_kv: true };
        let gone = at[0].delete_range(delete).await.unwrap().into_inner();
        assert_eq!((gone.deleted, gone.prev_kvs.len()), (2, 2));
        assert_eq!(at[1].range(range).await.unwrap().into_inner().count, 0);
    });
}

#[test]
fn what_etcd_refuses_is_refused_in_its_words() {
    with(spec(), |f| async move {
        let member = (f.cluster.pd_leader() + 1) % 3;
        let mut kv = KvClient::new(f.channel(Node::Pd(member)).await.unwrap());
        let refused = kv.range(RangeRequest::default()).await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.message()),
            (Code::InvalidArgument, "etcdserver: key is not provided")
        );
        let future = RangeRequest { key: "k".into(), revision: 99, ..Default::default() };
        assert_eq!(kv.range(future).await.unwrap_err().code(), Code::OutOfRange);
        let lease = PutRequest { key: "k".into(), lease: 5, ..Default::default() };
        assert_eq!(kv.put(lease).await.unwrap_err().message(), "etcdserver: requested lease not found");
        // without a leader only what one member knows can be read
        f.cluster.stop(Node::Pd(f.cluster.pd_leader()));
        let read = RangeRequest { key: "k".into(), ..Default::default() };
        assert_eq!(kv.range(read.clone()).await.unwrap_err().message(), "etcdserver: no leader");
        kv.range(RangeRequest { serializable: true, ..read }).await.unwrap();
    });
}
