//! What is known of the client while it runs: its tasks and where they wait, and its progress.
//!
//! Every task of a client is spawned through [`Tasks::spawn`]; every function worth naming is entered through
//! [`frame`], every wait through [`wait`]. A dump is then exact at any moment, on tokio's clock.

pub mod lock;
pub mod meter;
mod stack;
pub mod tasks;

pub use lock::Lock;
pub use meter::Meter;
pub use stack::{ActorGuard, Actors, Site, frame, progressed, wait};
pub use tasks::{Joinable, Tasks};
