//! A client, a proxy and a node, and the words to test them with.

use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use unstuck_net::sim::{SimConfig, SimNet};
use unstuck_net::tcp::{TcpConfig, TcpNet};
use unstuck_net::{Conn, Listener, Net, Port};
use unstuck_proxy::Proxy;
use unstuck_proxy::{Accept, Flow, Rule};
use unstuck_record::Event;

/// Longer than anything healthy takes in either world; nothing that is asserted depends on its length.
const SOON: Duration = Duration::from_secs(20);
/// How long a silence is listened to.
const MOMENT: Duration = Duration::from_millis(40);

pub(crate) const MS: Duration = Duration::from_millis(1);

/// Runs `program` in the sim.
pub(crate) fn in_sim<F: Future>(program: impl FnOnce(Net) -> F) -> F::Output {
    unstuck_net::sim::runtime(7).block_on(program(Net::Sim(SimNet::new(SimConfig::default()))))
}

/// Runs `program` on real sockets.
pub(crate) fn on_sockets<F: Future>(program: impl FnOnce(Net) -> F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(program(Net::Tcp(TcpNet::new(TcpConfig::default()))))
}

/// Runs `program` in both worlds.
pub(crate) fn in_both<F: Future<Output = ()>>(program: impl Fn(Net) -> F) {
    in_sim(&program);
    on_sockets(&program);
}

/// A link, and the node at its end.
pub(crate) struct Path {
    pub(crate) net: Net,
    pub(crate) proxy: Proxy,
    pub(crate) node: Listener,
    _port: Port,
    events: Arc<Mutex<Vec<Event>>>,
}

impl Path {
    pub(crate) fn new(net: &Net) -> Self {
        let port = net.reserve(net.any()).unwrap();
        let node = port.listen().unwrap();
        let events = Arc::<Mutex<Vec<Event>>>::default();
        let sink = Arc::clone(&events);
        let sink = Arc::new(move |event| sink.lock().unwrap().push(event));
        let proxy = Proxy::start(net, "client->node".to_owned(), port.addr(), 1, sink).unwrap();
        Self { net: net.clone(), proxy, node, _port: port, events }
    }

    pub(crate) async fn connect(&self) -> io::Result<Conn> {
        soon(self.net.connect(self.proxy.addr())).await
    }

    /// The next connection at the node.
    pub(crate) async fn arrival(&mut self) -> Conn {
        soon(self.node.accept()).await.unwrap().0
    }

    /// A connection that was seen to work: its client's end and its node's.
    pub(crate) async fn open(&mut self) -> (Conn, Conn) {
        let mut client = self.connect().await.unwrap();
        let mut node = self.arrival().await;
        healthy(&mut client, &mut node).await;
        (client, node)
    }

    /// How the connections ended so far, in order.
    pub(crate) fn ends(&self) -> Vec<String> {
        let ends = self.events.lock().unwrap();
        let how = |event: &Event| match event {
            Event::ConnClosed { how, .. } => Some(how.clone()),
            _ => None,
        };
        ends.iter().filter_map(how).collect()
    }

    /// Waits until no connection is left, and says how they ended.
    pub(crate) async fn ended(&self) -> Vec<String> {
        soon(async {
            while self.proxy.stats().conns > 0 {
                tokio::time::sleep(MS).await;
            }
        })
        .await;
        self.ends()
    }
}

/// Bytes pass, both ways.
pub(crate) async fn healthy(client: &mut Conn, node: &mut Conn) {
    send(client, b"ping").await;
    expect(node, b"ping").await;
    send(node, b"pong").await;
    expect(client, b"pong").await;
}

pub(crate) async fn send(conn: &mut Conn, bytes: &[u8]) {
    soon(conn.write_all(bytes)).await.unwrap();
}

pub(crate) async fn expect(conn: &mut Conn, bytes: &[u8]) {
    let mut got = vec![0; bytes.len()];
    soon(conn.read_exact(&mut got)).await.unwrap();
    assert!(got == bytes, "{} bytes arrive as they were sent", bytes.len());
}

/// Writes until nothing more is taken, and says how much was.
pub(crate) async fn fill(conn: &mut Conn) -> usize {
    let mut sent = 0;
    while let Ok(wrote) = timeout(10 * MOMENT, conn.write(&[7; 4096])).await {
        sent += wrote.unwrap();
    }
    sent
}

pub(crate) async fn expect_fin(conn: &mut Conn) {
    assert_eq!(soon(conn.read(&mut [0; 64])).await.unwrap(), 0, "FIN");
}

pub(crate) async fn expect_reset(conn: &mut Conn) {
    let error = soon(conn.read(&mut [0; 64])).await.expect_err("RST");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

/// Nothing arrives, not even an end.
pub(crate) async fn expect_silence(conn: &mut Conn) {
    let read = timeout(MOMENT, conn.read(&mut [0; 64])).await;
    assert!(read.is_err(), "{read:?}");
}

pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(SOON, future).await.expect("it happens soon")
}

pub(crate) fn up(flow: Flow) -> Rule {
    Rule { up: flow, ..Rule::default() }
}

pub(crate) fn both_ways(flow: Flow) -> Rule {
    Rule { up: flow, down: flow, ..Rule::default() }
}

pub(crate) fn accept(accept: Accept) -> Rule {
    Rule { accept, ..Rule::default() }
}
