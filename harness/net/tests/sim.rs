//! What the simulated network promises beyond TCP: virtual time, and what loopback cannot do.

#![expect(clippy::unwrap_used, reason = "a failure anywhere in a program fails its test")]

#[path = "sim/bytes.rs"]
mod bytes;
#[path = "sim/close.rs"]
mod close;
#[path = "sim/connect.rs"]
mod connect;
#[path = "sim/time.rs"]
mod time;

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use unstuck_net::sim::{SimConfig, SimNet, runtime};
use unstuck_net::{Conn, Listener, Net, Port};

/// Virtual, and more than any program here needs.
const WATCHDOG: Duration = Duration::from_secs(24 * 3600);

/// Runs `program` on a network of its own, and fails if it hangs.
fn sim<F: Future>(config: SimConfig, program: impl FnOnce(Net) -> F) -> F::Output {
    runtime(1).block_on(async {
        let start = Instant::now();
        let program = program(Net::Sim(SimNet::new(config)));
        let outcome = timeout(WATCHDOG, program).await.expect("the program hangs");
        // The watchdog polls the program as it fires, which would cover up a lost wake-up.
        assert!(start.elapsed() < WATCHDOG, "only the watchdog woke the program");
        outcome
    })
}

/// A connection: the end that connected, the end that was accepted, and where.
async fn pair(net: &Net) -> (Conn, Conn, Listener, Port) {
    let port = net.reserve(net.any()).unwrap();
    let mut listener = port.listen().unwrap();
    let client = net.connect(port.addr()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    (client, server, listener, port)
}
