//! How often something fails, and how sure that is.

use serde::Serialize;

/// The normal quantile of a two-sided confidence of 95 %.
const Z: f64 = 1.959_964;

/// Failures among runs, with Wilson's interval of 95 % confidence: honest for few runs and for rates near 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rate {
    /// So many failed.
    pub bad: u64,
    /// Of so many.
    pub runs: u64,
    /// The least rate, between 0 and 1, that fits.
    pub low: f64,
    /// The greatest.
    pub high: f64,
}

impl Rate {
    /// Of at least one run; of none it is anything from 0 to 1.
    pub fn of(bad: u64, runs: u64) -> Self {
        if runs == 0 {
            return Self { bad, runs, low: 0.0, high: 1.0 };
        }
        let (n, p) = (runs as f64, bad as f64 / runs as f64);
        let share = 1.0 + Z * Z / n;
        let centre = (p + Z * Z / (2.0 * n)) / share;
        let reach = Z / share * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        Self { bad, runs, low: (centre - reach).max(0.0), high: (centre + reach).min(1.0) }
    }

    /// The rate seen.
    pub fn seen(&self) -> f64 {
        if self.runs == 0 { 0.0 } else { self.bad as f64 / self.runs as f64 }
    }

    /// How probable it is that so many runs all pass at this rate.
    pub fn all_pass(&self, runs: u64) -> f64 {
        (1.0 - self.seen()).powf(runs as f64)
    }
}

impl std::fmt::Display for Rate {
    /// `3 of 60 (5 %, 1.7 to 14 %)`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (seen, low, high) = (percent(self.seen()), percent(self.low), percent(self.high));
        write!(f, "{} of {} ({seen} %, {low} to {high} %)", self.bad, self.runs)
    }
}

/// A share in percent, two digits of it.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if (0.05..9.95).contains(&percent) { format!("{percent:.1}") } else { format!("{percent:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of Newcombe 1998, table I, method 3 (Wilson without continuity correction).
    #[test]
    fn intervals_are_those_of_the_literature() {
        let table = [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ];
        for (bad, runs, low, high) in table {
            let rate = Rate::of(bad, runs);
            let near = |a: f64, b: f64| (a - b).abs() < 0.000_051;
            assert!(near(rate.low, low) && near(rate.high, high), "{rate:?}");
        }
    }

    #[test]
    fn no_run_says_nothing() {
        let rate = Rate::of(0, 0);
        assert_eq!((rate.low, rate.high, rate.seen()), (0.0, 1.0, 0.0));
    }

    #[test]
    fn rates_read_with_two_digits() {
        assert_eq!(Rate::of(1, 29).to_string(), "1 of 29 (3.4 %, 0.6 to 17 %)");
        assert_eq!(Rate::of(20, 20).to_string(), "20 of 20 (100 %, 84 to 100 %)");
    }
}
