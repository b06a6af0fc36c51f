//! A fake cluster on real sockets and real time, on a thread of its own: what it shares with the client under test is
//! the wire, as if each were a program of its own.

use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use fake_tikv::{Cluster, Node, Spec};
use tokio::runtime::{self, Handle};
use tokio::sync::oneshot;
use unstuck_net::tcp::{TcpConfig, TcpNet};
use unstuck_net::{Clock, Net};

/// A cluster that runs until this is dropped.
#[derive(Debug)]
pub struct Running {
    cluster: Cluster,
    runtime: Handle,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts a cluster. When this returns, all its nodes accept.
    pub fn start(spec: Spec) -> Self {
        let (started, running) = mpsc::channel();
        let (end, ended) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime =
                runtime::Builder::new_current_thread().enable_all().build().expect("the system has an epoll");
            runtime.block_on(async {
                let net = Net::Tcp(TcpNet::new(TcpConfig::default()));
                let cluster = Cluster::start(&net, Clock::start(), spec).await.expect("free ports");
                started.send((cluster.clone(), Handle::current())).expect("the test waits for this");
                // a test that fails drops its end: that ends the cluster too
                let _ = ended.await;
                cluster.shutdown();
            });
        });
        let (cluster, runtime) = running.recv().expect("a cluster that starts says so");
        Self { cluster, runtime, end: Some(end), thread: Some(thread) }
    }

    /// The cluster, to look at and to change.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Where clients find PD.
    pub fn pd(&self) -> Vec<String> {
        let members = self.cluster.nodes().into_iter().filter(|(node, _)| matches!(node, Node::Pd(_)));
        members.map(|(_, addr)| addr.to_string()).collect()
    }

    /// Ends a node's process.
    pub fn stop(&self, node: Node) {
        let _within = self.runtime.enter();
        self.cluster.stop(node);
    }

    /// Starts a node's process again; when this returns, it accepts.
    pub fn restart(&self, node: Node) {
        {
            let _within = self.runtime.enter();
            self.cluster.restart(node);
        }
        let addr = self.addr(node);
        // the port stays reserved, so whoever accepts is the node
        while TcpStream::connect_timeout(&addr, Duration::from_secs(1)).is_err() {
            std::thread::yield_now();
        }
    }

    fn addr(&self, node: Node) -> SocketAddr {
        let of = |(other, addr)| (other == node).then_some(addr);
        self.cluster.nodes().into_iter().find_map(of).expect("a node of this cluster")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // its panic has been printed; a second one here would only hide which test it was
            let _ = thread.join();
        }
    }
}
