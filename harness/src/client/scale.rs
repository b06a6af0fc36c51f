//! Real durations made shorter, for real sockets.

use std::time::Duration;

/// A divisor for durations; 1 in virtual time. Cheap to copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale(u32);

/// No timer gets shorter than this: loopback and a busy scheduler need it.
const FLOOR: Duration = Duration::from_millis(20);
/// A keepalive timeout below this would end healthy connections on a busy machine.
const KEEPALIVE_TIMEOUT_FLOOR: Duration = Duration::from_millis(500);

impl Scale {
    /// Real durations.
    pub const REAL: Self = Self(1);

    /// Durations divided by `by` (at least 1).
    pub fn new(by: u32) -> Self {
        Self(by.max(1))
    }
    /// The divisor.
    pub fn by(self) -> u32 {
        self.0
    }
    /// A timer: divided, at least 20 ms unless it was shorter to begin with.
    pub fn timer(self, real: Duration) -> Duration {
        self.floored(real, FLOOR)
    }
    /// A keepalive timeout: divided, at least 500 ms unless it was shorter to begin with.
    pub fn keepalive_timeout(self, real: Duration) -> Duration {
        self.floored(real, KEEPALIVE_TIMEOUT_FLOOR)
    }
    /// A length of a plan: divided, nothing else.
    pub fn span(self, real: Duration) -> Duration {
        real / self.0
    }
    fn floored(self, real: Duration, floor: Duration) -> Duration {
        (real / self.0).max(floor.min(real))
    }
}
