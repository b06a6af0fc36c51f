//! An in-memory network on tokio's paused clock, and the runtime it needs.
//!
//! ```text
//!   SimNet ── ports ── reserve ► SimPort ── listen ► SimListener ── accept ► SimConn ┐
//!      └────────────── connect (one round trip) ───────────────────────────► SimConn ┴─ one Link: two pipes
//! ```
//!
//! * `pipe`: one direction: bytes in flight with their arrival times, bytes delivered
//! * `link`: the two directions of a connection and its two ends: FIN, RST, close, as Linux does them
//! * `waiter`: a task that waits on a connection, and the timer that wakes it
//! * `conn`: one end of a link, as its user holds it
//! * `ports`: which ports are reserved, who listens, connects
//!
//! Time passes lazily: a connection is brought up to date whenever someone touches it, and timers exist only for
//! tasks that wait. Nothing runs in the background.

mod conn;
mod link;
mod pipe;
mod ports;
mod waiter;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use conn::SimConn;
pub use ports::{SimListener, SimPort};

/// The least latency: tokio's timers count milliseconds, and a free transit would let a loop freeze the clock.
const MIN_LATENCY: Duration = Duration::from_millis(1);

/// How the simulated network behaves. All links are alike; slowness is the proxy's business.
#[derive(Clone, Copy, Debug)]
pub struct SimConfig {
    /// One way, for every connect and every chunk. At least 1 ms, so that no loop over the network freezes the clock.
    pub latency: Duration,
    /// Bytes that a sender can have outside the receiver's buffer.
    pub send_buffer: usize,
    /// Bytes that wait unread at the receiver.
    pub recv_buffer: usize,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self { latency: MIN_LATENCY, send_buffer: 64 << 10, recv_buffer: 64 << 10 }
    }
}

impl SimConfig {
    /// The nearest configuration with which bytes can move and time must pass.
    fn sane(self) -> Self {
        Self {
            latency: self.latency.max(MIN_LATENCY),
            send_buffer: self.send_buffer.max(1),
            recv_buffer: self.recv_buffer.max(1),
        }
    }
}

/// An in-memory network. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SimNet {
    config: SimConfig,
    ports: Arc<Mutex<ports::Ports>>,
}

impl SimNet {
    /// A network without hosts. A latency below 1 ms counts as 1 ms, a buffer of 0 bytes as 1 byte.
    pub fn new(config: SimConfig) -> Self {
        Self { config: config.sane(), ports: Arc::default() }
    }

    pub(crate) fn reserve(&self, at: SocketAddr) -> io::Result<SimPort> {
        ports::reserve(&self.ports, at)
    }

    pub(crate) async fn connect(&self, to: SocketAddr) -> io::Result<SimConn> {
        ports::connect(&self.ports, self.config, to).await
    }
}

/// A single-threaded runtime with a paused clock: time jumps to the next timer when every task waits.
/// With `--cfg tokio_unstable` its random choices come from `seed`.
pub fn runtime(seed: u64) -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true);
    #[cfg(tokio_unstable)]
    builder.rng_seed(tokio::runtime::RngSeed::from_bytes(&seed.to_le_bytes()));
    #[cfg(not(tokio_unstable))]
    let _ = seed;
    builder.build().expect("a runtime without I/O asks nothing of the system")
}
