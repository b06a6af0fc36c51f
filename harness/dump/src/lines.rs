//! The lines of a text, one after the other, without what a log or a quotation put before each.

use memchr::memchr;

/// A place in a text, at the start of a line. A copy looks ahead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines<'a> {
    text: &'a str,
    at: usize,
    prefix: &'a str,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, prefix: "" }
    }

    /// Where the next line starts, in bytes.
    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    /// The text from `start` to the next line.
    pub(crate) fn since(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    /// From here on lines are told without this text before them, where they have it; digits may differ, as those
    /// of a log's times do.
    pub(crate) fn strip(&mut self, prefix: &'a str) {
        self.prefix = prefix;
    }

    /// The next line, without its end; `None` at the end of the text.
    pub(crate) fn next(&mut self) -> Option<&'a str> {
        let rest = &self.text[self.at..];
        let line = match memchr(b'\n', rest.as_bytes()) {
            Some(end) => {
                self.at += end + 1;
                let line = &rest[..end];
                line.strip_suffix('\r').unwrap_or(line)
            }
            None if rest.is_empty() => return None,
            None => {
                self.at = self.text.len();
                rest
            }
        };
        Some(if self.prefix.is_empty() { line } else { without(self.prefix, line) })
    }

    /// The next line, which stays the next.
    pub(crate) fn peek(&self) -> Option<&'a str> {
        let mut ahead = *self;
        ahead.next()
    }

    /// Whether the text ends here, and its last line has no end: whoever wrote it was cut off.
    pub(crate) fn cut(&self) -> bool {
        self.at == self.text.len() && !self.text.ends_with('\n')
    }
}

/// `line` without a beginning that equals `prefix` but for its digits; whitespace at its end may be missing.
fn without<'a>(prefix: &str, line: &'a str) -> &'a str {
    let alike = |(a, b): (u8, u8)| a == b || (a.is_ascii_digit() && b.is_ascii_digit());
    let begins = |prefix: &str| {
        line.len() >= prefix.len()
            && prefix.bytes().zip(line.bytes()).all(alike)
            && line.is_char_boundary(prefix.len())
    };
    if begins(prefix) {
        return &line[prefix.len()..];
    }
    let short = prefix.trim_end();
    if line.len() == short.len() && begins(short) { "" } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_any_way_and_the_last_may_not_end_at_all() {
        let mut lines = Lines::new("a\r\nb\n\nc");
        let told: Vec<&str> = std::iter::from_fn(|| lines.next()).collect();
        assert_eq!(told, ["a", "b", "", "c"]);
        assert!(lines.cut());
        assert_eq!(Lines::new("").next(), None);
    }

    #[test]
    fn what_a_log_puts_before_each_line_is_taken_off_whatever_its_digits() {
        let mut lines = Lines::new("12:01 | a\n12:02 | \tb\n12:03 |\nc");
        lines.strip("12:01 | ");
        let told: Vec<&str> = std::iter::from_fn(|| lines.next()).collect();
        assert_eq!(told, ["a", "\tb", "", "c"]);
    }
}
