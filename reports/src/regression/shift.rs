//! Whether a series of nights has shifted at its end: an effect that matters, and more than chance.
//!
//! A night is one number, the logarithm of the median time of its runs, because runs of one night share a machine and
//! are not independent. The last three nights are held against those before. They are shifted if each of the three lies
//! beyond both bounds:
//!
//! * the effect: 10 % unless somebody says otherwise;
//! * chance: the quantile of Student's t, times the spread between quiet nights, at which three nights in a row lie beyond
//!   it with the probability that is allowed. The spread is Qn of Rousseeuw and Croux (1993), for which half of the nights
//!   may be outliers and which needs no symmetry; what it is taken from is the median. The t has six degrees of freedom
//!   however many nights there are, since times have heavier tails than normal numbers.
//!
//! That all three must lie beyond is what heavy tails cannot buy: one wild night says nothing. What this promises, and
//! what it finds, is measured in `reports/tests/truth.rs`.

use statrs::distribution::{ContinuousCDF as _, StudentsT};

use super::Settings;

/// Quiet nights without which nothing is said.
pub const RIPE: usize = 10;
/// The last nights that are held against those before.
pub const LAST: usize = 3;
/// Degrees of freedom of the bound.
const FREEDOM: f64 = 6.0;
/// No spread is smaller: times have a resolution.
const LEAST_SPREAD: f64 = 0.005;

/// What a series says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shift {
    /// There are too few nights to say anything.
    Unripe,
    /// Nothing that is more than chance.
    Quiet {
        /// The least shift, as a logarithm, that would be found in three nights.
        least: f64,
    },
    /// It is shifted.
    Shifted {
        /// The median of the nights before, as a logarithm.
        old: f64,
        /// That of the last nights.
        new: f64,
        /// The spread of the nights before.
        spread: f64,
    },
}

/// Judges a series, oldest first, one of `cells` that are looked at tonight.
pub fn judge(series: &[f64], cells: usize, settings: &Settings) -> Shift {
    let Some(quiet) = series.len().checked_sub(LAST).filter(|quiet| *quiet >= RIPE) else {
        return Shift::Unripe;
    };
    let (before, last) = series.split_at(quiet);
    let (old, spread) = (median(before), qn(before).max(LEAST_SPREAD));
    let reach = (bound(before.len(), cells, settings) * spread).max(settings.effect.ln_1p());
    let beyond = |way: f64| last.iter().all(|night| (night - old) * way > reach);
    if beyond(1.0) || beyond(-1.0) {
        return Shift::Shifted { old, new: median(last), spread };
    }
    Shift::Quiet { least: reach }
}

/// So many spreads must each of the last nights lie away, so that chance does it as rarely as is allowed: both ways share
/// what is allowed, and so do all the cells of a night.
fn bound(before: usize, cells: usize, settings: &Settings) -> f64 {
    let allowed = settings.false_alarms.min(settings.false_alarms_a_night / cells.max(1) as f64);
    let each = (allowed / 2.0).powf(1.0 / LAST as f64);
    // a median of n normal numbers has the variance π / 2n
    let centre = (1.0 + std::f64::consts::FRAC_PI_2 / before as f64).sqrt();
    // the spread of few nights is easily taken too small: found by simulation, between 10 nights and 27
    let young = 1.0 + (10.0 / before as f64).powi(3);
    let t = StudentsT::new(0.0, 1.0, FREEDOM).expect("a positive number of degrees");
    t.inverse_cdf(1.0 - each) * centre * young
}

/// The middle of some numbers.
pub(super) fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[half],
        _ => f64::midpoint(sorted[half - 1], sorted[half]),
    }
}

/// Qn: the quarter of all distances between two numbers, scaled to the standard deviation of normal ones.
pub(super) fn qn(numbers: &[f64]) -> f64 {
    let n = numbers.len();
    if n < 2 {
        return 0.0;
    }
    let mut distances = Vec::with_capacity(n * (n - 1) / 2);
    for (place, one) in numbers.iter().enumerate() {
        distances.extend(numbers[place + 1..].iter().map(|other| (one - other).abs()));
    }
    let half = n / 2 + 1;
    let rank = half * (half - 1) / 2;
    let (_, quarter, _) = distances.select_nth_unstable_by(rank - 1, f64::total_cmp);
    // the factors for small samples of Croux and Rousseeuw (1992), of more than nine numbers
    let small = if n % 2 == 1 { n as f64 / (n as f64 + 1.4) } else { n as f64 / (n as f64 + 3.8) };
    2.2219 * small * *quarter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_of_normal_numbers_is_their_standard_deviation_and_outliers_hardly_change_it() {
        // quantiles of the standard normal distribution
        let normal = statrs::distribution::Normal::new(0.0, 1.0).unwrap();
        let mut numbers: Vec<f64> =
            (0..99).map(|i| normal.inverse_cdf((f64::from(i) + 0.5) / 99.0)).collect();
        assert!((qn(&numbers) - 1.0).abs() < 0.05, "{}", qn(&numbers));
        for outlier in numbers.iter_mut().take(10) {
            *outlier = 1e6;
        }
        assert!((qn(&numbers) - 1.0).abs() < 0.3, "{}", qn(&numbers));
    }

    #[test]
    fn two_wild_nights_are_no_shift_and_too_few_nights_are_none() {
        let settings = Settings::default();
        let quiet = |n: usize| (0..n).map(|i| (i % 5) as f64 * 0.01).collect::<Vec<_>>();
        let mut wild = quiet(29);
        for _ in 0..2 {
            wild.push(3.0);
            assert!(matches!(judge(&wild, 1, &settings), Shift::Quiet { .. }));
        }
        wild.push(3.0);
        assert!(matches!(judge(&wild, 1, &settings), Shift::Shifted { .. }));
        assert_eq!(judge(&quiet(12), 1, &settings), Shift::Unripe);
    }
}
