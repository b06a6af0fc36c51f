//! What is asked of a store, or of any peer, rather than of a leader.

use bytes::Bytes;
use fake_tikv::proto::errorpb;
use fake_tikv::proto::kvrpcpb::{
    Context, GetLockWaitInfoRequest, GetRequest, Mutation, PrewriteRequest, RawGetRequest, RawPutRequest,
    RawScanRequest, ReadIndexRequest, StoreSafeTsRequest, UnsafeDestroyRangeRequest,
};
use fake_tikv::proto::pdpb::TsoRequest;
use fake_tikv::{Mode, Node, Spec};

use crate::fixture::{Fixture, context, leader, spec, with};

/// One region, with one key.
async fn with_a_key(f: &Fixture) -> Context {
    let (mut client, context) = f.led(0).await;
    let put = RawPutRequest {
        context: Some(context.clone()),
        key: "a".into(),
        value: "1".into(),
        ..Default::default()
    };
    client.raw_put(put).await.unwrap();
    context
}
fn one_region() -> Spec {
    Spec { regions: 1, ..spec() }
}

#[test]
fn a_follower_reads_for_whoever_asks_it_to() {
    with(one_region(), |f| async move {
        let at_leader = with_a_key(&f).await;
        let region = f.regions().await.remove(0);
        let peers = region.region.as_ref().unwrap().peers.clone();
        let follower = *peers.iter().find(|peer| **peer != leader(&region)).unwrap();
        let mut client = f.tikv(follower.store_id).await;
        let plain = Context { peer: Some(follower), ..at_leader };
        let mut get = async |context: &Context| {
            let get = RawGetRequest { context: Some(context.clone()), key: "a".into(), ..Default::default() };
            client.raw_get(get).await.unwrap().into_inner()
        };
        let refused = get(&plain).await.region_error.unwrap().not_leader.unwrap();
        assert_eq!(refused.leader, region.leader);
        for context in
            [Context { replica_read: true, ..plain.clone() }, Context { stale_read: true, ..plain.clone() }]
        {
            assert_eq!(get(&context).await.value, "1");
        }
        // a write is the leader's, whatever the context says
        let context = Some(Context { replica_read: true, ..plain.clone() });
        let put = RawPutRequest { context, key: "b".into(), ..Default::default() };
        assert!(client.raw_put(put).await.unwrap().into_inner().region_error.is_some());
        let index = ReadIndexRequest { context: Some(plain), ..Default::default() };
        let index = client.read_index(index).await.unwrap().into_inner();
        assert!(index.region_error.is_none() && index.read_index > 0);
    });
}

#[test]
fn a_destroyed_range_is_gone_whoever_leads_it() {
    with(one_region(), |f| async move {
        let context = with_a_key(&f).await;
        let elsewhere = context.peer.unwrap().store_id % 3 + 1;
        let mut client = f.tikv(elsewhere).await;
        let destroy = |start_key: &'static str, end_key: &'static str| UnsafeDestroyRangeRequest {
            context: None,
            start_key: start_key.into(),
            end_key: end_key.into(),
        };
        let refused = client.unsafe_destroy_range(destroy("", "z")).await.unwrap().into_inner();
        assert_eq!(refused.error, "a range that is destroyed needs a start and an end");
        let done = client.unsafe_destroy_range(destroy("a", "b")).await.unwrap().into_inner();
        assert_eq!((done.error, done.region_error), (String::new(), None));
        let (mut client, context) = f.led(0).await;
        let scan = RawScanRequest { context: Some(context), limit: 9, ..Default::default() };
        assert_eq!(client.raw_scan(scan).await.unwrap().into_inner().kvs, []);
    });
}

#[test]
fn what_is_safe_to_read_is_before_any_timestamp_to_come() {
    with(one_region(), |f| async move {
        let mut client = f.tikv(1).await;
        let safe =
            client.get_store_safe_ts(StoreSafeTsRequest::default()).await.unwrap().into_inner().safe_ts;
        let request = tokio_stream::iter([TsoRequest { count: 1, ..Default::default() }]);
        let mut stamps = f.pd_leader().await.tso(request).await.unwrap().into_inner();
        let stamp = stamps.message().await.unwrap().unwrap().timestamp.unwrap();
        let next = (stamp.physical << 18 | stamp.logical).cast_unsigned();
        assert!(safe < next && next - safe < 1_000 << 18, "{safe} {next}");
        let waits = client.get_lock_wait_info(GetLockWaitInfoRequest::default()).await.unwrap();
        assert_eq!(waits.into_inner().entries, []);
    });
}

/// A replica cannot know what a transaction that still holds locks will have been.
#[test]
fn a_stale_read_after_an_open_transaction_is_not_ready() {
    with(Spec { mode: Mode::Txn, ..one_region() }, |f| async move {
        let (mut leads, context) = f.led(0).await;
        let region = f.regions().await.remove(0);
        let peers = region.region.unwrap().peers;
        let follower = *peers.iter().find(|peer| peer.id != context.peer.unwrap().id).unwrap();
        let mut client = f.tikv(follower.store_id).await;
        let before =
            client.get_store_safe_ts(StoreSafeTsRequest::default()).await.unwrap().into_inner().safe_ts;
        let put = Mutation { key: "a".into(), value: "1".into(), ..Default::default() };
        let prewrite = PrewriteRequest {
            context: Some(context.clone()),
            mutations: vec![put],
            primary_lock: "a".into(),
            start_version: before + 10,
            lock_ttl: 3_000,
            ..Default::default()
        };
        assert_eq!(leads.kv_prewrite(prewrite).await.unwrap().into_inner().errors, []);
        let safe =
            client.get_store_safe_ts(StoreSafeTsRequest::default()).await.unwrap().into_inner().safe_ts;
        assert_eq!(safe, before + 9);
        let stale = Context { peer: Some(follower), stale_read: true, ..context };
        let mut get = async |version| {
            let get = GetRequest { context: Some(stale.clone()), key: "b".into(), version };
            client.kv_get(get).await.unwrap().into_inner()
        };
        let answer = get(safe).await;
        assert!(answer.not_found && answer.region_error.is_none());
        let error = get(safe + 1).await.region_error.unwrap();
        let want =
            errorpb::DataIsNotReady { region_id: stale.region_id, peer_id: follower.id, safe_ts: safe };
        assert_eq!(error.data_is_not_ready, Some(want));
    });
}

#[test]
fn a_client_of_another_cluster_is_refused() {
    with(one_region(), |f| async move {
        let (mut client, context) = f.led(0).await;
        let cluster_id = f.cluster_id().await;
        let mut get = async |cluster_id| {
            let context = Some(Context { cluster_id, ..context.clone() });
            client.raw_get(RawGetRequest { context, key: Bytes::new(), ..Default::default() }).await
        };
        assert!(get(cluster_id).await.is_ok());
        let refused = get(cluster_id + 1).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument);
        assert_eq!(refused.message(), "the cluster id of the request does not match the TiKV cluster");
    });
}

#[test]
fn a_region_without_a_leader_says_so() {
    with(one_region(), |f| async move {
        let region = f.regions().await.remove(0);
        let led = leader(&region);
        let peers = region.region.as_ref().unwrap().peers.clone();
        let follower = *peers.iter().find(|peer| **peer != led).unwrap();
        f.cluster.stop(Node::Store(led.store_id));
        let context = Some(Context { peer: Some(follower), ..context(&region) });
        let get = RawGetRequest { context, key: "a".into(), ..Default::default() };
        let answer = f.tikv(follower.store_id).await.raw_get(get).await.unwrap().into_inner();
        assert_eq!(answer.region_error.unwrap().not_leader.unwrap().leader, None);
    });
}
