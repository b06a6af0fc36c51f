//! Lengths of time that may be drawn anew each time, and periods.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use rand::{Rng, RngExt as _};

use super::units;

/// A length of time, or bounds between which one is drawn for each injection, to the millisecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// The shortest.
    pub least: Duration,
    /// The longest.
    pub most: Duration,
}

/// From the beginning of one injection to that of the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Period {
    /// `@every 3m`, `@every 1m..5m`
    Every(Spread),
    /// `@hourly`, `*/10 * * * *`
    Cron(Box<Cron>),
}

/// A Monday, and the first of January: what the clock of a cron expression shows at the client's start.
const START: DateTime<Utc> = DateTime::from_timestamp(1_704_067_200, 0).expect("2024-01-01T00:00:00Z");

/// No expression that people write is longer.
const LONGEST_CRON: usize = 100;

// === impl Spread ===

impl Spread {
    /// Always the same.
    pub fn fixed(length: Duration) -> Self {
        Self { least: length, most: length }
    }

    /// Reads `90s`, or `10s..1m`.
    ///
    /// # Errors
    /// In words, for a message that names the key.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((least, most)) = text.split_once("..") else {
            return units::duration(text).map(Self::fixed);
        };
        let (least, most) = (units::duration(least.trim())?, units::duration(most.trim())?);
        if least > most {
            return Err(format!("`{text}` ends before it begins"));
        }
        Ok(Self { least, most })
    }

    /// One of its lengths; nothing is drawn where there is one only.
    pub fn draw(self, rng: &mut impl Rng) -> Duration {
        if self.least == self.most {
            return self.least;
        }
        let (least, most) = (self.least.as_millis() as u64, self.most.as_millis() as u64);
        Duration::from_millis(rng.random_range(least..=most))
    }
}

/// As it is written.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&units::show(self.least))?;
        if self.least < self.most { write!(f, "..{}", units::show(self.most)) } else { Ok(()) }
    }
}

// === impl Period ===

impl Period {
    /// Reads `@every 3m`, `@hourly` and its like, or five fields of cron.
    ///
    /// # Errors
    /// In words, for a message that names the key.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(every) = text.strip_prefix("@every ") {
            let every = Spread::parse(every.trim())?;
            return if every.least.is_zero() {
                Err("the period is zero".into())
            } else {
                Ok(Self::Every(every))
            };
        }
        let no_period = || format!("`{text}` is not a period");
        if text.len() > LONGEST_CRON || !text.is_ascii() || !(text.starts_with('@') || text.contains(' ')) {
            return Err(no_period());
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed);
        let cron = Box::new(parser.build().parse(text).map_err(|_| no_period())?);
        let period = Self::Cron(cron);
        if period.starts(Duration::ZERO).next().is_none_or(|first| first > units::LONGEST) {
            return Err(format!("`{text}` does not come within 30 days of the client's start"));
        }
        Ok(period)
    }

    /// The shortest time from one beginning to the next, of so many.
    pub(super) fn shortest(&self, times: usize) -> Duration {
        match self {
            Self::Every(every) => every.least,
            Self::Cron(_) => {
                let starts: Vec<_> = self.starts(Duration::ZERO).take(times.max(2)).collect();
                starts.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).min().unwrap_or(units::LONGEST)
            }
        }
    }

    /// When a cron expression comes, since the client's start, not before `from`; nothing of another period.
    pub fn starts(&self, from: Duration) -> impl Iterator<Item = Duration> + '_ {
        let cron = match self {
            Self::Cron(cron) => Some(cron),
            Self::Every(_) => None,
        };
        let from = TimeDelta::from_std(from).ok().and_then(|from| START.checked_add_signed(from));
        let times = cron.zip(from).map(|(cron, from)| cron.iter_from(from, croner::Direction::Forward));
        times.into_iter().flatten().filter_map(|at| (at - START).to_std().ok())
    }
}

/// As it is written.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(every) => write!(f, "@every {every}"),
            Self::Cron(cron) => f.write_str(cron.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn minutes(text: &str, from: u64) -> Vec<u64> {
        let period = Period::parse(text).unwrap();
        period.starts(Duration::from_secs(60 * from)).take(3).map(|at| at.as_secs() / 60).collect()
    }

    #[test]
    fn cron_counts_from_midnight_of_a_monday() {
        assert_eq!(minutes("*/10 * * * *", 1), [10, 20, 30]);
        assert_eq!(minutes("*/10 * * * *", 10), [10, 20, 30], "a moment that fits is not passed over");
        assert_eq!(minutes("@hourly", 1), [60, 120, 180]);
        assert_eq!(minutes("0 0 * * MON", 1), [7 * 1440, 14 * 1440, 21 * 1440]);
        assert_eq!(minutes("0 12 * * TUE", 0)[0], 36 * 60);
    }

    #[test]
    fn what_is_no_period_is_refused() {
        for text in [
            "",
            "3m",
            "@every",
            "@every 0s",
            "@every 3",
            "@every 5m..1m",
            "@evry 3m",
            "* * * *",
            "* * * * * *",
            "61 * * * *",
            "0 0 30 2 *",
            "@reboot",
            "\u{661} * * * *",
            "a b c d e",
        ] {
            assert!(Period::parse(text).is_err(), "{text}");
        }
        assert!(Period::parse(&"*,".repeat(1000)).is_err());
    }

    #[test]
    fn a_spread_draws_within_its_bounds_and_both_ends_come() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let spread = Spread::parse("10ms..12ms").unwrap();
        let drawn: std::collections::BTreeSet<_> =
            (0..100).map(|_| spread.draw(&mut rng).as_millis()).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [10, 11, 12]);
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        for text in ["@every 3m", "@every 1m..5m", "*/10 * * * *"] {
            assert_eq!(
                Period::parse(&Period::parse(text).unwrap().to_string()),
                Period::parse(text),
                "{text}"
            );
        }
        assert_eq!(Spread::parse("10s..1m").unwrap().to_string(), "10s..1m");
    }
}
