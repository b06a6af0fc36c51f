//! A file's bytes, if they can be a scenario at all. Whatever is hostile in them is refused before it costs anything.

use std::io::Read;
use std::path::Path;

use super::diagnostic::{Diagnostics, Problem};

/// No scenario file is larger; QA's largest are some kilobytes.
pub const MAX_BYTES: usize = 1 << 20;

/// Reads the text of `path`. Never reads more than [`MAX_BYTES`].
///
/// # Errors
/// One problem: it cannot be read, is too large, or is not text.
pub fn read(path: &Path) -> Result<String, Diagnostics> {
    let name = path.display().to_string();
    let fail = |message: String| Diagnostics::new(&name, "", vec![Problem::error(0..0, message)]);
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| {
            if file.metadata()?.is_dir() {
                return Err(std::io::Error::from(std::io::ErrorKind::IsADirectory));
            }
            file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)
        })
        .map_err(|e| fail(format!("`{name}` cannot be read: {e}")))?;
    text(&name, bytes)
}

/// The text that `bytes` hold.
///
/// # Errors
/// One problem: too large, or not text.
pub fn text(name: &str, bytes: Vec<u8>) -> Result<String, Diagnostics> {
    let fail = |source: &str, problem: Problem| Diagnostics::new(name, source, vec![problem]);
    if bytes.len() > MAX_BYTES {
        return Err(fail("", Problem::error(0..0, "the file is larger than 1 MiB, so it is not a scenario")));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(fail("", Problem::error(0..0, "the file is UTF-16").hint("save it as UTF-8")));
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        let good = e.utf8_error().valid_up_to();
        let start = String::from_utf8_lossy(&e.as_bytes()[..good]).into_owned();
        if start.contains('\0') {
            return fail("", Problem::error(0..0, "the file is binary, not text"));
        }
        let problem =
            Problem::error(good..good, "the file is not UTF-8 text").label("the first byte that is not");
        fail(&start, problem.hint("save it as UTF-8"))
    })?;
    if text.starts_with('\u{feff}') {
        let problem = Problem::error(0..3, "the file begins with a byte order mark");
        return Err(fail(&text, problem.hint("save it as UTF-8 without a byte order mark")));
    }
    if let Some(at) = text.find(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        let found = text[at..].chars().next().map_or(0, u32::from);
        let message = format!("the file holds the control character U+{found:04X}");
        let blank =
            |c: char| if c.is_control() && c != '\n' { " ".repeat(c.len_utf8()) } else { c.to_string() };
        let shown: String = text.chars().map(blank).collect();
        return Err(fail(&shown, Problem::error(at..at + 1, message).hint("a scenario is plain text")));
    }
    Ok(text)
}
