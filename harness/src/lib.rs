//! `unstuck` asks one question about a database client: after the network misbehaves and comes back, does it
//! finish its work, or is it stuck?
//!
//! To test a client of your own start at [`Suite`]; to read the code, at [`run`]. Modules, in reading order; each imports only from those above it:
//!
//! * [`scenario`]: the YAML that QA writes, resolved
//! * [`fault`]: what the words mean, and the plan: timed events on named links and nodes, which the proxies
//!   (`unstuck-proxy`) and the fake cluster carry out
//! * [`probe`]: tasks and where they wait; progress
//! * [`client`]: what is under test
//! * [`verdict`]: checkers, pure functions of the record
//! * [`run`]: one case from plan to record, and many of them
//! * [`suite`]: a folder of scenarios as tests of `cargo test`, with clients of your own
//! * [`export`]: the same cases for a real cluster
//! * [`watch`]: a client that runs there, watched and judged
//! * [`cli`]: the `unstuck` command

pub mod cli;
pub mod client;
pub mod export;
pub mod fault;
pub mod probe;
pub mod run;
pub mod scenario;
pub mod suite;
pub mod verdict;
pub mod watch;

pub use client::{Env, Own as Client};
pub use suite::Suite;
