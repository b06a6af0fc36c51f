//! Time since the client's start, which may lie before ours.

use std::time::Duration;

use chrono::DateTime;
use tokio::time::Instant;
use unstuck_net::Clock;

/// Counts from the client's start. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since {
    clock: Clock,
    /// How long the client had run when the clock started.
    before: Duration,
}

impl Since {
    /// From a moment in milliseconds since 1970; `None`: from now on. Call within a runtime.
    ///
    /// # Errors
    /// How far that moment lies ahead.
    pub(super) fn start(started_ms: Option<u64>) -> Result<Self, Duration> {
        let clock = Clock::start_at_wall();
        let started_ms = started_ms.unwrap_or(clock.epoch_ms());
        match clock.epoch_ms().checked_sub(started_ms) {
            Some(before) => Ok(Self { clock, before: Duration::from_millis(before) }),
            None => Err(Duration::from_millis(started_ms - clock.epoch_ms())),
        }
    }
    /// Since the client's start.
    pub(super) fn elapsed(&self) -> Duration {
        self.before + self.clock.elapsed()
    }
    /// Milliseconds since the client's start.
    pub(super) fn ms(&self) -> u64 {
        self.elapsed().as_millis() as u64
    }
    /// When so much time has passed since the client's start; at once, if it has.
    pub(super) fn instant(&self, at_ms: u64) -> Instant {
        let left = Duration::from_millis(at_ms).saturating_sub(self.elapsed());
        // a thousand years are as good as for ever
        Instant::now() + left.min(Duration::from_secs(1 << 35))
    }
    /// Milliseconds since the client's start, of a moment since 1970; zero for one before it.
    pub(super) fn of_unix(&self, unix_ms: u64) -> u64 {
        unix_ms.saturating_sub(self.clock.epoch_ms() - self.before.as_millis() as u64)
    }
    /// Whether a moment since 1970 lies before the client's start.
    pub(super) fn is_before(&self, unix_ms: u64) -> bool {
        unix_ms < self.clock.epoch_ms() - self.before.as_millis() as u64
    }
}

/// A moment as RFC 3339 has it, in milliseconds since 1970.
///
/// # Errors
/// In words.
pub fn unix_ms(text: &str) -> Result<u64, String> {
    let moment = DateTime::parse_from_rfc3339(text.trim());
    let ms = moment.ok().and_then(|moment| u64::try_from(moment.timestamp_millis()).ok());
    ms.ok_or_else(|| format!("`{text}` is no time as RFC 3339 has it, such as `2026-11-21T10:00:00Z`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_clients_time_began_before_ours() {
        let now = Clock::start_at_wall().epoch_ms();
        let since = Since::start(Some(now - 60_000)).unwrap();
        assert!((60_000..90_000).contains(&since.ms()), "{}", since.ms());
        assert_eq!(since.of_unix(now - 50_000), 10_000);
        assert!(since.is_before(now - 60_001) && !since.is_before(now - 60_000));
        assert_eq!(since.of_unix(0), 0);
        assert!(since.instant(1) <= Instant::now() && since.instant(u64::MAX) > Instant::now());
    }

    #[tokio::test]
    async fn a_client_that_has_not_started_is_refused() {
        let later = Clock::start_at_wall().epoch_ms() + 3_600_000;
        assert!(Since::start(Some(later)).unwrap_err() > Duration::from_secs(3_000));
    }

    #[test]
    fn times_are_read_with_their_zone() {
        assert_eq!(unix_ms("1970-01-01T01:00:01+01:00"), Ok(1_000));
        assert_eq!(unix_ms(" 2026-01-01T00:00:00Z\n"), Ok(unstuck_net::clock::EPOCH_MS));
        for wrong in ["", "now", "2026-01-01", "1969-12-31T23:59:59Z"] {
            assert!(unix_ms(wrong).is_err(), "{wrong}");
        }
    }
}
