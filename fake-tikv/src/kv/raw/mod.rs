//! Raw keys.
//!
//! * [`refusal`]: what is refused in whichever region
//! * [`range`]: the part of a range that a region holds
//! * [`propose`]: what becomes one entry of a region's log
//! * [`get`], [`put`], [`delete`], [`compare_and_swap`], [`key_ttl`]: one key
//! * [`batch_get`], [`batch_put`], [`batch_delete`]: many
//! * [`scan`], [`batch_scan`], [`delete_range`], [`checksum`]: ranges

mod batch_delete;
mod batch_get;
mod batch_put;
mod batch_scan;
mod checksum;
mod compare_and_swap;
mod delete;
mod delete_range;
mod get;
mod key_ttl;
mod propose;
mod put;
mod range;
mod refusal;
mod scan;

use super::command::On;

impl On<'_> {
    /// Seconds since 1970: times to live have no finer unit.
    fn now(&self) -> u64 {
        self.unix_ms / 1000
    }
    /// When a value expires that lives so many seconds; 0 is for ever.
    fn expires(&self, ttl: u64) -> Option<u64> {
        (ttl > 0).then(|| self.now().saturating_add(ttl))
    }
}
