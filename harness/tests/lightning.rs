//! Lightning against a whole cluster in virtual time, without proxies: stores go and come back.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake_tikv::{Cluster, Node, PeerOrder, Spec};
use tokio::time::sleep;
use unstuck::client::lightning::{Lightning, Revision};
use unstuck::client::{Client, Env, Failure, Log, Scale, Workload};
use unstuck::probe::meter::Counts;
use unstuck::probe::{Meter, Tasks};
use unstuck_net::sim::{SimConfig, SimNet};
use unstuck_net::{Clock, Net};
use unstuck_record::{Resource, TaskDump, Work};

const STORES: u32 = 3;
const KEYS_PER_REGION: u32 = 4;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// What to run, with defaults that are small.
struct Case {
    revision: Revision,
    regions: u32,
    connections: u32,
    max_concurrent_streams: u32,
    peer_order: PeerOrder,
    /// Bytes a second to each store.
    write_limit: Option<u64>,
    /// Without faults.
    duration: Duration,
    /// This store is gone from then, for so long.
    outage: Option<(u64, Duration, Duration)>,
    limit: Duration,
    seed: u64,
}

impl Case {
    fn new(revision: Revision) -> Self {
        Self {
            revision,
            regions: 24,
            connections: 2,
            max_concurrent_streams: 1024,
            peer_order: PeerOrder::Shuffled,
            write_limit: None,
            duration: secs(300),
            outage: None,
            limit: secs(3600),
            seed: 1,
        }
    }
}

/// How a run ended.
struct Ran {
    /// `None`: it was still running at the limit.
    result: Option<Result<(), Failure>>,
    took: Duration,
    counts: Counts,
    work: Work,
    /// Streams open at each store at the end.
    open_streams: Vec<u64>,
    lines: Vec<String>,
    dump: TaskDump,
}

impl Ran {
    fn completed(&self) -> bool {
        self.result == Some(Ok(()))
            && self.work.unique == self.work.expected
            && self.work.missing.is_empty()
            && self.work.duplicated == 0
    }
    fn lines_with(&self, text: &str) -> usize {
        self.lines.iter().filter(|line| line.contains(text)).count()
    }
    /// Tasks that wait at a site.
    fn waiting_at(&self, site: &str) -> usize {
        self.dump.tasks.iter().filter(|task| task.wait.as_ref().is_some_and(|wait| wait.site == site)).count()
    }
}

fn run(case: Case) -> Ran {
    unstuck_net::sim::runtime(case.seed).block_on(simulate(case))
}

async fn simulate(case: Case) -> Ran {
    let client = Lightning::new(case.revision);
    let client = case.write_limit.map_or(client, |limit| client.write_limit(limit));
    let workload = Workload {
        regions: case.regions,
        batches: 4,
        batch_bytes: 1 << 10,
        workers: 8,
        connections: case.connections,
        duration: case.duration,
    };
    let spec = Spec {
        pd: 3,
        stores: STORES,
        regions: case.regions,
        keys_per_region: KEYS_PER_REGION,
        max_concurrent_streams: case.max_concurrent_streams,
        keepalive_time: secs(10),
        keepalive_timeout: secs(3),
        election: secs(10),
        speed: client.speed(&workload, STORES),
        peer_order: case.peer_order,
        seed: case.seed,
        ..Spec::default()
    };
    let net = Net::Sim(SimNet::new(SimConfig::default()));
    let clock = Clock::start();
    let cluster = Cluster::start(&net, clock, spec).await.expect("the sim has free ports");
    let nodes = cluster.nodes().into_iter();
    let pd: Vec<SocketAddr> =
        nodes.filter(|(node, _)| matches!(node, Node::Pd(_))).map(|(_, addr)| addr).collect();
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
        seed: case.seed,
        scale: Scale::REAL,
        workload,
        outside: unstuck::client::Outside::default(),
    };
    let import = tasks.spawn("main", client.run(env));
    let import = tokio::time::timeout(case.limit, import.join("main"));
    let faults = async {
        let Some((store, from, lasts)) = case.outage else { return };
        sleep(from).await;
        cluster.stop(Node::Store(store));
        sleep(lasts).await;
        cluster.restart(Node::Store(store));
    };
    let result = tokio::select! {
        biased;
        result = import => result.ok(),
        () = async { faults.await; std::future::pending().await } => unreachable!("it never ends"),
    };
    let took = clock.elapsed();
    let dump = tasks.dump();
    let counts = meter.read();
    let seen = cluster.observed();
    let work = client.audit(&seen, &counts);
    tasks.abort_all();
    cluster.shutdown();
    let lines = lines.lock().expect("no test panics while it logs").clone();
    let result = result.map(|joined| joined.expect("it does not panic"));
    let open_streams = seen.open_streams.iter().map(|(_, open)| *open).collect();
    Ran { result, took, counts, work, open_streams, lines, dump }
}

#[test]
fn without_faults_every_key_is_imported_once() {
    for revision in Revision::ALL {
        let ran = run(Case::new(revision));
        assert!(ran.completed(), "{:?} {:?}", ran.result, ran.work);
        assert_eq!(ran.work.unique, u64::from(24 * KEYS_PER_REGION));
        assert_eq!((ran.counts.attempts, ran.counts.retries, ran.counts.in_flight), (24, 0, 0));
        // `duration` is what the workload asks for; the network takes its part
        assert!(ran.took > secs(295) && ran.took < secs(315), "{:?}", ran.took);
        assert_eq!(ran.open_streams, [0, 0, 0]);
        assert!(ran.dump.tasks.is_empty(), "every task has ended: {:?}", ran.dump);
    }
}

#[test]
fn a_store_that_is_gone_for_a_minute_delays_the_import_and_no_more() {
    for revision in Revision::ALL {
        let ran = run(Case { outage: Some((2, secs(60), secs(60))), ..Case::new(revision) });
        assert!(ran.completed(), "{revision}: {:?} {:?} {:#?}", ran.result, ran.work, ran.lines);
        assert!(ran.counts.retries > 0);
        assert!(ran.took < secs(600), "{:?}", ran.took);
        assert!(ran.lines_with("meet retryable error when writing to TiKV") > 0);
    }
}

/// The dead store is never the first of the peers, so each failed write has opened a stream before, or two.
fn with_the_dead_peer_later(revision: Revision) -> Case {
    let outage = Some((3, secs(1), secs(4000)));
    let peer_order = PeerOrder::First(1);
    Case { outage, peer_order, limit: secs(300), ..Case::new(revision) }
}

#[test]
fn streams_opened_before_a_failing_peer_stay_open_as_reported_and_are_cancelled_when_fixed() {
    let leaked = run(with_the_dead_peer_later(Revision::AsReported)).open_streams;
    assert!(leaked[0] > 100, "store 1 is the first peer everywhere: {leaked:?}");
    assert_eq!(leaked[2], 0, "a dead store has no streams");
    for revision in [Revision::Fix48355, Revision::Fixed] {
        assert_eq!(run(with_the_dead_peer_later(revision)).open_streams, [0, 0, 0], "{revision}");
    }
}

#[test]
fn leaked_streams_use_up_the_quota_and_the_import_hangs_as_reported_after_the_store_is_back() {
    let case = |revision| Case {
        max_concurrent_streams: 16,
        outage: Some((2, secs(60), secs(120))),
        ..Case::new(revision)
    };
    let hung = run(case(Revision::AsReported));
    assert_eq!(hung.result, None);
    assert!(hung.waiting_at("NewStream/quota") > 0, "{:?}", hung.dump);
    let main = hung.dump.tasks.first().expect("the import is there");
    let waits_for = main.wait.as_ref().expect("it waits");
    assert_eq!(waits_for.site, "jobWg");
    assert!(matches!(&waits_for.resource, Resource::Channel { actors, .. } if actors.len() > 8));
    let stuck =
        hung.dump.tasks.iter().find(|task| task.wait.as_ref().is_some_and(|w| w.site == "NewStream/quota"));
    let functions = stuck.expect("just counted").frames.iter().map(|frame| frame.function.as_str());
    let ours: Vec<_> = functions.filter(|name| name.starts_with("local.")).collect();
    assert_eq!(
        ours,
        [
            "local.(*Backend).doWrite",
            "local.(*Backend).writeToTiKV",
            "local.(*Backend).executeJob",
            "local.(*Backend).startWorker",
            "local.(*Backend).doImport.func3",
        ]
    );
    for revision in [Revision::Fix48355, Revision::Fixed] {
        let ran = run(case(revision));
        assert!(ran.completed(), "{revision}: {:?} {:?}", ran.result, ran.work);
    }
}

#[test]
fn a_dead_peer_that_is_always_first_leaks_nothing() {
    let case = Case {
        max_concurrent_streams: 16,
        peer_order: PeerOrder::First(2),
        outage: Some((2, secs(60), secs(120))),
        ..Case::new(Revision::AsReported)
    };
    let ran = run(case);
    assert!(ran.completed(), "{:?} {:?}", ran.result, ran.work);
}

/// tidb 51383. Eight workers send 4 KiB each to every store, which at 30 bytes a second takes 18 minutes.
#[test]
fn a_limit_that_the_write_timeout_cannot_wait_for_fails_the_import_until_it_is_retryable() {
    let case = |revision| Case { write_limit: Some(30), limit: secs(4 * 3600), ..Case::new(revision) };
    let ran = run(case(Revision::AsReported));
    assert!(ran.completed(), "{:?} {:?}", ran.result, ran.work);
    let Some(Err(Failure(text))) = run(case(Revision::Fix48355)).result else { panic!("it did not fail") };
    assert!(text.starts_with("rate: Wait(n=") && text.ends_with("would exceed context deadline"), "{text}");
    let ran = run(case(Revision::Fixed));
    assert!(!matches!(ran.result, Some(Err(_))), "{:?}", ran.result);
    assert!(ran.lines_with("write too slow") + ran.lines_with("would exceed context deadline") > 0);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let case = || Case { outage: Some((2, secs(60), secs(60))), seed: 7, ..Case::new(Revision::Fixed) };
    let (one, two) = (run(case()), run(case()));
    assert_eq!((one.took, one.counts, one.lines), (two.took, two.counts, two.lines));
}
