//! The PD client against the members of a cluster, in virtual time.

use std::net::SocketAddr;
use std::time::Duration;

use fake_tikv::{Cluster, Node, PeerOrder, Spec, Speed};
use tonic::Code;
use unstuck::client::ctx::Ctx;
use unstuck::client::pd::{PdClient, PdOptions};
use unstuck_net::sim::{SimConfig, SimNet, runtime};
use unstuck_net::{Clock, Net};

const REGIONS: u32 = 40;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

async fn cluster(net: &Net) -> (Cluster, Vec<SocketAddr>) {
    let spec = Spec {
        pd: 3,
        stores: 3,
        regions: REGIONS,
        keys_per_region: 1,
        max_concurrent_streams: 1024,
        keepalive_time: secs(10),
        keepalive_timeout: secs(3),
        election: secs(10),
        speed: Speed::default(),
        peer_order: PeerOrder::Shuffled,
        seed: 1,
        ..Spec::default()
    };
    let cluster = Cluster::start(net, Clock::start(), spec).await.expect("the sim has free ports");
    let nodes = cluster.nodes().into_iter();
    let pd = nodes.filter(|(node, _)| matches!(node, Node::Pd(_))).map(|(_, addr)| addr).collect();
    (cluster, pd)
}

fn sim() -> Net {
    Net::Sim(SimNet::new(SimConfig::default()))
}

#[test]
fn one_seed_is_enough_to_learn_leader_stores_and_regions() {
    runtime(1).block_on(async {
        let net = sim();
        let (cluster, pd) = cluster(&net).await;
        for seed in pd {
            let client = PdClient::new(&net, vec![seed], PdOptions::default());
            let ctx = Ctx::background();
            assert_ne!(client.cluster_id(&ctx).await.unwrap(), 0);
            let ids: Vec<_> =
                client.get_all_stores(&ctx).await.unwrap().iter().map(|store| store.id).collect();
            assert_eq!(ids.len(), 3);
            assert_eq!(client.get_store(&ctx, ids[1]).await.unwrap().id, ids[1]);
            let regions = client.scan_regions(&ctx, b"", b"", 0).await.unwrap();
            assert_eq!(regions.len(), REGIONS as usize);
            let (last, leader) = regions.last().unwrap();
            assert!(leader.is_some() && last.end_key.is_empty());
            let by_key = client.get_region(&ctx, &last.start_key).await.unwrap().unwrap();
            let by_id = client.get_region_by_id(&ctx, last.id).await.unwrap().unwrap();
            assert_eq!((&by_key.0, &by_id.0), (last, last));
            assert!(client.get_store(&ctx, 999).await.is_err());
        }
        cluster.shutdown();
    });
}

#[test]
fn with_no_member_left_a_call_fails_soon_and_after_their_return_one_succeeds() {
    runtime(1).block_on(async {
        let net = sim();
        let (cluster, pd) = cluster(&net).await;
        let client = PdClient::new(&net, pd, PdOptions::default());
        let ctx = Ctx::background();
        client.get_all_stores(&ctx).await.unwrap();
        (0..3).map(Node::Pd).for_each(|member| cluster.stop(member));
        let stopped = tokio::time::Instant::now();
        for _ in 0..3 {
            assert_eq!(client.get_all_stores(&ctx).await.unwrap_err().code(), Code::Unavailable);
        }
        // refused at once: neither the limit of 3 s a call nor 1 s a member is needed
        assert!(stopped.elapsed() < secs(3), "{:?}", stopped.elapsed());
        (0..3).map(Node::Pd).for_each(|member| cluster.restart(member));
        // more than the longest back-off of a connection
        tokio::time::sleep(secs(20)).await;
        client.get_all_stores(&ctx).await.unwrap();
        cluster.shutdown();
    });
}

#[test]
fn when_the_leader_goes_a_later_call_finds_the_next_one() {
    runtime(1).block_on(async {
        let net = sim();
        let (cluster, pd) = cluster(&net).await;
        let client = PdClient::new(&net, pd, PdOptions::default());
        let ctx = Ctx::background();
        client.get_all_stores(&ctx).await.unwrap();
        let leader = cluster.pd_leader();
        cluster.stop(Node::Pd(leader));
        assert!(client.get_all_stores(&ctx).await.is_err());
        // longer than any election
        tokio::time::sleep(secs(30)).await;
        assert_ne!(cluster.pd_leader(), leader);
        client.get_all_stores(&ctx).await.unwrap();
        cluster.shutdown();
    });
}
