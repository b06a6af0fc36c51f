//! How long to wait between two tries to connect.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// grpc-go's default factor and jitter.
const FACTOR: f64 = 1.6;
const JITTER: f64 = 0.2;

/// Exponential back-off with seeded jitter.
#[derive(Debug)]
pub(super) struct Backoff {
    base: Duration,
    max: Duration,
    failures: i32,
    random: ChaCha8Rng,
}

impl Backoff {
    pub(super) fn new(base: Duration, max: Duration, seed: u64) -> Self {
        Self { base, max, failures: 0, random: ChaCha8Rng::seed_from_u64(seed) }
    }
    /// The wait after the coming try, should it fail. The first is `base` exactly.
    pub(super) fn next(&mut self) -> Duration {
        let failures = self.failures;
        self.failures = failures.saturating_add(1);
        if failures == 0 {
            return self.base;
        }
        let grown = self.base.as_secs_f64() * FACTOR.powi(failures);
        let jitter = 1.0 + JITTER * (self.random.random::<f64>() * 2.0 - 1.0);
        Duration::from_secs_f64(grown.min(self.max.as_secs_f64()) * jitter)
    }
    /// A try succeeded.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_by_the_factor_up_to_the_cap_within_the_jitter() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(10), 7);
        for ideal in [1.0_f64, 1.6, 2.56, 4.096, 6.5536, 10.0, 10.0] {
            let wait = backoff.next().as_secs_f64();
            assert!((wait / ideal - 1.0).abs() <= JITTER, "{wait} is not about {ideal}");
        }
        backoff.reset();
        assert_eq!(backoff.next(), Duration::from_secs(1));
    }

    #[test]
    fn a_thousand_failures_do_not_overflow() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(600), 7);
        let longest = (0..1000).map(|_| backoff.next()).max().unwrap();
        assert!(longest <= Duration::from_secs(720));
    }
}
