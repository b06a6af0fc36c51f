//! Lengths of time as people write them.

use std::fmt;

/// Milliseconds, shown as in a scenario file: `250ms`, `12.5s`, `1m30s`, `7h1m`. Below a minute to the tenth of
/// a second, below an hour to the second, above to the minute if the seconds are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0;
        if ms < 1_000 {
            return write!(f, "{ms}ms");
        }
        if ms < 60_000 {
            return match ms % 1_000 / 100 {
                0 => write!(f, "{}s", ms / 1_000),
                tenths => write!(f, "{}.{tenths}s", ms / 1_000),
            };
        }
        let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if minutes > 0 {
            write!(f, "{minutes}m")?;
        }
        if seconds > 0 { write!(f, "{seconds}s") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_like_the_durations_of_a_scenario() {
        let table = [
            (0, "0ms"),
            (250, "250ms"),
            (1_000, "1s"),
            (12_540, "12.5s"),
            (59_999, "59.9s"),
            (60_000, "1m"),
            (90_000, "1m30s"),
            (3_600_000, "1h"),
            (3_602_000, "1h2s"),
            (25_260_000, "7h1m"),
        ];
        for (ms, text) in table {
            assert_eq!(Span(ms).to_string(), text);
        }
        assert!(Span(u64::MAX).to_string().ends_with('s'));
    }
}
