//! How true times are on real sockets: what a toxic says beside what is measured, and the same for a timer that does nothing
//! else, which no toxic can be better than. And how soon an injection and a heal take effect.
//!
//! `cargo bench -p unstuck-proxy --bench truth`. Prints a Markdown table. In the sim all of this is exact, and tested.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep_until};
use unstuck_net::tcp::{TcpConfig, TcpNet};
use unstuck_net::{Conn, Listener, Net};
use unstuck_proxy::toxic::{Bandwidth, Kind, Latency, ResetPeer};
use unstuck_proxy::{Proxy, Toxic};

const TIMES: usize = 50;
const LATE: Duration = Duration::from_millis(100);

fn main() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let mut link = Link::new()?;
        println!("| | p50 | p99 | worst |\n|---|---:|---:|---:|");
        let (timer, latency) = latency(&mut link).await?;
        row("an idle timer of 100 ms is late by", timer);
        row("a byte under `latency` of 100 ms is late by", latency);
        row("from `add(reset_peer)` to the client's error", inject(&mut link).await?);
        row("from taking a `blackhole` out to the held byte", heal(&mut link).await?);
        let (refused, passed) = door(&link).await;
        println!("\n`refuse`: {refused} of {TIMES} connects right after `add` were refused, {passed} of {TIMES} right after it was taken out passed.\n");
        println!("| `bandwidth` | measured over | is | off by |\n|---|---|---:|---:|");
        for rate in [1_000_000, 10_000_000, 100_000_000] {
            let took = bandwidth(&mut link, rate).await?;
            let is = rate as f64 / took.as_secs_f64();
            let off = 100.0 * (is / rate as f64 - 1.0);
            println!("| {} MB/s | {} MB | {:.3} MB/s | {off:+.2} % |", rate / 1_000_000, rate / 1_000_000, is / 1e6);
        }
        Ok(())
    })
}

struct Link {
    net: Net,
    proxy: Proxy,
    node: Listener,
    _port: unstuck_net::Port,
}

impl Link {
    fn new() -> io::Result<Self> {
        let net = Net::Tcp(TcpNet::new(TcpConfig { buffer: None }));
        let port = net.reserve(net.any())?;
        let node = port.listen()?;
        let proxy = Proxy::start(&net, "truth".to_owned(), port.addr(), 1, Arc::new(|_| {}))?;
        Ok(Self { net, proxy, node, _port: port })
    }

    /// Client and node, after a byte has passed.
    async fn open(&mut self) -> io::Result<(Conn, Conn)> {
        let mut client = self.net.connect(self.proxy.addr()).await?;
        let (mut node, _) = self.node.accept().await?;
        client.write_all(&[0]).await?;
        node.read_u8().await?;
        Ok((client, node))
    }
}

/// The lateness of a timer and of bytes, in turn.
async fn latency(link: &mut Link) -> io::Result<(Vec<Duration>, Vec<Duration>)> {
    let (mut client, mut node) = link.open().await?;
    let _placed =
        link.proxy.add(Toxic::new(Kind::Latency(Latency::of(LATE))).upstream()).expect("it is sound");
    let (mut timer, mut bytes) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let due = Instant::now() + LATE;
        sleep_until(due).await;
        timer.push(due.elapsed());
        let due = Instant::now() + LATE;
        client.write_all(&[1]).await?;
        node.read_u8().await?;
        bytes.push(due.elapsed());
    }
    Ok((timer, bytes))
}

async fn inject(link: &mut Link) -> io::Result<Vec<Duration>> {
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let (mut client, _node) = link.open().await?;
        let start = Instant::now();
        let reset = Kind::ResetPeer(ResetPeer { timeout: Duration::ZERO });
        let _placed = link.proxy.add(Toxic::new(reset)).expect("it is sound");
        client.read_u8().await.expect_err("it is reset");
        times.push(start.elapsed());
    }
    Ok(times)
}

async fn heal(link: &mut Link) -> io::Result<Vec<Duration>> {
    let (mut client, mut node) = link.open().await?;
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let hole = link.proxy.add(Toxic::new(Kind::Blackhole).upstream()).expect("it is sound");
        client.write_all(&[1]).await?;
        while !hole.evidence().touched() {
            tokio::task::yield_now().await;
        }
        let start = Instant::now();
        drop(hole);
        node.read_u8().await?;
        times.push(start.elapsed());
    }
    Ok(times)
}

/// How many connects were refused while they should be, and how many passed when they should.
async fn door(link: &Link) -> (usize, usize) {
    let (mut refused, mut passed) = (0, 0);
    for _ in 0..TIMES {
        let refuse = link.proxy.add(Toxic::new(Kind::Refuse)).expect("it is sound");
        refused += usize::from(link.net.connect(link.proxy.addr()).await.is_err());
        drop(refuse);
        passed += usize::from(link.net.connect(link.proxy.addr()).await.is_ok());
    }
    (refused, passed)
}

/// How long a second's worth of bytes takes.
async fn bandwidth(link: &mut Link, rate: u64) -> io::Result<Duration> {
    // the connections of the door wait to be accepted by now
    *link = Link::new()?;
    let (mut client, mut node) = link.open().await?;
    let shaped = Kind::Bandwidth(Bandwidth { rate, burst: 0 });
    let _placed = link.proxy.add(Toxic::new(shaped).upstream()).expect("it is sound");
    let start = Instant::now();
    let sends = tokio::spawn(async move {
        let chunk = vec![7; 100_000];
        for _ in 0..rate / 100_000 {
            client.write_all(&chunk).await?;
        }
        Ok::<_, io::Error>(client)
    });
    let mut space = vec![0; 256 << 10];
    let mut left = rate as usize;
    while left > 0 {
        left -= node.read(&mut space).await?;
    }
    let took = start.elapsed();
    drop(sends.await.expect("the sender does not panic")?);
    Ok(took)
}

fn row(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("| {what} | {:.2} ms | {:.2} ms | {:.2} ms |", at(0.5), at(0.99), at(1.0));
}
