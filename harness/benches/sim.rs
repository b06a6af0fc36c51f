//! What the simulated world costs: gRPC calls through client, proxy and server, and whole cases.
//!
//! `cargo bench -p unstuck --bench sim`, or one of them: `cargo bench -p unstuck --bench sim -- calls`.
//!
//! * `calls`: unary calls of PD's `GetStore` by our gRPC client, in a client's task, straight to the fake cluster and
//!   through a proxy, by one caller and by 32 at a time. A world has one thread that never sleeps, so items a second
//!   are calls a CPU second.
//! * `reduced`: the case of tidb 46321 with 32 streams on 2 connections a store, from setup to verdict, its
//!   fault-free run included; no record on disk. As reported it hangs after some 200 tries; the fixed client makes
//!   127,000 in its 88 minutes.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;
use fake_tikv::proto::pdpb::{GetStoreRequest, GetStoreResponse};
use fake_tikv::{Cluster, Node, PeerOrder, Spec, Speed};
use tokio::runtime::Runtime;
use unstuck::client::ctx::Ctx;
use unstuck::client::grpc::{ClientConn, DialOptions};
use unstuck::probe::Tasks;
use unstuck::run::cases::{Choice, setup};
use unstuck::run::{Setup, Status, run_case};
use unstuck::scenario::{ClientRef, load, matrix};
use unstuck_net::sim::{SimConfig, SimNet, runtime};
use unstuck_net::{Clock, Net};
use unstuck_proxy::Proxy;

const CALLS: usize = 6_400;
const FILE: &str = "tidb-46321-tikv-failure.yaml";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Route {
    Direct,
    Proxied,
}

fn main() {
    divan::main();
}

/// A cluster, perhaps a proxy before its PD, and a client that has called once.
struct World {
    runtime: Runtime,
    tasks: Tasks,
    conn: ClientConn,
    cluster: Cluster,
    proxy: Option<Proxy>,
}

impl World {
    fn new(route: Route) -> Self {
        let runtime = runtime(1);
        let (tasks, conn, cluster, proxy) = runtime.block_on(async {
            let net = Net::Sim(SimNet::new(SimConfig::default()));
            let clock = Clock::start();
            let cluster = Cluster::start(&net, clock, spec()).await.expect("the sim has free ports");
            let pd = pd(&cluster);
            let proxy = (route == Route::Proxied).then(|| {
                Proxy::start(&net, "bench".to_owned(), pd, 1, Arc::new(|_| {})).expect("a free port")
            });
            let conn = ClientConn::dial(&net, proxy.as_ref().map_or(pd, Proxy::addr), options());
            call(&conn).await;
            (Tasks::new(clock), conn, cluster, proxy)
        });
        Self { runtime, tasks, conn, cluster, proxy }
    }
}

fn spec() -> Spec {
    Spec {
        pd: 1,
        stores: 3,
        regions: 1,
        keys_per_region: 1,
        max_concurrent_streams: 1024,
        keepalive_time: Duration::from_secs(10),
        keepalive_timeout: Duration::from_secs(3),
        election: Duration::from_secs(10),
        speed: Speed::default(),
        peer_order: PeerOrder::Shuffled,
        seed: 1,
        ..Spec::default()
    }
}

fn pd(cluster: &Cluster) -> SocketAddr {
    let member = cluster.nodes().into_iter().find(|(node, _)| *node == Node::Pd(0));
    member.expect("a cluster has a first PD member").1
}

fn options() -> DialOptions {
    DialOptions {
        backoff_base: Duration::from_secs(1),
        backoff_max: Duration::from_secs(3),
        min_connect_timeout: Duration::from_secs(20),
        keepalive_time: Some(Duration::from_secs(10)),
        keepalive_timeout: Duration::from_secs(3),
        permit_without_stream: false,
        seed: 1,
    }
}

async fn call(conn: &ClientConn) {
    let request = GetStoreRequest { store_id: 1, ..GetStoreRequest::default() };
    let answer = conn.unary::<_, GetStoreResponse>(&Ctx::background(), "/pdpb.PD/GetStore", &request).await;
    assert!(answer.expect("PD answers").store.is_some());
}

#[divan::bench(
    args = [(Route::Direct, 1), (Route::Proxied, 1), (Route::Direct, 32), (Route::Proxied, 32)],
    sample_size = 1,
)]
fn calls(bencher: Bencher, (route, callers): (Route, usize)) {
    let World { runtime, tasks, conn, cluster, proxy } = World::new(route);
    bencher.counter(ItemsCount::new(CALLS)).bench_local(|| {
        runtime.block_on(async {
            let calling = (0..callers).map(|_| {
                let conn = conn.clone();
                tasks.spawn("caller", async move {
                    for _ in 0..CALLS / callers {
                        call(&conn).await;
                    }
                })
            });
            for caller in calling.collect::<Vec<_>>() {
                caller.join("caller").await.expect("it does not panic");
            }
        });
    });
    runtime.block_on(async move {
        cluster.shutdown();
        drop((conn, proxy));
    });
}

#[divan::bench(args = ["lightning@as-reported", "lightning@fixed"], sample_count = 5, sample_size = 1)]
fn reduced(bencher: Bencher, client: &str) {
    let setup = reduced_case(client);
    bencher.bench_local(|| run_case(&setup, None, &Arc::new(Status::default())).expect("no file, no error"));
}

fn reduced_case(client: &str) -> Setup {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/reported");
    let file = load(&folder.join(FILE)).expect("a scenario of ours has no errors");
    let matrix = matrix::load(&folder.join(matrix::FILE_NAME)).expect("nor has its matrix");
    let run = matrix.runs.iter().find(|run| run.file == FILE && run.name == "reduced");
    let choice = Choice { expect: None, ..Choice::of(run.expect("the matrix has a reduced run")) };
    let client = ClientRef::parse(client).expect("a client and its revision");
    setup(&file, &file.cases[0], &client, &choice).expect("the selector fits the cluster")
}
