//! Parts of the client against a real fake cluster, without proxies.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fake_tikv::proto::kvrpcpb::RawGetRequest;
use fake_tikv::{Cluster, Mode, Node, Spec};
use unstuck_net::sim::{SimConfig, SimNet};
use unstuck_net::{Clock, Net};

use super::batch::BatchConn;
use super::command::Command;
use super::error::SendError;
use super::keys::Keys;
use super::revision::Revision;
use super::sender::Sender;
use super::store::{Liveness, Store};
use super::tools::Tools;
use super::txn::Client;
use crate::client::ctx::Ctx;
use crate::client::pd::{self, Tso};
use crate::client::{Env, Log, Outside, Scale, Workload};
use crate::probe::{Meter, Tasks};

const HOUR: Duration = Duration::from_secs(3600);

/// One store, whose regions it leads as soon as it is up.
async fn cluster(mode: Mode) -> (Cluster, Env) {
    let net = Net::Sim(SimNet::new(SimConfig::default()));
    let clock = Clock::start();
    let spec = Spec { stores: 1, mode, ..Spec::default() };
    let cluster = Cluster::start(&net, clock, spec).await.unwrap();
    let workload = Workload {
        regions: 1,
        batches: 1,
        batch_bytes: 1,
        workers: 1,
        connections: 1,
        duration: Duration::ZERO,
    };
    let env = Env {
        net,
        pd: vec![addr(&cluster, Node::Pd(0))],
        tasks: Tasks::new(clock),
        meter: Meter::default(),
        log: Log::new(|_| {}),
        seed: 1,
        scale: Scale::REAL,
        workload,
        outside: Outside::default(),
    };
    (cluster, env)
}

fn addr(cluster: &Cluster, node: Node) -> SocketAddr {
    cluster.nodes().into_iter().find(|(of, _)| *of == node).unwrap().1
}

fn tools(env: Env, revision: Revision) -> Tools {
    Tools { env, behaviour: revision.behaviour() }
}

/// Whether a request gets an answer; that it is one of the region's errors is no matter here.
async fn answers(tools: &Tools, conn: &BatchConn) -> Result<(), SendError> {
    let command = Command::RawGet(RawGetRequest { key: "k".into(), ..RawGetRequest::default() });
    conn.call(tools, command, Duration::from_secs(30)).await.map(drop)
}

async fn secs(secs: u64) {
    tokio::time::sleep(Duration::from_secs(secs)).await;
}

async fn after_a_restart(revision: Revision) -> Result<(), SendError> {
    let (cluster, env) = cluster(Mode::Raw).await;
    let tools = tools(env, revision);
    let conn = BatchConn::start(&tools, 1, addr(&cluster, Node::Store(1)), 1);
    // each of the four connections opens its stream
    for _ in 0..4 {
        answers(&tools, &conn).await.unwrap();
    }
    cluster.stop(Node::Store(1));
    secs(1).await;
    assert!(matches!(answers(&tools, &conn).await, Err(SendError::NoConnections)));
    cluster.restart(Node::Store(1));
    tokio::time::sleep(HOUR).await;
    answers(&tools, &conn).await
}

#[tokio::test(start_paused = true)]
async fn after_a_stores_restart_its_streams_are_opened_anew_unless_client_go_522_is_there() {
    assert!(after_a_restart(Revision::Fixed).await.is_ok());
    assert!(matches!(after_a_restart(Revision::Issue522).await, Err(SendError::NoConnections)));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_probed_once_for_all_who_ask_and_until_it_is_back() {
    let (cluster, env) = cluster(Mode::Raw).await;
    let tools = tools(env, Revision::Fixed);
    let store = Store::new(1, tools.clone(), tools.pd());
    store.conn(&Ctx::background()).await.unwrap();
    let probes = || {
        let totals = cluster.journal().totals();
        totals.iter().filter(|of| of.method.contains("Health/Check")).map(|of| of.calls).sum::<u64>()
    };
    let checks = futures_util::future::join_all((0..8).map(|_| store.check())).await;
    assert_eq!(checks, [Liveness::Reachable; 8]);
    assert_eq!(probes(), 1);
    cluster.stop(Node::Store(1));
    assert_eq!(store.check().await, Liveness::Unreachable);
    assert_eq!(store.liveness(), Liveness::Unreachable);
    cluster.restart(Node::Store(1));
    // a probe a second
    secs(3).await;
    assert_eq!(store.liveness(), Liveness::Reachable);
    assert_eq!(
        tools.env.tasks.dump().tasks.iter().filter(|task| task.name.starts_with("checkUntil")).count(),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_respected_for_its_time_and_then_goes_the_way_of_its_transaction() {
    let (_cluster, env) = cluster(Mode::Txn).await;
    let tools = tools(env, Revision::Fixed);
    let oracle = Tso::connect(&Ctx::background(), &tools.env, pd::Behaviour::default()).await.unwrap();
    let sender = Arc::new(Sender::new(tools.clone(), tools.pd(), Keys::Txn));
    let client = Client::new(sender, oracle);
    let rows = |value: &'static str| -> Vec<(Bytes, Bytes)> {
        ["a", "b"].map(|key| (key.into(), value.into())).to_vec()
    };
    client.write(&rows("before")).await.unwrap();
    // somebody prewrites a key and is never heard of again
    let timestamp = async || client.timestamp(&mut client.backoffer(HOUR)).await.unwrap();
    let (abandoned, start_ts) = (("b".into(), "abandoned".into()), timestamp().await);
    client.prewrite(&mut client.backoffer(HOUR), &abandoned, &"b".into(), start_ts).await.unwrap();
    let (before, read_ts) = (tokio::time::Instant::now(), timestamp().await);
    assert_eq!(client.get(&"b".into(), read_ts).await.unwrap(), Some("before".into()));
    assert!(
        before.elapsed() > Duration::from_secs(2),
        "the lock's time was not over: {:?}",
        before.elapsed()
    );
    client.write(&rows("after")).await.unwrap();
    let read_ts = timestamp().await;
    for key in ["a", "b"] {
        assert_eq!(client.get(&key.into(), read_ts).await.unwrap(), Some("after".into()), "{key}");
    }
}
