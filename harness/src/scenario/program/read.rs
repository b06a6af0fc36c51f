//! `client: {command: …}`, read: every problem with its place.

use std::time::Duration;

use regex::Regex;

use super::{
    Dump, Program, Progress, REVISION, Ready, Restarts, Seen, Shutdown, Signal, Source, Stream, placeholder,
};
use crate::scenario::diagnostic::Problem;
use crate::scenario::fields::{Fields, shorten};
use crate::scenario::keys::{
    self, COMPANION, DUMP, Key, PROGRAM, PROGRESS, READY, RESTARTS, SHUTDOWN, Shape, TIMERS,
};
use crate::scenario::node::{Node, Value};
use crate::scenario::presets;
use crate::scenario::suggest::{did_you_mean, list};
use crate::scenario::units;

const LONGEST_TIMER: Duration = Duration::from_secs(30);
const BACKOFF_CAP: Duration = Duration::from_secs(10);
const READY_WITHIN: Duration = Duration::from_secs(30);
const ASK_EVERY: Duration = Duration::from_secs(1);
const DUMP_EVERY: Duration = Duration::from_secs(5);
const DUMP_WITHIN: Duration = Duration::from_secs(5);
const RESTART_PAUSE: Duration = Duration::from_secs(1);
const GRACE: Duration = Duration::from_secs(5);

/// Reads a program whose `client:` stands at line `line`. `None` only with a problem.
pub(crate) fn read(node: &Node, line: u32, problems: &mut Vec<Problem>) -> Option<Program> {
    let merged = with_preset(node, problems)?;
    read_as("`client`", PROGRAM, &merged, line, problems)
}

fn read_as(
    what: &str,
    keys: &'static [Key],
    node: &Node,
    line: u32,
    problems: &mut Vec<Problem>,
) -> Option<Program> {
    let before = problems.len();
    let f = Fields::of(node, what, keys, problems)?;
    let mut command = texts(&f, "command", problems);
    if command.is_empty() && problems.len() == before {
        let problem = Problem::error(f.place(), format!("{what} has no `command`"));
        problems.push(problem.hint("add `command: ./my-program`, or `preset: NAME` of a known one"));
    }
    command.extend(texts(&f, "args", problems));
    let name = f.text("name", problems).map(|(name, span)| (name.to_owned(), span));
    let file = command.first().map(|command| command.rsplit('/').next().unwrap_or(command).to_owned());
    let place = f.get("name").map_or(f.key("command"), |node| node.span.clone());
    let name = name.map(|(name, _)| name).or(file).unwrap_or_default();
    if (name.is_empty() || name.contains('@') || name.chars().any(char::is_whitespace))
        && problems.len() == before
    {
        let problem = Problem::error(place, format!("`{}` cannot be the client's name", shorten(&name)));
        problems.push(problem.hint("give it one with `name: my-client`, without spaces and `@`"));
    }
    let progress = progress(&f, problems);
    let completes = f.word("completes", &["exit", "progress"], problems) == Some("progress");
    if completes && progress.total.is_none() {
        let problem = Problem::error(f.key("completes"), "nothing says at which progress the work is done");
        problems.push(problem.hint("add `total: N` to `progress`"));
    }
    let timers = f.get("timers").and_then(|node| Fields::of(node, "`timers`", TIMERS, problems));
    let timer = |name, default, problems: &mut Vec<Problem>| {
        timers.as_ref().and_then(|f| f.duration(name, problems)).unwrap_or(default)
    };
    let program = Program {
        name,
        revision: f.text("revision", problems).map_or(REVISION, |(text, _)| text).to_owned(),
        line,
        command,
        env: env(&f, problems),
        work_dir: filled(&f, "workDir", problems),
        ready: f.get("ready").and_then(|node| ready(node, problems)),
        progress,
        dump: dump(&f, problems),
        shutdown: shutdown(&f, problems),
        longest_timer: timer("longest", LONGEST_TIMER, problems),
        backoff_cap: timer("backoffCap", BACKOFF_CAP, problems),
        completes_by_progress: completes,
        scale: f.count("scale", problems).unwrap_or(1),
        copies: f.count("copies", problems).unwrap_or(1),
        restarts: restarts(&f, problems),
        beside: f
            .list("beside", problems)
            .iter()
            .filter_map(|node| read_as("a program of `beside`", COMPANION, node, line, problems))
            .collect(),
    };
    (problems.len() == before).then_some(program)
}

/// The mapping with what its preset adds. A preset's arguments follow the scenario's: a subcommand comes first.
fn with_preset(node: &Node, problems: &mut Vec<Problem>) -> Option<Node> {
    let Value::Map(entries) = &node.value else { return Some(node.clone()) };
    let Some((_, chosen)) = entries.iter().find(|(key, _)| key.scalar() == Some("preset")) else {
        return Some(node.clone());
    };
    let Some(preset) = chosen.scalar().and_then(presets::find) else {
        let written = chosen.scalar().unwrap_or(chosen.kind());
        let names = presets::names();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let problem =
            Problem::error(chosen.span.clone(), format!("there is no preset `{}`", shorten(written)));
        problems.push(problem.hint(did_you_mean(written, &names)));
        return None;
    };
    let mut entries = entries.clone();
    for (key, value) in preset {
        let given = entries.iter_mut().find(|(k, _)| k.scalar() == key.scalar());
        match (given, value.value) {
            (None, value) => {
                let span = chosen.span.clone();
                entries.push((Node { span: span.clone(), ..key }, Node { span, value }));
            }
            (Some((_, Node { value: Value::List(given), .. })), Value::List(more))
                if key.scalar() == Some("args") =>
            {
                given.extend(more);
            }
            (Some(_), _) => {}
        }
    }
    Some(Node { span: node.span.clone(), value: Value::Map(entries) })
}

fn ready(node: &Node, problems: &mut Vec<Problem>) -> Option<(Ready, Duration)> {
    let f = Fields::of(node, "`ready`", READY, problems)?;
    let within = f.duration("within", problems).unwrap_or(READY_WITHIN);
    let ready = match one_of(&f, "`ready`", READY, 4, problems)? {
        "port" => Ready::Port(filled(&f, "port", problems)?),
        "http" => Ready::Http(url(&f, "http", problems)?),
        "stdout" => Ready::Said(Stream::Stdout, pattern(&f, "stdout", false, problems)?),
        _ => Ready::Said(Stream::Stderr, pattern(&f, "stderr", false, problems)?),
    };
    Some((ready, within))
}

fn progress(f: &Fields<'_>, problems: &mut Vec<Problem>) -> Progress {
    let mut progress =
        Progress { source: Source::Cluster(Seen::Work), total: None, unit: "units".into(), every: ASK_EVERY };
    let Some(f) = f.get("progress").and_then(|node| Fields::of(node, "`progress`", PROGRESS, problems))
    else {
        return progress;
    };
    progress.total = f.number("total", problems);
    progress.every = nonzero(&f, "every", problems).unwrap_or(ASK_EVERY);
    let kind = if PROGRESS[..6].iter().any(|key| f.mentions(key.name)) {
        one_of(&f, "`progress`", PROGRESS, 6, problems)
    } else {
        Some("cluster")
    };
    let source = kind.and_then(|kind| source(kind, &f, problems));
    for (key, of) in [("url", &["metric", "json"][..]), ("regex", &["file"])] {
        if f.mentions(key) && kind.is_some_and(|kind| !of.contains(&kind)) {
            let problem = Problem::error(f.key(key), format!("`{key}` goes with {}", list(of)));
            problems.push(problem.hint(format!("take `{key}` out")));
        }
    }
    if let Some(source) = source {
        if let Source::Cluster(seen) = source {
            progress.unit = match seen {
                Seen::Work => "units",
                Seen::Rows => "rows",
                Seen::Keys => "keys",
                Seen::Ranges => "ranges",
                Seen::Bytes => "bytes",
            }
            .into();
        }
        progress.source = source;
    }
    if let Some((unit, _)) = f.text("unit", problems) {
        unit.clone_into(&mut progress.unit);
    }
    progress
}

fn source(kind: &str, f: &Fields<'_>, problems: &mut Vec<Problem>) -> Option<Source> {
    let asked = |problems: &mut Vec<Problem>| {
        if !f.mentions("url") {
            let problem = Problem::error(f.key(kind), format!("`{kind}` has no `url`"));
            problems.push(problem.hint("add `url: http://{status_addr}/metrics`, or where it is served"));
        }
        url(f, "url", problems)
    };
    Some(match kind {
        "metric" => {
            let (metric, span) = f.text("metric", problems)?;
            if !metric.starts_with(|c: char| c.is_ascii_alphabetic() || "_:".contains(c)) {
                let problem = Problem::error(span, format!("`{}` is no metric", shorten(metric)));
                problems.push(problem.hint("as in `rows_total` or `rows_total{kind=\"a\"}`"));
            }
            Source::Metric { url: asked(problems)?, metric: metric.to_owned() }
        }
        "json" => {
            let (pointer, span) = f.text("json", problems)?;
            if !pointer.is_empty() && !pointer.starts_with('/') {
                let problem = Problem::error(span, format!("`{}` is no JSON pointer", shorten(pointer)));
                problems.push(problem.hint(format!("write `/{}`", shorten(&pointer.replace('.', "/")))));
            }
            Source::Json { url: asked(problems)?, pointer: pointer.to_owned() }
        }
        "stdout" => Source::Said(Stream::Stdout, pattern(f, "stdout", true, problems)?),
        "stderr" => Source::Said(Stream::Stderr, pattern(f, "stderr", true, problems)?),
        "file" => {
            if !f.mentions("regex") {
                let problem = Problem::error(f.key("file"), "`file` has no `regex`");
                problems.push(problem.hint(r"add `regex: 'done (?P<done>\d+)'`"));
            }
            let path = filled(f, "file", problems)?;
            Source::File { path, regex: pattern(f, "regex", true, problems)? }
        }
        _ => {
            Source::Cluster(match f.word("cluster", &["work", "rows", "keys", "ranges", "bytes"], problems) {
                Some("rows") => Seen::Rows,
                Some("keys") => Seen::Keys,
                Some("ranges") => Seen::Ranges,
                Some("bytes") => Seen::Bytes,
                _ => Seen::Work,
            })
        }
    })
}

fn dump(f: &Fields<'_>, problems: &mut Vec<Problem>) -> Dump {
    let mut dump = Dump {
        pprof: None,
        command: None,
        file: None,
        signal: None,
        every: DUMP_EVERY,
        within: DUMP_WITHIN,
        idle: vec![],
    };
    let Some(f) = f.get("dump").and_then(|node| Fields::of(node, "`dump`", DUMP, problems)) else {
        return dump;
    };
    let form = f.count("debug", problems);
    dump.pprof = filled(&f, "pprof", problems).map(|at| (at, form.unwrap_or(2)));
    dump.command = f.get("command").map(|_| texts(&f, "command", problems)).filter(|list| !list.is_empty());
    dump.file = filled(&f, "file", problems);
    let prints = f.word("prints", &["stderr", "stdout"], problems);
    let signals = ["QUIT", "ABRT", "USR1", "USR2", "HUP"];
    let stream = if prints == Some("stdout") { Stream::Stdout } else { Stream::Stderr };
    dump.signal = f.word("signal", &signals, problems).and_then(signal).map(|signal| (signal, stream));
    dump.every = nonzero(&f, "every", problems).unwrap_or(DUMP_EVERY);
    dump.within = nonzero(&f, "within", problems).unwrap_or(DUMP_WITHIN);
    dump.idle = texts(&f, "idle", problems);
    if !dump.any() {
        let problem = Problem::error(f.place(), "`dump` says not where a dump comes from");
        problems.push(problem.hint("add `pprof`, `command`, `file` or `signal`"));
    }
    dump
}

fn restarts(f: &Fields<'_>, problems: &mut Vec<Problem>) -> Restarts {
    let mut restarts = Restarts { at: vec![], signal: Signal::Kill, pause: RESTART_PAUSE };
    let f = f.get("restarts").and_then(|node| Fields::of(node, "`restarts`", RESTARTS, problems));
    let Some(f) = f else { return restarts };
    for text in texts(&f, "at", problems) {
        match units::duration(&text) {
            Ok(at) => restarts.at.push(at),
            Err(message) => {
                let problem = Problem::error(f.key("at"), format!("`at`: {message}"));
                problems.push(problem.hint(Shape::Duration.hint()));
            }
        }
    }
    restarts.at.sort();
    let chosen = f.word("signal", &["KILL", "TERM", "INT", "HUP"], problems).and_then(signal);
    restarts.signal = chosen.unwrap_or(restarts.signal);
    restarts.pause = f.duration("pause", problems).unwrap_or(restarts.pause);
    restarts
}

fn shutdown(f: &Fields<'_>, problems: &mut Vec<Problem>) -> Shutdown {
    let f = f.get("shutdown").and_then(|node| Fields::of(node, "`shutdown`", SHUTDOWN, problems));
    let Some(f) = f else { return Shutdown { signal: Signal::Term, grace: GRACE } };
    let chosen = f.word("signal", &["TERM", "INT", "HUP", "KILL"], problems).and_then(signal);
    Shutdown { signal: chosen.unwrap_or(Signal::Term), grace: f.duration("grace", problems).unwrap_or(GRACE) }
}

fn signal(name: &str) -> Option<Signal> {
    Signal::ALL.iter().find(|(known, _)| *known == name).map(|(_, signal)| *signal)
}

fn env(f: &Fields<'_>, problems: &mut Vec<Problem>) -> Vec<(String, String)> {
    let Some(node) = f.get("env") else { return vec![] };
    let Value::Map(entries) = &node.value else {
        let problem =
            Problem::error(node.span.clone(), format!("`env` must be a mapping, not {}", node.kind()));
        problems.push(problem.hint(Shape::TextMap.hint()));
        return vec![];
    };
    let mut read = vec![];
    for (key, value) in entries {
        match (key.scalar().filter(|key| !key.is_empty() && !key.contains(['=', '\0'])), value.scalar()) {
            (Some(key), Some(value_text)) => {
                refuse_unknown(value, value_text, problems);
                read.push((key.to_owned(), value_text.to_owned()));
            }
            (None, _) => {
                let problem = Problem::error(key.span.clone(), "no variable can have this name");
                problems.push(problem.hint(Shape::TextMap.hint()));
            }
            (Some(key), None) => {
                let message = format!("`{}` cannot be {}", shorten(key), value.kind());
                problems.push(Problem::error(key_or(value, node), message).hint(Shape::TextMap.hint()));
            }
        }
    }
    read
}

fn key_or(value: &Node, whole: &Node) -> std::ops::Range<usize> {
    if value.span.is_empty() { whole.span.clone() } else { value.span.clone() }
}

/// A text or a list of texts, in which placeholders may stand.
fn texts(f: &Fields<'_>, name: &str, problems: &mut Vec<Problem>) -> Vec<String> {
    let Some(node) = f.get(name) else { return vec![] };
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let mut read = vec![];
    for item in items {
        if let Some(text) = item.scalar() {
            if name != "idle" {
                refuse_unknown(item, text, problems);
            }
            read.push(text.to_owned());
        } else {
            let message = format!("`{name}` takes texts, not {}", item.kind());
            problems.push(Problem::error(key_or(item, node), message).hint(Shape::Texts.hint()));
        }
    }
    read
}

/// A text in which placeholders may stand.
fn filled(f: &Fields<'_>, name: &str, problems: &mut Vec<Problem>) -> Option<String> {
    let (text, _) = f.text(name, problems)?;
    refuse_unknown(f.get(name)?, text, problems);
    Some(text.to_owned())
}

fn url(f: &Fields<'_>, name: &str, problems: &mut Vec<Problem>) -> Option<String> {
    let text = filled(f, name, problems)?;
    if text.contains("://") && !text.starts_with("http://") {
        let span = f.get(name)?.span.clone();
        let problem = Problem::error(span, format!("`{name}`: `{}` is not plain HTTP", shorten(&text)));
        problems.push(problem.hint("write `http://HOST:PORT/PATH`"));
    }
    Some(text)
}

fn refuse_unknown(node: &Node, text: &str, problems: &mut Vec<Problem>) {
    if let Some(name) = placeholder::unknown(text) {
        let problem =
            Problem::error(node.span.clone(), format!("unknown placeholder `{{{}}}`", shorten(name)));
        let hint = did_you_mean(name, &placeholder::NAMES);
        problems
            .push(problem.hint(format!("{hint} (`{{{{{0}}}}}` stands for `{{{0}}}` itself)", shorten(name))));
    }
}

/// A regular expression; with `counts`, one that has a group `done`.
fn pattern(f: &Fields<'_>, name: &str, counts: bool, problems: &mut Vec<Problem>) -> Option<String> {
    let (text, span) = f.text(name, problems)?;
    match Regex::new(text) {
        Err(error) => problems.push(no_regex(span, text, &error)),
        Ok(regex) if counts && !regex.capture_names().flatten().any(|group| group == "done") => {
            let problem = Problem::error(span, format!("`{}` has no group `done`", shorten(text)));
            problems.push(problem.hint(r"as in `'rows: (?P<done>\d+)/(?P<total>\d+)'`"));
        }
        Ok(_) => {}
    }
    Some(text.to_owned())
}

fn no_regex(span: std::ops::Range<usize>, text: &str, error: &regex::Error) -> Problem {
    let why = error.to_string();
    let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
    Problem::error(span, format!("`{}` is no regular expression", shorten(text))).hint(why)
}

fn nonzero(f: &Fields<'_>, name: &str, problems: &mut Vec<Problem>) -> Option<Duration> {
    let length = f.duration(name, problems)?;
    if length.is_zero() {
        let problem = Problem::error(f.get(name)?.span.clone(), format!("`{name}` cannot be zero"));
        problems.push(problem.hint(Shape::Duration.hint()));
    }
    Some(length.max(Duration::from_millis(10)))
}

/// Which one of the first `count` keys of a table is there.
fn one_of(
    f: &Fields<'_>,
    what: &str,
    keys: &'static [Key],
    count: usize,
    problems: &mut Vec<Problem>,
) -> Option<&'static str> {
    let kinds = &keys[..count];
    let given: Vec<&str> = kinds.iter().map(|key| key.name).filter(|name| f.mentions(name)).collect();
    if let [one] = given[..] {
        return Some(one);
    }
    let message = match given.len() {
        0 => format!("{what} says nothing"),
        _ => format!("{what} says {} things", given.len()),
    };
    let place = given.get(1).map_or(f.place(), |second| f.key(second));
    problems.push(Problem::error(place, message).hint(format!("give one of {}", keys::names(kinds))));
    None
}
