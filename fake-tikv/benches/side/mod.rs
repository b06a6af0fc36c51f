//! A server whose CPU is measured: it has a thread of its own, over real sockets, and that thread's clock.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::Duration;

use fake_tikv::{Cluster, Node, Spec};
use futures_util::future::BoxFuture;
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::UnboundedSender;
use unstuck_net::tcp::{TcpConfig, TcpNet};
use unstuck_net::{Clock, Net};

/// A server on a thread of its own.
pub(crate) struct Side {
    pub(crate) addrs: Vec<SocketAddr>,
    asks: UnboundedSender<mpsc::Sender<Duration>>,
}

impl Side {
    /// Runs `start`, which returns where it listens, and whatever it has spawned.
    pub(crate) fn start(start: fn() -> BoxFuture<'static, Vec<SocketAddr>>) -> Self {
        let (asks, mut asked) = tokio::sync::mpsc::unbounded_channel::<mpsc::Sender<Duration>>();
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            runtime().block_on(async {
                tell.send(start().await).expect("the bench waits for it");
                while let Some(answer) = asked.recv().await {
                    let now = clock_gettime(ClockId::ThreadCPUTime);
                    let now = Duration::new(now.tv_sec.cast_unsigned(), now.tv_nsec as u32);
                    answer.send(now).expect("the bench waits for it");
                }
            });
        });
        Self { addrs: told.recv().expect("it starts"), asks }
    }
    /// What its thread has used.
    pub(crate) fn cpu(&self) -> Duration {
        let (ask, answer) = mpsc::channel();
        self.asks.send(ask).expect("it runs");
        answer.recv().expect("it answers")
    }
}

pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A cluster of one store; says where that listens, and where PD.
pub(crate) fn fake() -> BoxFuture<'static, Vec<SocketAddr>> {
    Box::pin(async {
        let net = Net::Tcp(TcpNet::new(TcpConfig::default()));
        let spec = Spec { stores: 1, ..Spec::default() };
        let cluster = Cluster::start(&net, Clock::start(), spec).await.expect("starts");
        let nodes = cluster.nodes();
        let addr = |node| nodes.iter().find(|(other, _)| *other == node).expect("has that node").1;
        let addrs = vec![addr(Node::Store(1)), addr(Node::Pd(0))];
        // runs as long as the thread
        tokio::spawn(async move {
            let _cluster = cluster;
            std::future::pending::<()>().await;
        });
        addrs
    })
}
