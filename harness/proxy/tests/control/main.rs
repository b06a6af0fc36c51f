//! The control API under everything that is not Toxiproxy's: our own toxics and limits, live evidence, metrics, who may
//! ask, and bad input of all kinds. Real sockets throughout.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

mod bad;
#[path = "../toxiproxy/http.rs"]
mod http;
mod live;
mod ours;
mod server;
