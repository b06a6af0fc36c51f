//! What a client learns from PD.

use std::time::Duration;

use fake_tikv::proto::pdpb::{
    GetAllStoresRequest, GetClusterInfoRequest, GetMembersRequest, GetRegionByIdRequest, GetRegionRequest,
    GetStoreRequest, RequestHeader, ScanRegionsRequest, ServiceMode, TsoRequest,
};
use fake_tikv::{Node, PeerOrder, Spec, data};
use tokio::time::sleep;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use crate::fixture::{leader, spec, with};

#[test]
fn every_member_tells_who_they_are_and_who_leads() {
    with(spec(), |f| async move {
        let proxy = "127.0.0.1:4242".parse().unwrap();
        f.cluster.advertise(Node::Pd(1), proxy);
        for member in 0..3 {
            let answer =
                f.pd(member).await.get_members(GetMembersRequest::default()).await.unwrap().into_inner();
            assert_ne!(answer.header.unwrap().cluster_id, 0);
            let urls: Vec<_> = answer.members.iter().map(|m| m.client_urls[0].clone()).collect();
            assert_eq!(urls[0], format!("http://{}", f.addr(Node::Pd(0))));
            assert_eq!(urls[1], "http://127.0.0.1:4242");
            assert_eq!(answer.leader.unwrap(), answer.members[f.cluster.pd_leader() as usize]);
        }
        let info = f.pd(0).await.get_cluster_info(GetClusterInfoRequest::default()).await.unwrap();
        assert_eq!(info.into_inner().service_modes, [i32::from(ServiceMode::PdSvcMode)]);
    });
}

#[test]
fn followers_and_strangers_are_refused() {
    with(spec(), |f| async move {
        let follower = (0..3).find(|m| *m != f.cluster.pd_leader()).unwrap();
        let error = f.pd(follower).await.scan_regions(ScanRegionsRequest::default()).await.unwrap_err();
        let words = "not leader and follower handling not allowed";
        assert_eq!((error.code(), error.message()), (Code::Unavailable, words));
        let error = f.pd(follower).await.get_all_stores(GetAllStoresRequest::default()).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (Code::Unavailable, "not leader"));
        let header = Some(RequestHeader { cluster_id: 1, sender_id: 0 });
        let request = GetAllStoresRequest { header, ..Default::default() };
        let error = f.pd_leader().await.get_all_stores(request).await.unwrap_err();
        assert_eq!(error.code(), Code::FailedPrecondition);
    });
}

#[test]
fn regions_cover_the_key_space_with_balanced_leaders() {
    with(spec(), |f| async move {
        let regions = f.regions().await;
        assert_eq!(regions.len(), 6);
        let metas: Vec<_> = regions.iter().map(|r| r.region.clone().unwrap()).collect();
        assert!(metas[0].start_key.is_empty() && metas[5].end_key.is_empty());
        assert!(metas.windows(2).all(|pair| pair[0].end_key == pair[1].start_key));
        for store in 1..=3 {
            assert_eq!(regions.iter().filter(|r| leader(r).store_id == store).count(), 2);
            assert!(metas.iter().all(|m| m.peers.iter().any(|p| p.store_id == store)));
        }
        assert_eq!(metas[2].start_key, data::key(10));
        let mut pd = f.pd_leader().await;
        let key = GetRegionRequest { region_key: data::key(12), ..Default::default() };
        let found = pd.get_region(key.clone()).await.unwrap().into_inner();
        assert_eq!((found.region.as_ref(), found.leader), (Some(&metas[2]), regions[2].leader));
        assert_eq!(pd.get_prev_region(key).await.unwrap().into_inner().region.as_ref(), Some(&metas[1]));
        let by_id = GetRegionByIdRequest { region_id: metas[3].id, ..Default::default() };
        assert_eq!(pd.get_region_by_id(by_id).await.unwrap().into_inner().region.as_ref(), Some(&metas[3]));
        let none = GetRegionByIdRequest { region_id: 1, ..Default::default() };
        assert_eq!(pd.get_region_by_id(none).await.unwrap().into_inner().region, None);
        let page = ScanRegionsRequest { start_key: data::key(7), limit: 2, ..Default::default() };
        let page = pd.scan_regions(page).await.unwrap().into_inner();
        assert_eq!(page.region_metas, metas[1..3]);
    });
}

#[test]
fn one_store_can_come_first_in_every_region() {
    with(Spec { stores: 5, peer_order: PeerOrder::First(4), ..spec() }, |f| async move {
        for region in f.regions().await {
            let peers: Vec<_> = region.region.unwrap().peers.iter().map(|p| p.store_id).collect();
            assert_eq!((peers.len(), peers[0]), (3, 4));
            assert!(!peers[1..].contains(&4) && peers[1] != peers[2]);
        }
    });
}

#[test]
fn a_seed_decides_the_layout() {
    let layout = |seed| {
        let mut layout = Vec::new();
        let out = &mut layout;
        with(Spec { seed, ..spec() }, |f| async move { *out = f.regions().await });
        layout
    };
    assert_eq!(layout(1), layout(1));
    assert_ne!(layout(1), layout(2));
}

#[test]
fn timestamps_grow_over_a_change_of_leaders() {
    with(spec(), |f| async move {
        let mut last = (0, 0);
        for round in 0..2 {
            let (requests, incoming) = tokio::sync::mpsc::channel(8);
            let mut answers =
                f.pd_leader().await.tso(ReceiverStream::new(incoming)).await.unwrap().into_inner();
            for count in [1, 100, 3] {
                requests.send(TsoRequest { count, ..Default::default() }).await.unwrap();
                let answer = answers.message().await.unwrap().unwrap();
                assert_eq!(answer.count, count);
                let stamp = answer.timestamp.unwrap();
                let first = (stamp.physical, stamp.logical - i64::from(count) + 1);
                assert!(first > last, "{first:?} {last:?}");
                last = (stamp.physical, stamp.logical);
            }
            let old = f.cluster.pd_leader();
            f.cluster.stop(Node::Pd(old));
            // the stream ends with its leader
            assert!(answers.message().await.is_err());
            assert_eq!(f.cluster.pd_leader(), old);
            sleep(Duration::from_secs(10)).await;
            assert_eq!(f.cluster.pd_leader() != old, round == 0, "one of three members cannot elect");
            if round == 1 {
                f.cluster.restart(Node::Pd(old));
                sleep(Duration::from_secs(10)).await;
                f.pd_leader().await.get_all_stores(GetAllStoresRequest::default()).await.unwrap();
            }
        }
    });
}

#[test]
fn pd_tells_when_a_store_was_last_heard_of_and_that_it_started_again() {
    with(spec(), |f| async move {
        let mut pd = f.pd_leader().await;
        let mut store = async || {
            let request = GetStoreRequest { store_id: 2, ..Default::default() };
            pd.get_store(request).await.unwrap().into_inner().store.unwrap()
        };
        let at_first = store().await;
        assert_eq!(at_first.address, f.addr(Node::Store(2)).to_string());
        sleep(Duration::from_secs(60)).await;
        let up = store().await;
        assert!(up.last_heartbeat - at_first.last_heartbeat >= 60_000_000_000);
        f.cluster.stop(Node::Store(2));
        sleep(Duration::from_secs(60)).await;
        let down = store().await;
        // nothing was heard since the stop, a few round trips after the last look
        assert!(down.last_heartbeat - up.last_heartbeat < 1_000_000_000);
        f.cluster.restart(Node::Store(2));
        let again = store().await;
        assert!(again.last_heartbeat - down.last_heartbeat >= 60_000_000_000);
        assert!(again.start_timestamp > at_first.start_timestamp);
        let none = pd.get_store(GetStoreRequest { store_id: 9, ..Default::default() }).await.unwrap();
        let error = none.into_inner().header.unwrap().error.unwrap();
        assert_eq!(error.message, "invalid store ID 9, not found");
    });
}
