//! Loads: clients that ask PD the same again and again, at a fixed pace, until they have so many answers.
//!
//! A load has `workload.workers` callers. Each asks, has its answer, rests for the pace, and asks again: what an outage takes is
//! added to the whole, so a load's end tells how long PD could not be used. `workload.regions` is the number of answers.
//!
//! * `tso`: timestamps, [`TsoLoad`]; `pd`: lookups, [`PdLoad`]
//! * `pace`: callers and their turns; `retry`: after how long they ask again

mod pace;
mod pd;
mod retry;
mod tso;

pub use pd::PdLoad;
pub use tso::TsoLoad;
