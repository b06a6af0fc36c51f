//! Raw keys.
//!
//! * [`get`]: one key
//! * [`put`]: one key

mod get;
mod put;
