//! Labels as Go writes them: `"key": "value", …` with Go's quoting, in both forms of its dumps.

use std::iter::from_fn;

/// The labels of [`crate::Task::labels`], up to the first that is not one.
pub fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    let mut rest = text;
    from_fn(move || {
        let (key, after) = quoted(rest.trim_start_matches([' ', ',', '{']))?;
        let (value, after) = quoted(after.trim_start_matches([' ', ':']))?;
        rest = after;
        Some((key, value))
    })
}

/// The length of labels that begin here, up to and with the closing brace.
pub(crate) fn length(text: &str) -> Option<usize> {
    let (mut inside, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b'}' if !inside => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// A quoted string at the start of `text`, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inside = text.strip_prefix('"')?;
    let mut value = String::new();
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &inside[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                'r' => value.push('\r'),
                kind @ ('x' | 'u' | 'U') => {
                    let digits = match kind {
                        'x' => 2,
                        'u' => 4,
                        _ => 8,
                    };
                    let hex = chars.as_str().get(..digits)?;
                    let code = u32::from_str_radix(hex, 16).ok()?;
                    value.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                    chars.nth(digits - 1);
                }
                other => value.push(other),
            },
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_both_forms_are_read_with_their_escapes() {
        let told: Vec<_> = pairs(r#"{"a":"b", "q\"": "x,}\n\x41\u00e9"}"#).collect();
        assert_eq!(told, [("a".into(), "b".into()), ("q\"".to_owned(), "x,}\nAé".into())]);
        assert_eq!(pairs("broken").count() + pairs("\"a").count() + pairs("\"a\": \"\\u12\"").count(), 0);
    }

    #[test]
    fn a_brace_in_quotes_does_not_end_them() {
        assert_eq!(length(r#""a": "}"}]:"#), Some(9));
        assert_eq!(length(r#""a": "}"#), None);
    }
}
