//! The same small programs over both worlds, with the same outcome, error kind for error kind.
//!
//! A program tells what it saw as lines of a [`Log`]; a test names the lines that TCP gives, and both worlds must
//! give exactly these. What loopback cannot do is claimed for the sim alone, in `tests/sim.rs`.

#![expect(clippy::unwrap_used, reason = "a failure anywhere in a program fails its test")]

#[path = "parity/close.rs"]
mod close;
#[path = "parity/data.rs"]
mod data;
#[path = "parity/ports.rs"]
mod ports;
#[path = "parity/reset.rs"]
mod reset;

use std::future::Future;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};
use unstuck_net::sim::{SimConfig, SimNet, runtime};
use unstuck_net::tcp::{TcpConfig, TcpNet};
use unstuck_net::{Conn, Listener, Net, Port};

/// Only says that a program hangs; no outcome depends on it.
const WATCHDOG: Duration = Duration::from_secs(30);

/// Runs `program` in both worlds and compares what it logs with `expected`.
fn same<F, P>(program: P, expected: &[&str])
where
    P: Fn(Net) -> F,
    F: Future<Output = Log>,
{
    let sim = runtime(1).block_on(watched(program(Net::Sim(SimNet::new(SimConfig::default())))));
    assert_eq!(sim.0, expected, "in the sim");
    let real = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tcp = real.block_on(watched(program(Net::Tcp(TcpNet::new(TcpConfig::default())))));
    assert_eq!(tcp.0, expected, "over TCP");
}

async fn watched(program: impl Future<Output = Log>) -> Log {
    let start = Instant::now();
    let log = timeout(WATCHDOG, program).await.expect("the program hangs");
    // The watchdog polls the program as it fires, which would cover up a lost wake-up.
    assert!(start.elapsed() < WATCHDOG, "only the watchdog woke the program");
    log
}

/// What a program saw.
#[derive(Default)]
struct Log(Vec<String>);

impl Log {
    fn note(&mut self, line: impl Into<String>) {
        self.0.push(line.into());
    }

    /// One read of at most 64 bytes.
    async fn read(&mut self, conn: &mut (impl AsyncRead + Unpin)) {
        let mut buf = [0; 64];
        self.note(match conn.read(&mut buf).await {
            Ok(0) => "read: EOF".into(),
            Ok(n) => format!("read: {}", String::from_utf8_lossy(&buf[..n])),
            Err(error) => format!("read: {:?}", error.kind()),
        });
    }

    /// One write of one byte.
    async fn write(&mut self, conn: &mut (impl AsyncWrite + Unpin)) {
        self.note(match conn.write(b"x").await {
            Ok(n) => format!("write: {n}"),
            Err(error) => format!("write: {:?}", error.kind()),
        });
    }

    /// A connect, given up at once when it succeeds.
    async fn connect(&mut self, net: &Net, port: &Port) {
        self.note(match net.connect(port.addr()).await {
            Ok(_) => "connect: ok".into(),
            Err(error) => format!("connect: {:?}", error.kind()),
        });
    }
}

/// A connection: the end that connected, the end that was accepted, and where.
async fn pair(net: &Net) -> (Conn, Conn, Listener, Port) {
    let port = net.reserve(net.any()).unwrap();
    let mut listener = port.listen().unwrap();
    let client = net.connect(port.addr()).await.unwrap();
    let (server, peer) = listener.accept().await.unwrap();
    assert_eq!(peer, client.local_addr().unwrap());
    (client, server, listener, port)
}

/// Until bytes, EOF or an error have arrived.
async fn arrival(conn: &mut Conn) {
    conn.split().0.readable().await.unwrap();
}

/// Long enough for whatever was sent to arrive; where nothing at the receiver tells of it without taking it.
async fn transit() {
    sleep(Duration::from_millis(20)).await;
}

/// Writes until the buffers are full; returns how much went in. In both worlds "full" is a write that is still
/// pending after a time in which loopback would have moved megabytes.
async fn fill(conn: &mut Conn) -> usize {
    let mut written = 0;
    while let Ok(sent) = timeout(Duration::from_millis(100), conn.write(&[7; 4096])).await {
        written += sent.unwrap();
    }
    written
}
