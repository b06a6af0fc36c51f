//! The look that all pages share: one self-contained file that works from `file://`, light and dark, and does nothing
//! but what is written here.
//!
//! Text of others reaches a page only through maud's escaping and [`untrusted`]. Beneath that lies the policy of the page
//! itself: the browser runs the scripts and the styles whose hashes stand in it, and fetches nothing.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};
use unstuck_record::Verdict;

use crate::text::clean;

/// Theme, type, and the parts that pages have in common; the classes are told at the top of the file.
const STYLE: &str = include_str!("shell/shell.css");
/// The theme's button, the buttons that copy.
const SCRIPT: &str = include_str!("shell/shell.js");

/// A page: what stands around its body.
#[derive(Clone, Copy, Debug)]
pub struct Shell<'a> {
    /// The title, untrusted.
    pub title: &'a str,
    /// Style sheets of the page's own, after the shared one.
    pub styles: &'a [&'a str],
    /// Scripts of the page's own; they run when the body is there.
    pub scripts: &'a [&'a str],
}

/// Text of others as a page shows it: harmless ([`clean`]), and at most so many characters of it.
pub fn untrusted(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => clean(text),
        Some((cut, _)) => {
            format!("{}… ({} characters in all)", clean(&text[..cut]), text.chars().count())
        }
    }
}

/// A sentence of others, [`untrusted`], in which what stands between backticks is code.
pub fn prose(text: &str, most: usize) -> Markup {
    let text = untrusted(text, most);
    let parts: Vec<&str> = text.split('`').collect();
    // a tick without its other one is a tick
    let paired = if parts.len().is_multiple_of(2) { parts.len() - 1 } else { parts.len() };
    html! {
        @for (index, part) in parts.iter().enumerate() {
            @if index >= paired { "`" (part) }
            @else if index % 2 == 1 { code { (part) } }
            @else { (part) }
        }
    }
}

/// A verdict as a badge: its sign and its word, not its colour alone.
pub fn badge(verdict: Option<Verdict>) -> Markup {
    let (class, sign, word) = match verdict {
        Some(Verdict::Pass) => ("pass", "✓", "pass"),
        Some(Verdict::Fail) => ("fail", "✕", "fail"),
        Some(Verdict::Unknown) => ("unknown", "?", "unknown"),
        None => ("none", "–", "not run"),
    };
    html! { span.badge.(class) { span aria-hidden="true" { (sign) } " " (word) } }
}

/// A command to copy, with the button that does it.
pub fn command(text: &str) -> Markup {
    html! {
        div.command {
            code { (text) }
            button.copy type="button" aria-label="copy the command" { "copy" }
        }
    }
}

// === impl Shell ===

impl Shell<'_> {
    /// Writes the page around what `body` writes. The body is what stands in `<body>`: `<header class="top">`, `<main>`.
    pub fn write<W: Write>(
        &self,
        out: &mut W,
        body: impl FnOnce(&mut W) -> io::Result<()>,
    ) -> io::Result<()> {
        let styles = || [STYLE].into_iter().chain(self.styles.iter().copied());
        let scripts = || [SCRIPT].into_iter().chain(self.scripts.iter().copied());
        let policy = format!(
            "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'; \
             require-trusted-types-for 'script'",
            hashes(scripts()),
            hashes(styles())
        );
        let head = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="referrer" content="no-referrer";
                    title { (untrusted(self.title, 200)) }
                    @for style in styles() { style { (PreEscaped(style)) } }
                    // first of all, so that a page never shows the other theme first
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        };
        // the body is written as it comes: a page of a hundred cases need not be in memory
        let head = head.into_string();
        out.write_all(head.strip_suffix("</html>").expect("the element that was opened").as_bytes())?;
        out.write_all(b"\n<body>\n")?;
        body(out)?;
        let scripts = html! { @for script in self.scripts { script { (PreEscaped(script)) } } };
        write!(out, "\n{}\n</body>\n</html>\n", scripts.into_string())
    }
}

/// The button that goes from the system's theme to the other one.
pub fn theme_button() -> Markup {
    html! {
        button.theme type="button" aria-label="light or dark" title="light or dark" {
            span aria-hidden="true" { "◐" }
        }
    }
}

fn hashes<'a>(sources: impl Iterator<Item = &'a str>) -> String {
    let one = |source: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(source.as_bytes())));
    sources.map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_says_how_long_it_is() {
        assert_eq!(untrusted("größer", 6), "größer");
        assert_eq!(untrusted("größer\u{202e}", 6), "größer… (7 characters in all)");
        assert_eq!(untrusted("a\u{202e}", 6), "a\\u{202e}");
    }

    #[test]
    fn ticks_make_code_in_pairs() {
        assert_eq!(prose("at `a<b` on", 99).into_string(), "at <code>a&lt;b</code> on");
        assert_eq!(prose("a `b` c `d", 99).into_string(), "a <code>b</code> c `d");
        assert_eq!(prose("`", 99).into_string(), "`");
    }

    #[test]
    fn a_page_allows_its_own_script_and_style_and_nothing_else() {
        let mut out = vec![];
        let shell = Shell { title: "</title><script>", styles: &["p{}"], scripts: &["1"] };
        shell.write(&mut out, |out| out.write_all(b"<p>here</p>")).unwrap();
        let page = String::from_utf8(out).unwrap();
        assert!(page.contains("<title>&lt;/title&gt;&lt;script&gt;</title>"), "{page}");
        // `printf 1 | openssl dgst -sha256 -binary | base64`
        assert!(page.contains("'sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s='"), "{page}");
        assert!(page.contains("default-src 'none'") && !page.contains("unsafe"), "{page}");
    }
}
