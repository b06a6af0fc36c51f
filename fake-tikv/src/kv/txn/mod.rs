//! Transactions: wire to storage and back.
//!
//! * [`wire`]: timestamps' bearers: locks, errors, views, as kvproto has them
//! * [`get`], [`batch_get`], [`scan`]: reads
//! * [`prewrite`], [`commit`], [`batch_rollback`], [`cleanup`]: the two phases, and the way back
//! * [`check_txn_status`], [`resolve_lock`], [`scan_lock`]: what others do about a lock that is in their way
//! * [`txn_heart_beat`]: what its owner does to keep it

mod batch_get;
mod batch_rollback;
mod check_txn_status;
mod cleanup;
mod commit;
mod get;
mod prewrite;
mod resolve_lock;
mod scan;
mod scan_lock;
mod txn_heart_beat;
pub(crate) mod wire;
