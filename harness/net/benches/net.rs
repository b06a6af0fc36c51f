//! What a byte and a turn cost in each world. One thread runs both ends, so wall time is CPU time as long as the
//! world never waits: the sim's clock jumps, and loopback delivers within the system call.
//!
//! `cargo bench -p unstuck-net`

#![expect(clippy::unwrap_used, reason = "a failure ends the benchmark")]

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};
use unstuck_net::sim::{SimConfig, SimNet, runtime};
use unstuck_net::tcp::{TcpConfig, TcpNet};
use unstuck_net::{Conn, Net};

const TURNS: usize = 1000;
const BYTES: usize = 16 << 20;
const CHUNK: usize = 16 << 10;

fn main() {
    divan::main();
}

fn sim() -> (Runtime, Net) {
    (runtime(1), Net::Sim(SimNet::new(SimConfig::default())))
}

fn tcp() -> (Runtime, Net) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    (runtime, Net::Tcp(TcpNet::new(TcpConfig::default())))
}

/// A runtime, and a connection on it.
fn pair(world: &str) -> (Runtime, Conn, Conn) {
    let (runtime, net) = if world == "sim" { sim() } else { tcp() };
    let (client, server) = runtime.block_on(async {
        let port = net.reserve(net.any()).unwrap();
        let mut listener = port.listen().unwrap();
        let client = net.connect(port.addr()).await.unwrap();
        (client, listener.accept().await.unwrap().0)
    });
    (runtime, client, server)
}

/// One byte there and back, a thousand times.
#[divan::bench(args = ["sim", "tcp"])]
fn ping_pong(bencher: Bencher, world: &str) {
    let (runtime, mut client, mut server) = pair(world);
    bencher.counter(ItemsCount::new(TURNS)).bench_local(|| {
        runtime.block_on(async {
            let client = async {
                for _ in 0..TURNS {
                    client.write_u8(1).await.unwrap();
                    client.read_u8().await.unwrap();
                }
            };
            let server = async {
                for _ in 0..TURNS {
                    let byte = server.read_u8().await.unwrap();
                    server.write_u8(byte).await.unwrap();
                }
            };
            tokio::join!(client, server);
        });
    });
}

/// 16 MiB one way, in chunks of 16 KiB.
#[divan::bench(args = ["sim", "tcp"])]
fn throughput(bencher: Bencher, world: &str) {
    let (runtime, mut client, mut server) = pair(world);
    let chunk = vec![7; CHUNK];
    let mut buf = vec![0; CHUNK];
    bencher.counter(BytesCount::new(BYTES)).bench_local(|| {
        runtime.block_on(async {
            let sender = async {
                for _ in 0..BYTES / CHUNK {
                    client.write_all(&chunk).await.unwrap();
                }
            };
            let receiver = async {
                let mut left = BYTES;
                while left > 0 {
                    left -= server.read(&mut buf).await.unwrap();
                }
            };
            tokio::join!(sender, receiver);
        });
    });
}
