//! A folded dump as one page that needs nothing else: no script, no font, no other file. Everything that the dump
//! says is escaped.

use std::fmt::Write as _;

use unstuck_record::Frame;
use unstuck_record::digest::{Digest, Group, Movement};

use super::shown::{self, Shown};
use super::tree;
use crate::text::clean;

const STYLE: &str = include_str!("page.css");
/// So many ids of one stack.
const IDS: usize = 200;

/// The page of some dumps, with what moved between them if they are a series.
pub fn html(digests: &[Digest], movement: Option<&Movement>) -> String {
    let mut out = String::new();
    let title = match digests {
        [one] => one.source.clone(),
        many => format!("{} dumps", many.len()),
    };
    let _infallible = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{} — unstuck dump</title>\n<style>\n{STYLE}</style>\n<main>\n",
        escape(&title)
    );
    if let (Some(movement), Some(last)) = (movement, digests.last()) {
        self::movement(&mut out, last, movement);
    }
    // the last dump is what people come for
    for (index, digest) in digests.iter().enumerate().rev() {
        one(&mut out, digest, index + 1 == digests.len());
    }
    out.push_str("</main>\n</html>\n");
    out
}

fn one(out: &mut String, digest: &Digest, open: bool) {
    let _infallible = write!(
        out,
        "<section>\n<h1>{}</h1>\n<p class=\"sum\">{}</p>\n",
        escape(&digest.source),
        escape(&shown::summary(digest))
    );
    for (index, group) in digest.groups.iter().enumerate().filter(|(_, group)| group.idle.is_none()) {
        self::group(out, digest, group, open && index < 5);
    }
    if digest.groups.iter().any(|group| group.idle.is_some()) {
        let _infallible = writeln!(out, "<h2>idle: {}</h2>", digest.idle);
        for group in digest.groups.iter().filter(|group| group.idle.is_some()) {
            self::group(out, digest, group, false);
        }
    }
    let mut drawn = String::new();
    tree::draw(&mut drawn, digest);
    let _infallible = writeln!(
        out,
        "<details><summary>who started whom</summary><pre>{}</pre></details>",
        escape_lines(&drawn)
    );
    if !digest.unread.is_empty() {
        let _infallible = writeln!(out, "<h2>not read: {}</h2>", digest.unread.len());
        for unread in &digest.unread {
            let _infallible = writeln!(
                out,
                "<details><summary>line {}: {}</summary><pre>{}</pre></details>",
                unread.line,
                escape(&unread.error),
                escape_lines(&unread.text)
            );
        }
    }
    out.push_str("</section>\n");
}

fn group(out: &mut String, digest: &Digest, group: &Group, open: bool) {
    let open = if open { " open" } else { "" };
    let class = if group.idle.is_some() { " class=\"idle\"" } else { "" };
    let title = escape(&shown::title(digest, group));
    let _infallible = writeln!(out, "<details{class}{open}><summary>{title}</summary>\n<dl>");
    let mut fact = |name: &str, text: &str| {
        if !text.is_empty() {
            let _infallible = writeln!(out, "<dt>{name}</dt><dd>{}</dd>", escape(text));
        }
    };
    fact("idle", group.idle.as_deref().unwrap_or_default());
    for (name, text) in shown::facts(digest.runtime, &group.wait) {
        fact(name, &text);
    }
    fact("labels", &shown::labels(&group.stacks, IDS));
    fact("ids", &shown::ids(&group.stacks, IDS));
    out.push_str("</dl>\n");
    if let Some(stack) = group.stacks.first() {
        frames(out, &stack.frames, stack.created_by.as_ref());
    }
    if group.stacks.len() > 1 {
        let _infallible =
            writeln!(out, "<p>one of {} stacks through these functions</p>", group.stacks.len());
    }
    out.push_str("</details>\n");
}

fn frames(out: &mut String, frames: &[Frame], created_by: Option<&Frame>) {
    out.push_str("<table>\n");
    let mut row = |function: &str, place: &str, all: &str| {
        let _infallible = writeln!(
            out,
            "<tr><td>{}</td><td title=\"{}\">{}</td></tr>",
            escape(function),
            escape(all),
            escape(place)
        );
    };
    for shown in shown::frames(frames, true) {
        if let Shown::Frame(frame) = shown {
            row(
                shown::short(&frame.function),
                &shown::place(frame),
                &format!("{} {}", frame.function, frame.file),
            );
        }
    }
    if let Some(frame) = created_by {
        row(&format!("created by {}", shown::short(&frame.function)), &shown::place(frame), &frame.file);
    }
    out.push_str("</table>\n");
}

fn movement(out: &mut String, last: &Digest, movement: &Movement) {
    let _infallible = write!(
        out,
        "<section>\n<h1>what did not move</h1>\n<p class=\"sum\">{}</p>\n<p>{}</p>\n",
        escape(&shown::dumps(movement)),
        escape(&shown::changes(movement))
    );
    for (index, still) in movement.still.iter().enumerate() {
        let open = if index < 5 { " open" } else { "" };
        let proof = if still.proved { "not moved since" } else { "in the same place since" };
        let since = movement.dumps.get(still.first).map_or("", |(name, _)| name);
        let tasks = shown::tasks(last.runtime, still.ids.len() as u64);
        let title = format!("{tasks} {proof} {since}, at {}", still.wait.site);
        let ids = shown::listed(still.ids.iter().map(u64::to_string), IDS);
        let _infallible = writeln!(
            out,
            "<details{open}><summary>{}</summary>\n<dl><dt>first</dt><dd>{}</dd><dt>last</dt><dd>{}</dd>\
             <dt>ids</dt><dd>{ids}</dd></dl>",
            escape(&title),
            escape(&still.before),
            escape(&still.after)
        );
        frames(out, &still.frames, still.created_by.as_ref());
        out.push_str("</details>\n");
    }
    for grown in &movement.grown {
        let counts: Vec<String> = grown.counts.iter().map(u64::to_string).collect();
        let title = format!("become more: {}, at {}", counts.join(" → "), grown.wait.site);
        let _infallible = writeln!(out, "<details><summary>{}</summary>", escape(&title));
        frames(out, &grown.frames, None);
        out.push_str("</details>\n");
    }
    out.push_str("</section>\n");
}

/// Text of a dump as it may stand in a page, within an element or a quoted attribute.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn escape_lines(text: &str) -> String {
    text.lines().map(|line| escape(line) + "\n").collect()
}
