//! A proxy on real sockets, on a thread of its own.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::sync::oneshot;
use unstuck_net::Net;
use unstuck_net::tcp::{TcpConfig, TcpNet};
use unstuck_proxy::{Placed, Proxy, Toxic};

pub(crate) struct Link {
    pub(crate) proxy: Proxy,
    /// The thread ends when this drops.
    _running: oneshot::Sender<()>,
}

impl Link {
    pub(crate) fn to(upstream: SocketAddr) -> Self {
        let (running, ended) = oneshot::channel();
        let (send, proxy) = mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let net = Net::Tcp(TcpNet::new(TcpConfig::default()));
                let name = "client->node".to_owned();
                send.send(Proxy::start(&net, name, upstream, 1, Arc::new(|_| {})).unwrap()).unwrap();
                let _dropped = ended.await;
            });
        });
        Self { proxy: proxy.recv().unwrap(), _running: running }
    }

    pub(crate) fn add(&self, toxic: &Toxic) -> Placed {
        self.proxy.add(toxic.clone()).unwrap()
    }
}

/// Waits, on a thread that has nothing else to do.
#[expect(clippy::disallowed_methods, reason = "there is no sim here")]
pub(crate) fn sleep(duration: Duration) {
    std::thread::sleep(duration);
}

/// Takes the toxic out a while after it has begun to act.
pub(crate) fn heal_after(placed: Placed, while_: Duration) {
    std::thread::spawn(move || {
        while !placed.evidence().touched() {
            sleep(Duration::from_millis(1));
        }
        sleep(while_);
        drop(placed);
    });
}
