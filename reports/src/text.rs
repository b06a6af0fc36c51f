//! Untrusted text made harmless, and lines that fit.

use std::fmt::Write as _;

/// Text from a scenario, a client or a record as it may stand in a report: control characters, ANSI escapes
/// and characters that reorder or hide text are shown by their code, so that a report says what it seems to say.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() || hides(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Bidirectional controls, zero-width characters, line separators, tags and variation selectors.
fn hides(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// A word for a POSIX shell: as it is if it is plain, else in single quotes, or in `$'…'` if it holds what must
/// not reach a terminal.
pub fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./@:=+,%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    if word.chars().any(|c| c.is_control() || hides(c)) {
        let mut escaped = String::new();
        for c in word.chars() {
            let _infallible = match c {
                '\'' | '\\' => write!(escaped, "\\{c}"),
                c if c.is_control() || hides(c) => {
                    c.to_string().bytes().try_for_each(|byte| write!(escaped, "\\{byte:03o}"))
                }
                c => write!(escaped, "{c}"),
            };
        }
        return format!("$'{escaped}'");
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Appends `text` to `out`, broken at spaces so that no line is wider than `width` (a longer word stands alone);
/// the first line begins with `first`, the others with as many spaces.
pub fn wrap(out: &mut String, width: usize, first: &str, text: &str) {
    let indent = first.chars().count();
    out.push_str(first);
    let mut column = indent;
    for (index, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if index > 0 && column + 1 + length > width && column > indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if index > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_bidi_controls_are_shown_not_obeyed() {
        assert_eq!(clean("a\u{1b}[31mb\u{202e}c\r\nd\u{9b}"), "a\\u{1b}[31mb\\u{202e}c\\r\\nd\\u{9b}");
        assert_eq!(clean("größer → 表"), "größer → 表");
    }

    #[test]
    fn a_shell_word_survives_quotes_and_controls() {
        assert_eq!(shell("scenarios/a.yaml"), "scenarios/a.yaml");
        assert_eq!(shell("it's"), "'it'\\''s'");
        assert_eq!(shell("$(rm)"), "'$(rm)'");
        assert_eq!(shell("a\u{1b}'b"), "$'a\\033\\'b'");
        assert_eq!(shell(""), "''");
    }

    #[test]
    fn wrapped_lines_keep_the_width_and_the_indent() {
        let mut out = String::new();
        wrap(&mut out, 12, "  - ", "one two three averyverylongword x");
        assert_eq!(out, "  - one two\n    three\n    averyverylongword\n    x\n");
    }
}
