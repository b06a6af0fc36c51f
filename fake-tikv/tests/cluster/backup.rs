//! Backup over all stores.

use std::time::Duration;

use fake_tikv::proto::backup::error::Detail;
use fake_tikv::proto::backup::{BackupRequest, BackupResponse};
use fake_tikv::proto::kvrpcpb::KeyRange;
use fake_tikv::{Node, data};
use tokio::time::{Instant, sleep};

use crate::fixture::{Fixture, leader, spec, with};

async fn all(f: &Fixture, store: u64, request: BackupRequest) -> Vec<BackupResponse> {
    let mut answers = f.backup(store).await.backup(request).await.unwrap().into_inner();
    let mut all = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        all.push(answer);
    }
    all
}

#[test]
fn all_stores_together_cover_every_region_exactly_once() {
    with(spec(), |f| async move {
        let request = BackupRequest { cluster_id: f.cluster_id().await, ..Default::default() };
        let mut pieces = Vec::new();
        for store in 1..=3 {
            let begun = Instant::now();
            let answers = all(&f, store, request.clone()).await;
            // two regions of 2 s each, one after the other
            let took = begun.elapsed();
            assert!(took >= Duration::from_secs(4) && took < Duration::from_millis(4_100), "{took:?}");
            assert!(answers.is_sorted_by_key(|a| a.start_key.clone()));
            assert!(
                answers.iter().all(|a| a.error.is_none() && a.files.len() == 1 && a.files[0].total_kvs == 5)
            );
            pieces.extend(answers.into_iter().map(|a| (a.start_key, a.end_key)));
        }
        pieces.sort();
        let regions = f.regions().await.into_iter().map(|r| r.region.unwrap());
        assert_eq!(pieces, regions.map(|m| (m.start_key, m.end_key)).collect::<Vec<_>>());
        let observed = f.cluster.observed();
        assert_eq!(observed.ranges_backed_up, observed.ranges);
    });
}

#[test]
fn pieces_are_clipped_to_the_ranges_asked_for() {
    with(spec(), |f| async move {
        let cluster_id = f.cluster_id().await;
        let range = |from, to| KeyRange { start_key: data::key(from), end_key: data::key(to) };
        // the halves of two neighbours, and a part of the first region; the outer range does not count
        let sub_ranges = vec![range(7, 12), range(1, 3)];
        let request = BackupRequest { cluster_id, sub_ranges, end_key: "a".into(), ..Default::default() };
        let mut pieces = Vec::new();
        for store in 1..=3 {
            pieces
                .extend(all(&f, store, request.clone()).await.into_iter().map(|a| (a.start_key, a.end_key)));
        }
        pieces.sort();
        assert_eq!(pieces, [(1, 3), (7, 10), (10, 12)].map(|(a, b)| (data::key(a), data::key(b))));
        assert_eq!(f.cluster.observed().ranges_backed_up, [] as [&str; 0], "no region as a whole");
    });
}

#[test]
fn another_cluster_is_refused_within_the_answer() {
    with(spec(), |f| async move {
        let answers = all(&f, 1, BackupRequest { cluster_id: 42, ..Default::default() }).await;
        let Some(Detail::ClusterIdError(error)) = answers[0].error.clone().unwrap().detail else { panic!() };
        assert_eq!((answers.len(), error.request, error.current), (1, 42, f.cluster_id().await));
    });
}

#[test]
fn a_cancelled_backup_stops() {
    with(spec(), |f| async move {
        let request = BackupRequest { cluster_id: f.cluster_id().await, ..Default::default() };
        let mut answers = f.backup(1).await.backup(request).await.unwrap().into_inner();
        answers.message().await.unwrap().unwrap();
        drop(answers);
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(f.cluster.observed().ranges_backed_up.len(), 1);
        assert_eq!(f.cluster.observed().open_streams[0], (1, 0));
    });
}

#[test]
fn a_backup_goes_on_at_the_new_leaders() {
    with(spec(), |f| async move {
        let request = BackupRequest { cluster_id: f.cluster_id().await, ..Default::default() };
        f.cluster.stop(Node::Store(2));
        sleep(Duration::from_secs(10)).await;
        for store in [1, 3] {
            all(&f, store, request.clone()).await;
        }
        assert_eq!(f.cluster.observed().ranges_backed_up.len(), 6);
        assert!(f.regions().await.iter().all(|r| leader(r).store_id != 2));
    });
}
