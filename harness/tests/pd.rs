//! The PD clients against the members of a cluster, in virtual time.

use std::net::SocketAddr;
use std::time::Duration;

use fake_tikv::{Cluster, Node, PeerOrder, Spec, Speed};
use futures_util::future::join_all;
use tonic::Code;
use unstuck::client::ctx::Ctx;
use unstuck::client::pd::{Behaviour, Lookups, PdClient, PdOptions, Route, Tso};
use unstuck::client::{Env, Log, Outside, Scale, Workload};
use unstuck::probe::{Meter, Tasks};
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

fn env(net: &Net, pd: Vec<SocketAddr>) -> Env {
    Env {
        net: net.clone(),
        pd,
        tasks: Tasks::new(Clock::start()),
        meter: Meter::default(),
        log: Log::new(|_| {}),
        seed: 1,
        scale: Scale::REAL,
        workload: Workload {
            regions: 1,
            batches: 1,
            batch_bytes: 1,
            workers: 1,
            connections: 1,
            duration: secs(60),
        },
        outside: Outside::default(),
    }
}

#[test]
fn timestamps_that_are_wanted_at_once_are_one_request_and_each_is_another() {
    runtime(1).block_on(async {
        let net = sim();
        let (cluster, pd) = cluster(&net).await;
        let ctx = Ctx::background();
        let env = env(&net, pd);
        let tso = Tso::connect(&ctx, &env, Behaviour::default()).await.unwrap();
        let first = tso.get(&ctx).await.unwrap();
        let wanted = (0..50).map(|_| tso.get(&ctx));
        let got: Vec<u64> = join_all(wanted).await.into_iter().map(Result::unwrap).collect();
        // one answer's timestamps have no gaps, those of two have a millisecond between them
        let expected: Vec<u64> = (got[0]..).take(50).collect();
        assert_eq!(got, expected);
        assert!(got[0] > first);
        env.tasks.abort_all();
        cluster.shutdown();
    });
}

#[test]
fn timestamps_go_on_under_the_next_leader_and_a_caller_may_leave() {
    runtime(1).block_on(async {
        let net = sim();
        let (cluster, pd) = cluster(&net).await;
        let ctx = Ctx::background();
        let env = env(&net, pd);
        let tso = Tso::connect(&ctx, &env, Behaviour::default()).await.unwrap();
        let first = tso.get(&ctx).await.unwrap();
        let leader = cluster.pd_leader();
        cluster.transfer_pd_leader((leader + 1) % 3).unwrap();
        let error = tso.get(&ctx).await.unwrap_err();
        assert!(error.is_leader_change(), "{error}");
        assert!(tso.get(&ctx).await.unwrap() > first);
        cluster.freeze(Node::Pd(cluster.pd_leader()));
        let leaves = ctx.with_timeout(secs(1));
        assert_eq!(tso.get(&leaves).await.unwrap_err().to_string(), "context deadline exceeded");
        // whoever asks again is served after an election, a request that takes too long and a look at a member that does not answer
        let again = async {
            loop {
                if let Ok(stamp) = tso.get(&ctx).await {
                    return stamp;
                }
            }
        };
        assert!(tokio::time::timeout(secs(30), again).await.unwrap() > first);
        env.tasks.abort_all();
        cluster.shutdown();
    });
}

#[test]
fn its_tasks_end_with_the_last_handle() {
    runtime(1).block_on(async {
        let net = sim();
        let (cluster, pd) = cluster(&net).await;
        let env = env(&net, pd);
        let tso = Tso::connect(&Ctx::background(), &env, Behaviour::default()).await.unwrap();
        let other = tso.clone();
        drop(tso);
        tokio::time::sleep(secs(1)).await;
        assert!(other.get(&Ctx::background()).await.is_ok() && env.tasks.alive() > 0);
        drop(other);
        tokio::time::sleep(secs(1)).await;
        assert_eq!(env.tasks.alive(), 0);
        cluster.shutdown();
    });
}

#[test]
fn what_only_the_leader_may_do_a_follower_passes_on_when_the_leader_is_out_of_reach() {
    for (forwards, reached) in [(true, true), (false, false)] {
        runtime(1).block_on(async {
            let net = sim();
            let (cluster, mut pd) = cluster(&net).await;
            let leader = cluster.pd_leader() as usize;
            let ctx = Ctx::background();
            // nobody listens where the members say that the leader is
            let hole = net.reserve(net.any()).unwrap().addr();
            cluster.advertise(Node::Pd(cluster.pd_leader()), hole);
            pd[leader] = hole;
            let env = env(&net, pd);
            let behaviour = Behaviour { forwards, ..Behaviour::default() };
            let lookups = Lookups::connect(&ctx, &env, behaviour, Route::Everybody).await.unwrap();
            // the leader's health is asked for every second
            tokio::time::sleep(secs(5)).await;
            assert_eq!(lookups.stores(&ctx).await.is_ok(), reached);
            env.tasks.abort_all();
            cluster.shutdown();
        });
    }
}
