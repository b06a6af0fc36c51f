//! Wall time as the fake cluster tells it: an epoch plus what tokio's clock has advanced.

use std::time::Duration;

use tokio::time::Instant;

/// The epoch of every run of our own clients: 2026-01-01T00:00:00Z, in milliseconds since 1970. A constant, so that records compare.
pub const EPOCH_MS: u64 = 1_767_225_600_000;

/// A clock that starts at an epoch and moves with tokio's, virtual or real.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    epoch_ms: u64,
}

impl Clock {
    /// Starts now, at [`EPOCH_MS`]. Call within a runtime.
    pub fn start() -> Self {
        Self::start_at(EPOCH_MS)
    }
    /// Starts now, at an epoch in milliseconds since 1970: the wall's, for clients that compare what they hear with a
    /// clock of their own. Call within a runtime.
    pub fn start_at(epoch_ms: u64) -> Self {
        Self { start: Instant::now(), epoch_ms }
    }
    /// Starts now, at the wall's time: for clients of other processes, which compare what they hear with a clock of their
    /// own. Never in the sim. Call within a runtime.
    #[expect(clippy::disallowed_methods, reason = "asked for: outside of the sim")]
    pub fn start_at_wall() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self::start_at(now.unwrap_or_default().as_millis() as u64)
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
        self.epoch_ms + self.ms()
    }
    /// The epoch: [`Clock::unix_ms`] at the start.
    pub fn epoch_ms(&self) -> u64 {
        self.epoch_ms
    }
}
