//! Wall time as the fake cluster tells it: a fixed epoch plus what tokio's clock has advanced.

use std::time::Duration;

use tokio::time::Instant;

/// The epoch of every run: 2026-01-01T00:00:00Z, in milliseconds since 1970. A constant, so that records compare.
pub const EPOCH_MS: u64 = 1_767_225_600_000;

/// A clock that starts at [`EPOCH_MS`] and moves with tokio's, virtual or real.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts now. Call within a runtime.
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }
    /// Since the start.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
    /// Milliseconds since the start.
    pub fn ms(&self) -> u64 {
        self.elapsed().as_millis() as u64
    }
    /// Milliseconds since the start, of a moment that is not before it.
    pub fn ms_at(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.start).as_millis() as u64
    }
    /// Milliseconds since 1970, as TSO and heartbeats want it.
    pub fn unix_ms(&self) -> u64 {
        EPOCH_MS + self.ms()
    }
}
