//! The Rust client of TiKV (`tikv-client` 0.4) as its users have it, over real sockets.
//!
//! * [`raw`]: raw keys, every operation of its public interface
//! * [`txn`]: transactions, likewise
//! * [`keyspace`]: API V2
//! * [`moved`]: the cluster changes under a client that goes on
//! * [`surprise`]: what its users do not expect of this client, pinned: a newer one may do better

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of the test functions that may")]

mod keyspace;
mod moved;
mod raw;
mod surprise;
mod txn;

use std::time::Duration;

use fake_tikv::{Borders, Spec};
use tokio::runtime;
use tokio::time::timeout;

/// Runs the client's side of a test. The bound is a watchdog: no test needs more than a few seconds.
fn client<T>(test: impl Future<Output = T>) -> T {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async { timeout(Duration::from_secs(60), test).await.expect("the client is stuck") })
}

/// Four regions on three stores, with borders at `d`, `k` and `t`.
///
/// Elections are quick: this client tries a region ten times within 1.5 s, then its user gets the error.
fn spec() -> Spec {
    let borders = Borders::At(["d", "k", "t"].map(Into::into).to_vec());
    Spec { regions: 4, borders, election: Duration::from_millis(50), ..Spec::default() }
}

/// A key in each region of [`spec`].
const KEYS: [&str; 4] = ["a", "d", "k", "z"];

fn key(key: &str) -> String {
    key.to_owned()
}

/// Keys of one letter each, in a row.
fn names(keys: impl IntoIterator<Item = tikv_client::Key>) -> String {
    keys.into_iter().map(|key| String::from_utf8(key.into()).unwrap()).collect()
}
