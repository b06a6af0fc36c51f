//! What the simulated network promises beyond TCP: virtual time, and what loopback cannot do.

#![expect(clippy::unwrap_used, reason = "a failure anywhere in a program fails its test")]

#[path = "sim/bytes.rs"]
mod bytes;
#[path = "sim/connect.rs"]
mod connect;
#[path = "sim/time.rs"]
mod time;

use std::future::Future;

use unstuck_net::sim::{SimConfig, SimNet, runtime};
use unstuck_net::{Conn, Listener, Net, Port};

/// Runs `program` on a network of its own.
fn sim<F: Future>(config: SimConfig, program: impl FnOnce(Net) -> F) -> F::Output {
    runtime(1).block_on(program(Net::Sim(SimNet::new(config))))
}

/// A connection: the end that connected, the end that was accepted, and where.
async fn pair(net: &Net) -> (Conn, Conn, Listener, Port) {
    let port = net.reserve(net.any()).unwrap();
    let mut listener = port.listen().unwrap();
    let client = net.connect(port.addr()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    (client, server, listener, port)
}
