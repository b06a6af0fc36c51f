//! The first line of a goroutine.
//!
//! ```text
//! goroutine 7 [chan receive]:                                          every Go
//! goroutine 7 [select, 421 minutes, locked to thread]:                 every Go
//! goroutine 7 [chan receive (nil chan)]:                               1.10 says `(nil chan)`, `(no cases)`
//! goroutine 7 gp=0xc000002380 m=0 mp=0x561d80 [running]:               1.21, in fatal errors and GOTRACEBACK=system
//! goroutine 7 gp=0xc000002380 m=nil [idle, 5 minutes]:                 1.21
//! goroutine 7 [select (durable), synctest bubble 3]:                   1.25; `synctest group 3` in 1.24
//! goroutine 7 [chan receive (leaked)]:                                 1.26
//! goroutine 7 [select labels:{"key": "value"}]:                        1.26, GODEBUG=tracebacklabels=1
//! ```

use crate::labels;

/// What a goroutine's first line says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header<'a> {
    pub(super) id: u64,
    pub(super) state: &'a str,
    pub(super) minutes: Option<u64>,
    pub(super) locked: bool,
    pub(super) labels: &'a str,
}

const WORD: &str = "goroutine ";
const LABELS: &str = " labels:{";

/// Where in `line` a goroutine's first line begins, if it holds one, well-formed or not.
pub(super) fn find(line: &str) -> Option<usize> {
    // most lines have none, most that have one begin with it
    let at = if line.starts_with(WORD) { 0 } else { memchr::memmem::find(line.as_bytes(), WORD.as_bytes())? };
    let rest = &line[at + WORD.len()..];
    let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let begun = after.len() < rest.len() && (after.starts_with(" [") || after.starts_with(" gp="));
    // within a line it may be talk about a goroutine; a form that is not known yet begins its line
    let ends = line.trim_end().ends_with(if at == 0 { ":" } else { "]:" });
    (begun && ends).then_some(at)
}

/// Reads a first line that [`find`] found, from where it begins.
pub(super) fn read(line: &str) -> Result<Header<'_>, &'static str> {
    let rest = line.strip_prefix(WORD).ok_or("not a goroutine")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let id = rest[..digits].parse().map_err(|_| "the goroutine's number is none that Go gives")?;
    let open = rest.find('[').ok_or("a goroutine without a `[state]`")?;
    let inside = &rest[open + 1..];
    let end = inside.find(']').ok_or("the `[state]` of a goroutine does not end")?;
    let (status, labels) = match inside.find(LABELS) {
        Some(at) if at < end => {
            let labels = &inside[at + LABELS.len()..];
            let length = labels::length(labels).ok_or("the labels of a goroutine do not end")?;
            (&inside[..at], &labels[..length - 1])
        }
        _ => (&inside[..end], ""),
    };
    let mut parts = status.split(", ");
    let state = parts.next().unwrap_or_default();
    let mut header = Header { id, state: state.trim_end_matches(" (scan)"), labels, ..Header::default() };
    for part in parts {
        if part == "locked to thread" {
            header.locked = true;
        } else if let Some(minutes) = part.strip_suffix(" minutes") {
            header.minutes = minutes.parse().ok();
        }
    }
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_lines_of_every_go_are_read() {
        let plain = Header { id: 7, state: "select", ..Header::default() };
        let table = [
            ("goroutine 7 [select]:", plain),
            ("goroutine 7 [select (scan)]:", plain),
            (
                "goroutine 7 [select, 421 minutes, locked to thread]:",
                Header { minutes: Some(421), locked: true, ..plain },
            ),
            ("goroutine 7 [chan receive (nil chan)]:", Header { state: "chan receive (nil chan)", ..plain }),
            ("goroutine 7 gp=0xc000002380 m=0 mp=0x561d80 [select]:", plain),
            ("goroutine 7 gp=0xc000002380 m=nil [select, 5 minutes]:", Header { minutes: Some(5), ..plain }),
            (
                "goroutine 7 [select (durable), 2 minutes, synctest bubble 3]:",
                Header { state: "select (durable)", minutes: Some(2), ..plain },
            ),
            (
                r#"goroutine 7 [select, 2 minutes labels:{"a": "]}", "b": ""}]:"#,
                Header { minutes: Some(2), labels: r#""a": "]}", "b": """#, ..plain },
            ),
            ("goroutine 7 [select] whatever Go says next:", plain),
        ];
        for (line, header) in table {
            assert_eq!(find(line), Some(0), "{line}");
            assert_eq!(read(line), Ok(header), "{line}");
        }
    }

    #[test]
    fn talk_about_goroutines_is_not_their_dump() {
        for line in [
            "",
            "goroutine ",
            "created by main.main in goroutine 7",
            "[originating from goroutine 7]:",
            "goroutine profile: total 12",
            "I saw goroutine 7 [select] for hours",
            "I saw goroutine 7 [select] for hours, as you can see:",
        ] {
            assert_eq!(find(line), None, "{line}");
        }
        assert_eq!(find("> goroutine 7 [select]:"), Some(2));
    }

    #[test]
    fn a_broken_first_line_is_an_error() {
        for line in
            ["goroutine 99999999999999999999 [select]:", "goroutine 7 [select:", "goroutine 7 gp=0x0:"]
        {
            assert_eq!(find(line), Some(0), "{line}");
            assert!(read(line).is_err(), "{line}");
        }
    }
}
