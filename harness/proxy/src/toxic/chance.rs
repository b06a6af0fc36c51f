//! Seeded draws: how large a departure is, and whether something happens, in line with the last draw if asked.
//!
//! Correlation is kept between normal deviates, which are then bent to whatever distribution is wanted: so a correlated
//! draw is spread as an uncorrelated one is. (netem adds up the numbers themselves, which narrows their spread.)
//! Logarithms come from `libm`, which gives the same bits on every machine.

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// How departures from a mean are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Distribution {
    /// Evenly, up to the jitter to either side.
    #[default]
    Uniform,
    /// Normally; the jitter is the standard deviation.
    Normal,
    /// As Pareto's law has it, with a long tail of late ones (shape 3); the jitter is the standard deviation.
    Pareto,
}

/// A generator whose draws resemble each other.
#[derive(Debug)]
pub(crate) struct Chance {
    random: ChaCha8Rng,
    last: Option<f64>,
}

/// The shape of [`Distribution::Pareto`]: the least whole number with which there is a variance.
const SHAPE: f64 = 3.0;
/// The mean and the standard deviation that follow from it: a/(a-1), and sqrt(a/(a-2))/(a-1).
const MEAN: f64 = 1.5;
const DEVIATION: f64 = 0.866_025_403_784_438_6;

// === impl Chance ===

impl Chance {
    pub(crate) fn new(random: ChaCha8Rng) -> Self {
        Self { random, last: None }
    }

    /// Whether something happens that happens at `rate`, 0 to 1. With a `correlation` near 1 it comes in long runs.
    pub(crate) fn happens(&mut self, rate: f64, correlation: f64) -> bool {
        if rate <= 0.0 {
            return false;
        }
        rate >= 1.0 || self.share(correlation) < rate
    }

    /// A departure in units of the jitter.
    pub(crate) fn departure(&mut self, distribution: Distribution, correlation: f64) -> f64 {
        match distribution {
            Distribution::Uniform => 2.0 * self.share(correlation) - 1.0,
            Distribution::Normal => self.normal(correlation),
            Distribution::Pareto => {
                let rest = (1.0 - self.share(correlation)).max(f64::EPSILON);
                (libm::pow(rest, -1.0 / SHAPE) - MEAN) / DEVIATION
            }
        }
    }

    /// Evenly from 0 to 1.
    fn share(&mut self, correlation: f64) -> f64 {
        if correlation > 0.0 {
            0.5 * libm::erfc(-self.normal(correlation) * FRAC_1_SQRT_2)
        } else {
            self.random.random()
        }
    }

    fn normal(&mut self, correlation: f64) -> f64 {
        // Box and Muller's
        let (radius, angle) = (1.0 - self.random.random::<f64>(), TAU * self.random.random::<f64>());
        let fresh = libm::sqrt(-2.0 * libm::log(radius)) * libm::cos(angle);
        let drawn = match self.last {
            Some(last) => correlation * last + libm::sqrt(1.0 - correlation * correlation) * fresh,
            None => fresh,
        };
        self.last = Some(drawn);
        drawn
    }

    /// How many go by before the next one to which something happens that happens at `rate`.
    pub(crate) fn gap(&mut self, rate: f64) -> u64 {
        if rate >= 1.0 {
            return 0;
        }
        let rest = 1.0 - self.random.random::<f64>();
        // saturates, and is the whole of u64 at rate 0
        (libm::log(rest) / libm::log1p(-rate)) as u64
    }

    /// Any but 0.
    pub(crate) fn byte(&mut self) -> u8 {
        self.random.random_range(1..=u8::MAX)
    }

    /// Evenly from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        self.random.random_range(low..=high)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    const DRAWS: usize = 20_000;

    fn chance() -> Chance {
        Chance::new(ChaCha8Rng::from_seed([7; 32]))
    }

    fn moments(draws: &[f64]) -> (f64, f64) {
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / draws.len() as f64;
        (mean, variance.sqrt())
    }

    /// Of two draws in a row.
    fn resemblance(draws: &[f64]) -> f64 {
        let (mean, deviation) = moments(draws);
        let both: f64 = draws.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
        both / (draws.len() - 1) as f64 / (deviation * deviation)
    }

    /// The error of a mean of 20,000 is below 0.01 deviations; with a correlation of 0.8 there are a ninth as many
    /// draws of their own.
    #[test]
    fn correlation_changes_neither_mean_nor_spread() {
        for (distribution, spread) in
            [(Distribution::Uniform, 1.0 / 3f64.sqrt()), (Distribution::Normal, 1.0)]
        {
            for correlation in [0.0, 0.8] {
                let mut chance = chance();
                let draws: Vec<f64> =
                    (0..DRAWS).map(|_| chance.departure(distribution, correlation)).collect();
                let (mean, deviation) = moments(&draws);
                assert!(mean.abs() < 0.05 && (deviation - spread).abs() < 0.05, "{mean} {deviation}");
                assert!((resemblance(&draws) - correlation).abs() < 0.05, "{}", resemblance(&draws));
            }
        }
    }

    #[test]
    fn pareto_has_a_tail_on_one_side() {
        let mut chance = chance();
        let draws: Vec<f64> = (0..DRAWS).map(|_| chance.departure(Distribution::Pareto, 0.0)).collect();
        let (mean, _) = moments(&draws);
        assert!(mean.abs() < 0.05, "{mean}");
        let least = draws.iter().copied().fold(f64::MAX, f64::min);
        let most = draws.iter().copied().fold(f64::MIN, f64::max);
        assert!(least > -0.58 && most > 5.0, "{least} {most}");
    }

    #[test]
    fn a_rate_is_a_rate_and_correlated_events_come_in_runs() {
        let runs = |correlation| {
            let mut chance = chance();
            let events: Vec<bool> = (0..DRAWS).map(|_| chance.happens(0.1, correlation)).collect();
            let happened = events.iter().filter(|event| **event).count();
            assert!((1_600..2_400).contains(&happened), "{happened} of {DRAWS}");
            happened as f64 / events.windows(2).filter(|pair| !pair[0] && pair[1]).count() as f64
        };
        let (alone, together) = (runs(0.0), runs(0.9));
        assert!(alone < 1.2 && together > 2.0, "{alone} {together}");
        let mut chance = chance();
        assert!((0..100).all(|_| chance.happens(1.0, 0.5) && !chance.happens(0.0, 0.5)));
    }

    #[test]
    fn gaps_have_the_mean_of_their_rate() {
        let mut chance = chance();
        let total: u64 = (0..DRAWS).map(|_| chance.gap(0.01)).sum();
        let mean = total as f64 / DRAWS as f64;
        assert!((mean - 99.0).abs() < 3.0, "{mean}");
        assert_eq!(chance.gap(0.0), u64::MAX);
        assert_eq!(chance.gap(1.0), 0);
    }
}
