//! When a caller asks again, and after how long.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// client-go's `BoPDRPC`: doubled from the one to the other, half of it drawn.
const BASE: Duration = Duration::from_millis(500);
pub(super) const CAP: Duration = Duration::from_secs(3);

/// client-go's back-off with equal jitter, which a caller begins anew for each question.
#[derive(Debug)]
pub(super) struct Backoff {
    failures: u32,
    random: ChaCha8Rng,
}

impl Backoff {
    pub(super) fn new(seed: u64) -> Self {
        Self { failures: 0, random: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// The pause after one more failure.
    pub(super) fn failed(&mut self) -> Duration {
        let grown = (BASE * 2_u32.pow(self.failures.min(8))).min(CAP);
        self.failures += 1;
        grown / 2 + (grown / 2).mul_f64(self.random.random::<f64>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_cap_and_half_of_each_is_drawn() {
        let mut backoff = Backoff::new(1);
        for grown in [500, 1000, 2000, 3000, 3000, 3000] {
            let grown = Duration::from_millis(grown);
            let pause = backoff.failed();
            assert!(grown / 2 <= pause && pause <= grown, "{pause:?} of {grown:?}");
        }
        assert!((0..100).all(|_| backoff.failed() <= CAP), "also after many failures");
    }
}
