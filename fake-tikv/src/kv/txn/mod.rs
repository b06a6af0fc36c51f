//! Transactions: wire to storage and back.
//!
//! * [`wire`]: locks, errors and views, as kvproto has them
//! * [`get`], [`batch_get`], [`scan`]: reads
//! * [`prewrite`], [`commit`], [`batch_rollback`], [`cleanup`]: the two phases, and the way back
//! * [`pessimistic_lock`], [`pessimistic_rollback`]: locks before the first phase
//! * [`check_txn_status`], [`check_secondary_locks`], [`resolve_lock`], [`scan_lock`]: what others do about a lock that is
//!   in their way
//! * [`txn_heart_beat`]: what its owner does to keep it
//! * [`gc`], [`delete_range`]: what goes for good
//! * [`mvcc_info`]: a look inside

mod batch_get;
mod batch_rollback;
mod check_secondary_locks;
mod check_txn_status;
mod cleanup;
mod commit;
mod delete_range;
mod gc;
mod get;
mod mvcc_info;
mod pessimistic_lock;
mod pessimistic_rollback;
mod prewrite;
mod resolve_lock;
mod scan;
mod scan_lock;
mod txn_heart_beat;
pub(crate) mod wire;
