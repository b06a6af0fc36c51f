//! Transactions over the wire.
//!
//! * [`client`]: the calls of a transactional client
//! * [`wire`]: one command a test: what it answers, and where

mod client;
mod wire;
