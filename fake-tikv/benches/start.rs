//! How long a cluster takes until its first answer could be had: every node listens.

use std::time::Duration;

use fake_tikv::{Cluster, PeerOrder, Spec, Speed};
use unstuck_net::sim::{SimConfig, SimNet, runtime};
use unstuck_net::tcp::{TcpConfig, TcpNet};
use unstuck_net::{Clock, Net};

fn main() {
    divan::main();
}

fn spec(stores: u32, regions: u32) -> Spec {
    Spec {
        pd: 1,
        stores,
        regions,
        keys_per_region: 100,
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

#[divan::bench(args = [(3, 200), (100, 100_000)])]
fn sim((stores, regions): (u32, u32)) {
    runtime(1).block_on(async {
        let net = Net::Sim(SimNet::new(SimConfig::default()));
        Cluster::start(&net, Clock::start(), spec(stores, regions)).await.expect("starts").shutdown();
    });
}

#[divan::bench]
fn tcp() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let net = Net::Tcp(TcpNet::new(TcpConfig::default()));
        Cluster::start(&net, Clock::start(), spec(3, 200)).await.expect("starts").shutdown();
    });
}
