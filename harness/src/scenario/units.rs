//! Numbers with units, as people write them: `1h30m`, `16KiB`, `30%`.

use std::time::Duration;

use unstuck_record::Demand;

/// No duration of a scenario is longer: sums of a plan stay far from overflow.
pub const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// Go's form: decimal numbers with units `h`, `m`, `s`, `ms`, `us`/`µs`, `ns`, one after the other; `0` needs no
/// unit. Negative durations are refused.
///
/// # Errors
/// In words, for a message that names the key.
pub fn duration(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.is_empty() {
        return Err("is empty".into());
    }
    let mut rest = text;
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let per: u128 = match unit {
            "h" => 3_600_000_000_000,
            "m" => 60_000_000_000,
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "us" | "µs" | "μs" => 1_000,
            "ns" => 1,
            "" if !number.is_empty() => return Err(format!("`{text}` has no unit")),
            _ => return Err(format!("`{text}` is not a duration")),
        };
        nanos += decimal(number, per).ok_or_else(|| format!("`{text}` is not a duration"))?;
        if nanos > LONGEST.as_nanos() {
            return Err(format!("`{text}` is longer than 30 days"));
        }
        rest = tail;
    }
    Ok(Duration::from_nanos(u64::try_from(nanos).expect("30 days fit")))
}

/// `number` times `per`, rounded down; `None` unless it is plain decimal digits.
fn decimal(number: &str, per: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty())
        || whole.len() > 18
        || fraction.len() > 12
        || fraction.contains('.')
    {
        return None;
    }
    let part = |s: &str| if s.is_empty() { Some(0) } else { s.parse::<u128>().ok() };
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    Some(part(whole)? * per + part(fraction)? * per / scale)
}

/// Go's `Duration.String`, without zero parts: `1h30m`, `1.5s`, `250ms`, `0s`.
pub fn show(d: Duration) -> String {
    let (hours, minutes, seconds) = (d.as_secs() / 3600, d.as_secs() / 60 % 60, d.as_secs() % 60);
    let part = |n: u64, unit: &str| if n > 0 { format!("{n}{unit}") } else { String::new() };
    let fraction = f64::from(d.subsec_nanos()) / 1e9;
    let rest = match (d.as_secs(), d.subsec_nanos()) {
        (0, 0) => "0s".to_owned(),
        (0, _) => format!("{}ms", fraction * 1e3),
        (_, 0) => part(seconds, "s"),
        (..) => format!("{}s", seconds as f64 + fraction),
    };
    part(hours, "h") + &part(minutes, "m") + &rest
}

/// Bytes: `512`, `16KiB`, `4MiB`, `1GiB`; `KB`, `MB`, `GB` are powers of ten.
///
/// # Errors
/// In words, for a message that names the key.
pub fn size(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let per: u64 = match unit.trim_start() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "KB" | "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return Err(format!("`{text}` is not a size")),
    };
    let number: u64 = number.parse().map_err(|_| format!("`{text}` is not a size"))?;
    number.checked_mul(per).ok_or_else(|| format!("`{text}` is too large"))
}

/// So much of the work: `40%` of all, or a number of units.
///
/// # Errors
/// In words, for a message that names the key.
pub fn amount(text: &str) -> Result<Demand, String> {
    let digits = text.strip_suffix('%').unwrap_or(text);
    let number = Some(digits).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    let number = number.and_then(|digits| digits.parse::<u64>().ok()).filter(|number| *number > 0);
    match (number, text.ends_with('%')) {
        (Some(units), false) => Ok(Demand::Units(units)),
        (Some(share @ 1..=100), true) => Ok(Demand::Percent(share as u8)),
        _ => Err(format!("`{text}` is neither a share nor a number from 1")),
    }
}

/// A share of a whole, 0 to 1: `30%`; a bare number is a percentage, as Chaos Mesh has it.
///
/// # Errors
/// In words, for a message that names the key.
pub fn share(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%');
    let plain = number.unwrap_or(text).trim();
    let digits = !plain.is_empty() && plain.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let percent: f64 =
        plain.parse().ok().filter(|_| digits).ok_or_else(|| format!("`{text}` is not a share"))?;
    if number.is_none() && percent > 0.0 && percent < 1.0 {
        let of_one = percent * 100.0;
        return Err(format!("`{text}` may be `{percent}%` or `{of_one}%`: write the sign"));
    }
    if percent > 100.0 { Err(format!("`{text}` is more than all")) } else { Ok(percent / 100.0) }
}

/// Bytes a second: a [size] with `/s`, or `bps`, `kbps`, `mbps`, `gbps` as Chaos Mesh has them (bytes, by 1024).
///
/// # Errors
/// In words, for a message that names the key.
pub fn rate(text: &str) -> Result<u64, String> {
    if let Some(bytes) = text.strip_suffix("/s") {
        return size(bytes.trim_end()).map_err(|_| format!("`{text}` is not a rate"));
    }
    let units = [("gbps", 1 << 30), ("mbps", 1 << 20), ("kbps", 1 << 10), ("bps", 1_u64)];
    let found = units.iter().find_map(|(unit, per)| Some((text.strip_suffix(unit)?.trim_end(), *per)));
    let (number, per) = found.ok_or_else(|| format!("`{text}` is not a rate"))?;
    let number: u64 = number.parse().map_err(|_| format!("`{text}` is not a rate"))?;
    number.checked_mul(per).ok_or_else(|| format!("`{text}` is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, ms) in [
            ("0", 0),
            ("0s", 0),
            ("1m", 60_000),
            ("60m", 3_600_000),
            ("1h30m", 5_400_000),
            ("250ms", 250),
            ("1.5s", 1_500),
            (".5m", 30_000),
            ("1m1m", 120_000),
            ("2h0.5s", 7_200_500),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        assert_eq!(duration("3us4ns"), Ok(Duration::from_nanos(3004)));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in
            ["", "5", "m", "1 m", "-1m", "1d", "1m5", "..1s", "1.2.3s", "٣s", "99999999999999999999h", "721h"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_shown_as_they_can_be_read_again() {
        for text in ["0s", "1h30m", "250ms", "1.5s", "1m", "60h", "2m0.5s", "1h5s"] {
            assert_eq!(duration(&show(duration(text).unwrap())), duration(text), "{text}");
        }
        assert_eq!(show(Duration::from_secs(3600)), "1h");
    }

    #[test]
    fn an_amount_is_a_share_or_a_number() {
        assert_eq!(amount("40%").unwrap().units(256), Some(103), "rounded up");
        assert_eq!(amount("100%").unwrap().units(3), Some(3));
        assert_eq!(amount("40%").unwrap().units(0), None);
        assert_eq!(amount("7").unwrap().units(3), Some(7));
        for text in ["", "0", "0%", "101%", "-1", "1.5%", "4 %", "%", "+3", "٣"] {
            assert!(amount(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_read_with_either_unit() {
        assert_eq!(size("16KiB"), Ok(16384));
        assert_eq!(size("64 KiB"), Ok(65536));
        assert_eq!(size("2MB"), Ok(2_000_000));
        assert_eq!(size("512"), Ok(512));
        assert!(size("16K").is_err() && size("").is_err() && size("99999999999GiB").is_err());
    }

    #[test]
    fn shares_are_percentages_and_never_a_guess() {
        for (text, value) in
            [("10%", 0.1), ("0%", 0.0), ("100%", 1.0), ("0.5%", 0.005), ("25", 0.25), ("0", 0.0), ("1", 0.01)]
        {
            assert_eq!(share(text), Ok(value), "{text}");
        }
        for text in ["", "%", "101%", "-1%", "1e1%", "nan", "inf%", "10 percent", "1.2.3%"] {
            assert!(share(text).is_err(), "{text}");
        }
        assert_eq!(share("0.1"), Err("`0.1` may be `0.1%` or `10%`: write the sign".to_owned()));
    }

    #[test]
    fn rates_are_bytes_a_second_in_either_spelling() {
        for (text, bytes) in [
            ("1MiB/s", 1 << 20),
            ("500KB/s", 500_000),
            ("64 KiB/s", 65_536),
            ("100/s", 100),
            ("1mbps", 1 << 20),
            ("10kbps", 10_240),
            ("7bps", 7),
            ("1gbps", 1 << 30),
        ] {
            assert_eq!(rate(text), Ok(bytes), "{text}");
        }
        for text in ["", "1", "1MiB", "1mbit", "-1mbps", "mbps", "99999999999gbps", "1.5MiB/s"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }
}
