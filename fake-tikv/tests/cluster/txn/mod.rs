//! Transactions over the wire.
//!
//! * [`client`]: the calls of a transactional client
//! * [`backup`]: what br makes of it
//! * [`session`]: transactions as clients carry them out
//! * [`bank`]: many of them at once
//! * [`wire`]: one command a test: what it answers, and where
//! * [`async_commit`], [`pessimistic`], [`collect`]: the same, of what their names say

mod async_commit;
mod backup;
mod bank;
mod client;
mod collect;
mod pessimistic;
mod session;
mod wire;
