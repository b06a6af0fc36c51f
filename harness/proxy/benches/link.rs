//! What a proxy without rules costs: the same traffic straight and through it, in both worlds.

use std::sync::Arc;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;
use unstuck_net::sim::{SimConfig, SimNet};
use unstuck_net::tcp::{TcpConfig, TcpNet};
use unstuck_net::{Conn, Net};
use unstuck_proxy::Proxy;

const BULK: usize = 16 << 20;
const ROUND_TRIPS: usize = 1000;
const PATHS: [(World, Route); 4] = [
    (World::Tcp, Route::Direct),
    (World::Tcp, Route::Proxied),
    (World::Sim, Route::Direct),
    (World::Sim, Route::Proxied),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum World {
    Tcp,
    Sim,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Route {
    Direct,
    Proxied,
}

fn main() {
    divan::main();
}

/// A connection with its runtime, and the proxy that is kept alive for it.
struct Pair {
    runtime: Runtime,
    client: Conn,
    node: Conn,
    proxy: Option<Proxy>,
}

impl Pair {
    fn new((world, route): (World, Route)) -> Self {
        let (runtime, net) = match world {
            World::Tcp => (
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"),
                Net::Tcp(TcpNet::new(TcpConfig::default())),
            ),
            World::Sim => (unstuck_net::sim::runtime(1), Net::Sim(SimNet::new(SimConfig::default()))),
        };
        let (client, node, proxy) = runtime.block_on(async {
            let port = net.reserve(net.any()).expect("a port");
            let mut listener = port.listen().expect("a listener");
            let proxy = (route == Route::Proxied).then(|| {
                Proxy::start(&net, "bench".to_owned(), port.addr(), 1, Arc::new(|_| {})).expect("a proxy")
            });
            let to = proxy.as_ref().map_or(port.addr(), Proxy::addr);
            let (client, accepted) = tokio::join!(net.connect(to), listener.accept());
            (client.expect("a connection"), accepted.expect("its other end").0, proxy)
        });
        Self { runtime, client, node, proxy }
    }
}

#[divan::bench(args = PATHS)]
fn bulk(bencher: Bencher, path: (World, Route)) {
    let Pair { runtime, mut client, mut node, proxy } = Pair::new(path);
    let (data, mut got) = (vec![7; 256 << 10], vec![0; 256 << 10]);
    bencher.counter(BytesCount::new(BULK)).bench_local(|| {
        runtime.block_on(async {
            let sends = async {
                for _ in 0..BULK / data.len() {
                    client.write_all(&data).await.expect("sent");
                }
            };
            let reads = async {
                for _ in 0..BULK / data.len() {
                    node.read_exact(&mut got).await.expect("heard");
                }
            };
            tokio::join!(sends, reads)
        })
    });
    runtime.block_on(async move { drop((client, node, proxy)) });
}

#[divan::bench(args = PATHS)]
fn round_trips(bencher: Bencher, path: (World, Route)) {
    let Pair { runtime, mut client, mut node, proxy } = Pair::new(path);
    let mut bytes = [7; 64];
    bencher.counter(ItemsCount::new(ROUND_TRIPS)).bench_local(|| {
        runtime.block_on(async {
            for _ in 0..ROUND_TRIPS {
                client.write_all(&bytes).await.expect("sent");
                node.read_exact(&mut bytes).await.expect("heard");
                node.write_all(&bytes).await.expect("sent");
                client.read_exact(&mut bytes).await.expect("heard");
            }
        });
    });
    runtime.block_on(async move { drop((client, node, proxy)) });
}
