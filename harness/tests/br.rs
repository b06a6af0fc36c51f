//! BR against a whole cluster in virtual time, without proxies: nodes go and come back.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake_tikv::{Cluster, Node, PeerOrder, Spec};
use unstuck::client::br::{Br, Revision};
use unstuck::client::{Client, Env, Failure, Log, Scale, Workload};
use unstuck::probe::meter::Counts;
use unstuck::probe::{Meter, Tasks};
use unstuck_net::sim::{SimConfig, SimNet};
use unstuck_net::{Clock, Net};
use unstuck_record::Work;

const STORES: u32 = 3;
const REGIONS: u32 = 60;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Nodes that are gone for a while.
struct Outage {
    nodes: Vec<Node>,
    from: Duration,
    lasts: Duration,
}

impl Outage {
    fn of_everything(from: Duration, lasts: Duration) -> Self {
        let stores = (1..=u64::from(STORES)).map(Node::Store);
        Self { nodes: (0..3).map(Node::Pd).chain(stores).collect(), from, lasts }
    }
}

/// How a run ended.
struct Ran {
    /// `None`: it was still running at the limit.
    result: Option<Result<(), Failure>>,
    took: Duration,
    counts: Counts,
    work: Work,
    lines: Vec<String>,
}

impl Ran {
    fn completed(&self) -> bool {
        self.result == Some(Ok(())) && self.work.unique == u64::from(REGIONS) && self.work.missing.is_empty()
    }
    fn lines_with(&self, text: &str) -> usize {
        self.lines.iter().filter(|line| line.contains(text)).count()
    }
}

/// One backup that takes `duration` without faults, given up at `limit`.
fn run(revision: Revision, seed: u64, duration: Duration, outage: Option<Outage>, limit: Duration) -> Ran {
    unstuck_net::sim::runtime(seed).block_on(async move {
        let br = Br { revision };
        let workload =
            Workload { regions: REGIONS, batches: 1, batch_bytes: 1, workers: 1, connections: 1, duration };
        let spec = Spec {
            pd: 3,
            stores: STORES,
            regions: REGIONS,
            keys_per_region: 1,
            max_concurrent_streams: 1024,
            keepalive_time: secs(10),
            keepalive_timeout: secs(3),
            election: secs(10),
            speed: br.speed(&workload, STORES),
            peer_order: PeerOrder::Shuffled,
            seed,
            ..Spec::default()
        };
        let net = Net::Sim(SimNet::new(SimConfig::default()));
        let clock = Clock::start();
        let cluster = Cluster::start(&net, clock, spec).await.expect("the sim has free ports");
        let pd: Vec<SocketAddr> = cluster
            .nodes()
            .into_iter()
            .filter(|(node, _)| matches!(node, Node::Pd(_)))
            .map(|(_, a)| a)
            .collect();
        let lines = Arc::new(Mutex::new(vec![]));
        let sink = lines.clone();
        let log = Log::new(move |line| {
            sink.lock().expect("no test panics while it logs").push(format!("{:>7} {line}", clock.ms()));
        });
        let (tasks, meter) = (Tasks::new(clock), Meter::default());
        let env = Env {
            net,
            pd,
            tasks: tasks.clone(),
            meter: meter.clone(),
            log,
            seed,
            scale: Scale::REAL,
            workload,
            outside: unstuck::client::Outside::default(),
        };
        let job = tokio::time::timeout(limit, br.run(env));
        let faults = async {
            let Some(outage) = outage else { return };
            tokio::time::sleep(outage.from).await;
            outage.nodes.iter().for_each(|&node| cluster.stop(node));
            tokio::time::sleep(outage.lasts).await;
            outage.nodes.iter().for_each(|&node| cluster.restart(node));
        };
        let done = async { (job.await.ok(), clock.elapsed()) };
        let ((result, took), ()) = tokio::join!(done, faults);
        tasks.abort_all();
        let counts = meter.read();
        let work = br.audit(&cluster.observed(), &counts);
        cluster.shutdown();
        let lines = lines.lock().expect("no test panics while it logs").clone();
        Ran { result, took, counts, work, lines }
    })
}

#[test]
fn without_faults_every_range_is_backed_up_once() {
    for revision in [Revision::AsReported, Revision::Fixed] {
        let ran = run(revision, 1, secs(300), None, secs(900));
        assert!(ran.completed(), "{:?} {:?}", ran.result, ran.work);
        assert_eq!((ran.counts.unique(), ran.counts.again(), ran.counts.retries), (60, 0, 0));
        assert_eq!(ran.counts.attempts, u64::from(STORES));
        // `duration` is what the workload asks for; stores lead unequal numbers of regions
        assert!(ran.took > secs(240) && ran.took < secs(600), "{:?}", ran.took);
    }
}

#[test]
fn ghosts_of_a_cancelled_round_restart_live_tasks_for_ever_as_reported_and_never_when_fixed() {
    let outage = || Some(Outage::of_everything(secs(60), secs(60)));
    let stuck = run(Revision::AsReported, 1, secs(300), outage(), secs(3600));
    assert!(stuck.result.is_none() && stuck.counts.unique() < 60, "{:?} {:?}", stuck.result, stuck.work);
    // 48 min of restarts, one in 15 s and chain: at least one chain lived through
    assert!(stuck.counts.retries > 150, "{}", stuck.counts.retries);
    let five = "the client connection is closing; ".repeat(4);
    let five = five.replace("; ", "; rpc error: code = Canceled desc = grpc: ");
    assert!(stuck.lines_with(&five) > 0, "five attempts on a closed connection");

    let fixed = run(Revision::Fixed, 1, secs(300), outage(), secs(3600));
    assert!(fixed.completed(), "{:?} {:?}", fixed.result, fixed.work);
    assert_eq!(fixed.lines_with("the client connection is closing"), 0);
}

#[test]
fn a_store_that_goes_alone_and_comes_back_leaves_no_ghost() {
    for revision in [Revision::AsReported, Revision::Fixed] {
        let outage = Outage { nodes: vec![Node::Store(2)], from: secs(60), lasts: secs(5) };
        let ran = run(revision, 1, secs(300), Some(outage), secs(1800));
        assert!(ran.completed(), "{:?} {:?}", ran.result, ran.work);
        assert_eq!(ran.lines_with("the client connection is closing"), 0);
    }
}

#[test]
fn work_that_a_store_does_within_15_s_is_finished_between_two_restarts() {
    let outage = Outage::of_everything(secs(5), secs(60));
    let ran = run(Revision::AsReported, 1, secs(10), Some(outage), secs(1800));
    assert!(ran.completed(), "{:?} {:?}", ran.result, ran.work);
}
