//! `tikv-client` 0.4 (crates.io) as the client under test, on real sockets: it dials for itself.
//!
//! * [`raw`]: a key in each region, put and read again
//! * [`txn`]: one transaction after another
//! * [`scan`]: one bounded scan of an empty store
//! * [`control`]: beside each of them, a client with deadlines of its own, through the same proxies

mod control;
mod job;

use std::time::Duration;

use unstuck::Client;
use unstuck::client::Timers;

/// One key in each region: every step asks PD for a region that the client has not seen.
pub fn raw() -> Client {
    client(Client::new("tikv-client", job::raw).revision("0.4.0-raw").unit("keys"))
}

/// A transaction of one key after another.
pub fn txn() -> Client {
    client(Client::new("tikv-client", job::txn).revision("0.4.0-txn").unit("transactions"))
}

/// A scan whose end lies in the last region, of a store without keys.
pub fn scan() -> Client {
    client(Client::new("tikv-client", job::scan).revision("0.4.0-scan").unit("scans"))
}

fn client(client: Client) -> Client {
    client.dials_for_itself().timers(Timers {
        // ten attempts of 2 s each and the back-off between them, as a call has that no store answers
        longest: Duration::from_secs(22),
        backoff_cap: Duration::from_millis(500),
        restart_period: Duration::from_secs(1),
    })
}
