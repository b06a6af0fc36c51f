//! What clients ask PD for beside members, timestamps, stores and regions.

use bytes::Bytes;
use fake_tikv::proto::keyspacepb::keyspace_client::KeyspaceClient;
use fake_tikv::proto::keyspacepb::{GetAllKeyspacesRequest, KeyspaceState, LoadKeyspaceRequest};
use fake_tikv::proto::pdpb::{self, ErrorType, GlobalConfigItem, OperatorStatus, ResponseHeader};
use fake_tikv::{KeyspaceError, Node, data};
use tonic::{Code, Request};

use crate::fixture::{Fixture, spec, with};

/// The error in the header of an answer, which always has one and names the cluster.
fn error(header: Option<ResponseHeader>) -> Option<(ErrorType, String)> {
    let header = header.expect("every answer has a header");
    assert_ne!(header.cluster_id, 0);
    header.error.map(|error| (error.r#type(), error.message))
}

#[test]
fn a_cluster_is_bootstrapped_and_allots_ids_once() {
    with(spec(), |f| async move {
        let mut pd = f.pd_leader().await;
        let answer = pd.is_bootstrapped(pdpb::IsBootstrappedRequest::default()).await.unwrap().into_inner();
        assert!(answer.bootstrapped && error(answer.header).is_none());
        let answer = pd.bootstrap(pdpb::BootstrapRequest::default()).await.unwrap().into_inner();
        let words = "cluster is already bootstrapped".to_owned();
        assert_eq!(error(answer.header), Some((ErrorType::AlreadyBootstrapped, words)));
        let answer =
            pd.get_cluster_config(pdpb::GetClusterConfigRequest::default()).await.unwrap().into_inner();
        assert_eq!(answer.cluster.map(|cluster| cluster.max_peer_count), Some(3));
        let mut id = async || pd.alloc_id(pdpb::AllocIdRequest::default()).await.unwrap().into_inner().id;
        let (a, b) = (id().await, id().await);
        let ids = f.regions().await.into_iter().flat_map(|region| {
            let meta = region.region.unwrap();
            meta.peers.into_iter().map(|peer| peer.id).chain([meta.id])
        });
        assert!(a != b && ids.into_iter().all(|id| id != a && id != b));
    });
}

#[test]
fn the_leader_says_who_is_wrong_before_it_says_what() {
    with(spec(), |f| async move {
        let leader = f.cluster.pd_leader();
        let header = Some(pdpb::RequestHeader { cluster_id: 1, sender_id: 0 });
        let request = pdpb::GetStoreRequest { header, store_id: 1 };
        let wrong = f.pd(leader).await.get_store(request).await.unwrap_err();
        let words = format!("mismatch cluster id, need {} but got 1", f.cluster_id().await);
        assert_eq!((wrong.code(), wrong.message()), (Code::FailedPrecondition, &words[..]));
        let wrong = f.pd((leader + 1) % 3).await.get_store(request).await.unwrap_err();
        assert_eq!((wrong.code(), wrong.message()), (Code::Unavailable, "not leader"));
    });
}

#[test]
fn a_follower_passes_a_call_on_and_reads_regions_where_it_may() {
    with(spec(), |f| async move {
        let leader = f.cluster.pd_leader();
        let follower = (leader + 1) % 3;
        let mut pd = f.pd(follower).await;
        let to = |member: u32| {
            let mut request = Request::new(pdpb::GetAllStoresRequest::default());
            let host = format!("http://{}", f.addr(Node::Pd(member)));
            request.metadata_mut().insert("pd-forwarded-host", host.parse().unwrap());
            request
        };
        assert_eq!(pd.get_all_stores(to(leader)).await.unwrap().into_inner().stores.len(), 3);
        let other = (leader + 2) % 3;
        assert_eq!(pd.get_all_stores(to(other)).await.unwrap_err().message(), "not leader");
        f.cluster.stop(Node::Pd(other));
        assert_eq!(pd.get_all_stores(to(other)).await.unwrap_err().code(), Code::Unavailable);

        let mut read = Request::new(pdpb::GetRegionRequest::default());
        assert!(pd.get_region(pdpb::GetRegionRequest::default()).await.is_err());
        read.metadata_mut().insert("pd-allow-follower-handle", "".parse().unwrap());
        assert!(pd.get_region(read).await.unwrap().into_inner().region.is_some());
    });
}

#[test]
fn peers_of_a_store_that_is_lost_for_long_are_down() {
    with(spec(), |f| async move {
        f.cluster.stop(Node::Store(2));
        tokio::time::sleep(std::time::Duration::from_secs(9 * 60)).await;
        assert!(f.regions().await.iter().all(|region| region.down_peers.is_empty()));
        tokio::time::sleep(std::time::Duration::from_secs(2 * 60)).await;
        for region in f.regions().await {
            let down: Vec<_> = region.down_peers.iter().map(|down| down.peer.unwrap().store_id).collect();
            assert_eq!(down, [2]);
            assert!(region.down_peers[0].down_seconds >= 600);
        }
    });
}

#[test]
fn regions_are_split_and_scattered_at_keys() {
    with(spec(), |f| async move {
        let mut pd = f.pd_leader().await;
        let keys = vec![data::key(2), data::key(7), data::key(8)];
        let split = pdpb::SplitRegionsRequest { split_keys: keys.clone(), ..Default::default() };
        let answer = pd.split_regions(split.clone()).await.unwrap().into_inner();
        assert_eq!((answer.finished_percentage, answer.regions_id.len()), (100, 3));
        for (id, key) in answer.regions_id.iter().zip(&keys) {
            let request = pdpb::GetRegionByIdRequest { region_id: *id, ..Default::default() };
            let region = pd.get_region_by_id(request).await.unwrap().into_inner().region.unwrap();
            assert_eq!(region.start_key, key);
        }
        assert_eq!(f.regions().await.len(), 9);
        let again = pd.split_regions(split).await.unwrap().into_inner();
        assert_eq!((again.finished_percentage, again.regions_id), (0, vec![]));

        let both = pdpb::SplitAndScatterRegionsRequest {
            split_keys: vec![data::key(12), data::key(10)],
            ..Default::default()
        };
        let both = pd.split_and_scatter_regions(both).await.unwrap().into_inner();
        assert_eq!((both.split_finished_percentage, both.scatter_finished_percentage), (50, 100));
        let operator = pdpb::GetOperatorRequest { region_id: both.regions_id[0], ..Default::default() };
        let operator = pd.get_operator(operator).await.unwrap().into_inner();
        assert_eq!(
            (&operator.desc[..], operator.status()),
            (&b"scatter-region"[..], OperatorStatus::Success)
        );
        let scatter = pdpb::ScatterRegionRequest {
            regions_id: vec![answer.regions_id[0], 999_999],
            ..Default::default()
        };
        let scatter = pd.scatter_region(scatter).await.unwrap().into_inner();
        assert_eq!((error(scatter.header), scatter.finished_percentage), (None, 50));
        let none = pdpb::GetOperatorRequest { region_id: answer.regions_id[1], ..Default::default() };
        let none = pd.get_operator(none).await.unwrap().into_inner();
        assert_eq!(error(none.header), Some((ErrorType::RegionNotFound, "Not Found".into())));
    });
}

#[test]
fn safe_points_outlive_the_leader_that_took_them() {
    with(spec(), |f| async move {
        let mut pd = f.pd_leader().await;
        let update = pdpb::UpdateGcSafePointRequest { safe_point: 7, ..Default::default() };
        assert_eq!(pd.update_gc_safe_point(update).await.unwrap().into_inner().new_safe_point, 7);
        let br = pdpb::UpdateServiceGcSafePointRequest {
            service_id: "br".into(),
            ttl: 300,
            safe_point: 90,
            ..Default::default()
        };
        let min = pd.update_service_gc_safe_point(br.clone()).await.unwrap().into_inner();
        assert_eq!((&min.service_id[..], min.min_safe_point), (&b"gc_worker"[..], 0));
        let worker = pdpb::UpdateServiceGcSafePointRequest {
            service_id: "gc_worker".into(),
            ttl: i64::MAX,
            safe_point: 100,
            ..Default::default()
        };
        let min = pd.update_service_gc_safe_point(worker.clone()).await.unwrap().into_inner();
        assert_eq!((&min.service_id[..], min.min_safe_point), (&b"br"[..], 90));
        assert!((299..=300).contains(&min.ttl), "{}", min.ttl);
        let wrong = pdpb::UpdateServiceGcSafePointRequest { ttl: 5, ..worker.clone() };
        assert_eq!(pd.update_service_gc_safe_point(wrong).await.unwrap_err().code(), Code::Unknown);

        f.cluster.stop(Node::Pd(f.cluster.pd_leader()));
        tokio::time::sleep(std::time::Duration::from_secs(301)).await;
        let mut pd = f.pd_leader().await;
        let gc = pd.get_gc_safe_point(pdpb::GetGcSafePointRequest::default()).await.unwrap().into_inner();
        assert_eq!(gc.safe_point, 7);
        let min = pd.update_service_gc_safe_point(worker).await.unwrap().into_inner();
        assert_eq!((&min.service_id[..], min.min_safe_point), (&b"gc_worker"[..], 100), "br's has expired");
    });
}

#[test]
fn the_external_timestamp_grows_up_to_now() {
    with(spec(), |f| async move {
        let mut pd = f.pd_leader().await;
        let now = (unstuck_net::clock::EPOCH_MS + 1) << 18;
        let mut set = async |timestamp: u64| {
            let request = pdpb::SetExternalTimestampRequest { timestamp, ..Default::default() };
            error(pd.set_external_timestamp(request).await.unwrap().into_inner().header).map(|error| error.0)
        };
        assert_eq!(set(now).await, None);
        assert_eq!(set(now).await, Some(ErrorType::InvalidValue));
        assert_eq!(set(now << 1).await, Some(ErrorType::InvalidValue));
        let told = pd.get_external_timestamp(pdpb::GetExternalTimestampRequest::default()).await.unwrap();
        assert_eq!(told.into_inner().timestamp, now);
    });
}

impl Fixture {
    async fn store_config(&self, items: &[(&str, &str, pdpb::EventType)]) {
        let item = |(name, value, kind): &(&str, &str, pdpb::EventType)| GlobalConfigItem {
            name: (*name).into(),
            payload: Bytes::copy_from_slice(value.as_bytes()),
            kind: (*kind).into(),
            ..Default::default()
        };
        let request = pdpb::StoreGlobalConfigRequest {
            changes: items.iter().map(item).collect(),
            ..Default::default()
        };
        self.pd_leader().await.store_global_config(request).await.unwrap();
    }
}

#[test]
fn global_configuration_is_stored_loaded_and_watched() {
    use pdpb::EventType::{Delete, Put};
    with(spec(), |f| async move {
        f.store_config(&[("a", "1", Put), ("b", "2", Put)]).await;
        let mut pd = f.pd_leader().await;
        let names = vec!["b".into(), "c".into()];
        let request = pdpb::LoadGlobalConfigRequest { names, ..Default::default() };
        let items = pd.load_global_config(request).await.unwrap().into_inner().items;
        assert_eq!((&items[0].payload[..], items[0].error.is_none()), (&b"2"[..], true));
        assert_eq!(items[1].error.as_ref().unwrap().message, "key c not found");
        let all = pd.load_global_config(pdpb::LoadGlobalConfigRequest::default()).await.unwrap().into_inner();
        let keys: Vec<_> = all.items.iter().map(|item| &item.name[..]).collect();
        assert_eq!((keys, all.revision), (vec!["/global/config/a", "/global/config/b"], 3));

        let from = pdpb::WatchGlobalConfigRequest { revision: all.revision + 1, ..Default::default() };
        let mut watch = pd.watch_global_config(from).await.unwrap().into_inner();
        f.store_config(&[("a", "", Delete), ("b", "3", Put)]).await;
        let mut seen = Vec::new();
        while seen.len() < 2 {
            let answer = watch.message().await.unwrap().unwrap();
            seen.extend(
                answer.changes.iter().map(|c| (c.name.clone(), c.payload.clone(), c.kind(), answer.revision)),
            );
        }
        let b = ("/global/config/b".into(), "3".into(), Put, 5);
        assert_eq!(seen, [("/global/config/a".into(), "1".into(), Delete, 4), b]);

        // from the start on: what happened before is told too
        let old = pdpb::WatchGlobalConfigRequest { revision: 2, ..Default::default() };
        let mut old = pd.watch_global_config(old).await.unwrap().into_inner();
        assert_eq!(old.message().await.unwrap().unwrap().changes[0].name, "/global/config/a");
        let lost = pdpb::WatchGlobalConfigRequest { revision: 1, ..Default::default() };
        let mut lost = pd.watch_global_config(lost).await.unwrap().into_inner();
        let compacted = lost.message().await.unwrap().unwrap();
        assert_eq!(error(compacted.header).unwrap().0, ErrorType::DataCompacted);
        assert!(lost.message().await.unwrap().is_none());
    });
}

#[test]
fn keyspaces_are_found_by_name() {
    with(spec(), |f| async move {
        assert_eq!(f.cluster.create_keyspace("tenant-1"), Ok(1));
        assert_eq!(f.cluster.create_keyspace("tenant-1"), Err(KeyspaceError::Exists));
        let mut client = KeyspaceClient::new(f.channel(Node::Pd(f.cluster.pd_leader())).await.unwrap());
        let mut load = async |name: &str| {
            let request = LoadKeyspaceRequest { name: name.into(), ..Default::default() };
            client.load_keyspace(request).await.unwrap().into_inner()
        };
        for (name, id) in [("DEFAULT", 0), ("tenant-1", 1)] {
            let answer = load(name).await;
            assert_eq!(error(answer.header), None);
            let keyspace = answer.keyspace.unwrap();
            assert_eq!((keyspace.id, keyspace.state()), (id, KeyspaceState::Enabled));
        }
        let none = load("nobody").await;
        let words = "keyspace does not exist".to_owned();
        assert_eq!((error(none.header), none.keyspace), (Some((ErrorType::EntryNotFound, words)), None));
        let all = GetAllKeyspacesRequest { start_id: 1, ..Default::default() };
        let all = client.get_all_keyspaces(all).await.unwrap().into_inner().keyspaces;
        assert_eq!(all.into_iter().map(|keyspace| keyspace.name).collect::<Vec<_>>(), ["tenant-1"]);
    });
}
