//! Transactions over the wire.
//!
//! * [`client`]: the calls of a transactional client
//! * [`wire`]: one command a test: what it answers, and where
//! * [`async_commit`], [`pessimistic`], [`collect`]: the same, of what their names say

mod async_commit;
mod client;
mod collect;
mod pessimistic;
mod wire;
