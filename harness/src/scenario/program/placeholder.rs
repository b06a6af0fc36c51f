//! `{pd}` and its like in the texts of a program.

/// The placeholders there are, by name.
pub const NAMES: [&str; 8] = ["pd", "pd_urls", "work_dir", "dir", "status_addr", "index", "seed", "pid"];

/// A part of a text.
enum Part<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

/// Fills `text` in: `{name}` becomes what `value` says, `{{name}}` becomes `{name}`; every other brace stays as it is.
pub fn fill(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    for part in parts(text) {
        match part {
            Part::Text(text) => filled.push_str(text),
            Part::Placeholder(name) => match value(name) {
                Some(value) => filled.push_str(&value),
                None => filled.extend(["{", name, "}"]),
            },
        }
    }
    filled
}

/// The first `{name}` of `text` that is no placeholder.
pub(super) fn unknown(text: &str) -> Option<&str> {
    parts(text).into_iter().find_map(|part| match part {
        Part::Placeholder(name) if !NAMES.contains(&name) => Some(name),
        _ => None,
    })
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = vec![];
    let (mut from, mut at) = (0, 0);
    while let Some(open) = text[at..].find('{').map(|found| at + found) {
        let rest = &text[open + 1..];
        let name = |inner: &str| {
            let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            let end = inner.find(|c| !word(c)).unwrap_or(inner.len());
            inner.starts_with(|c: char| c.is_ascii_lowercase()).then_some(end)
        };
        if let Some(end) = rest.strip_prefix('{').and_then(name)
            && rest[end + 1..].starts_with("}}")
        {
            // `{{name}}`: one pair of braces stays
            parts.extend([Part::Text(&text[from..open]), Part::Text(&rest[..end + 2])]);
            at = open + end + 4;
            from = at;
        } else if let Some(end) = name(rest).filter(|&end| rest[end..].starts_with('}')) {
            parts.extend([Part::Text(&text[from..open]), Part::Placeholder(&rest[..end])]);
            at = open + end + 2;
            from = at;
        } else {
            at = open + 1;
        }
    }
    parts.push(Part::Text(&text[from..]));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        fill(text, |name| (name == "pd").then(|| "127.0.0.1:1".into()))
    }

    #[test]
    fn placeholders_are_filled_and_other_braces_stay() {
        for (text, wanted) in [
            ("--pd={pd}", "--pd=127.0.0.1:1"),
            ("{pd},{pd}", "127.0.0.1:1,127.0.0.1:1"),
            ("{{pd}}", "{pd}"),
            ("a{3}{", "a{3}{"),
            (r#"{"a":{"b":1}}"#, r#"{"a":{"b":1}}"#),
            ("m{kind=\"a\"}", "m{kind=\"a\"}"),
            ("{seed}", "{seed}"),
            ("{{pd}", "{127.0.0.1:1"),
            ("ü{pd}ü", "ü127.0.0.1:1ü"),
            ("", ""),
        ] {
            assert_eq!(filled(text), wanted, "{text}");
        }
    }

    #[test]
    fn an_unknown_name_is_found_and_an_escaped_one_is_not() {
        assert_eq!(unknown("{pd}{pdd}"), Some("pdd"));
        assert_eq!(unknown("{{pdd}} {3} {A} { x }"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken(text in "[{}a-c3é ]{0,40}") {
            let _filled = fill(&text, |_| None);
            let kept = fill(&text, |name| Some(format!("{{{name}}}")));
            proptest::prop_assert!(kept.len() <= text.len());
        }
    }
}
