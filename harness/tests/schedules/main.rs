//! When faults begin, how long they last, how often they come, and what several of them come to.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod overlap;
mod phases;
mod prober;
mod triggers;
