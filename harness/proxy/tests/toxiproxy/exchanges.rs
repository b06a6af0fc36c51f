//! What Toxiproxy was asked and what it answered: `exchanges.txt` says how to read it.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::Value;

use crate::http::{Answer, ask};
use crate::servers::Ours;

const RECORDED: &str = include_str!("exchanges.txt");

/// One line of the table.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    line: usize,
    pub(crate) asked: String,
    method: String,
    path: String,
    headers: Vec<String>,
    body: String,
    pub(crate) theirs: Expected,
    /// Ours, where it differs.
    pub(crate) ours: Option<Expected>,
}

/// An answer, with `*` where anything may stand.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    status: u16,
    content_type: Option<String>,
    body: String,
}

/// The table with nine free ports in it.
pub(crate) fn table() -> Vec<Exchange> {
    let mut text = RECORDED.to_owned();
    for number in 1..10 {
        text = text.replace(&format!("{{{number}}}"), &free_port().to_string());
    }
    let mut table: Vec<Exchange> = vec![];
    for (line, number) in text.lines().zip(1..) {
        let (mark, rest) = line.split_at_checked(2).unwrap_or(("", ""));
        match mark {
            "> " => table.push(Exchange::parse(rest, number)),
            "< " => table.last_mut().unwrap().theirs = Expected::parse(rest),
            "! " => table.last_mut().unwrap().ours = Some(Expected::parse(rest)),
            _ => assert!(line.is_empty() || line.starts_with('#'), "line {number} is of no kind: {line}"),
        }
    }
    assert!(table.len() > 90, "only {} exchanges were read", table.len());
    assert!(table.iter().all(|one| one.theirs.status > 0), "each request has an answer");
    table
}

/// A port that nobody has, and that nobody is given by chance: below those that systems hand out, and each once in this
/// process.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + std::process::id() % 700 * 30;
    let candidates = || Some(u16::try_from(first).unwrap() + NEXT.fetch_add(1, Ordering::Relaxed));
    std::iter::from_fn(candidates).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

impl Exchange {
    fn parse(text: &str, line: usize) -> Self {
        let mut words = text.splitn(3, ' ');
        let (method, path, mut body) =
            (words.next().unwrap(), words.next().unwrap(), words.next().unwrap_or_default());
        let mut headers = vec![];
        if let Some(rest) = body.strip_prefix("{headers: ") {
            let (header, rest) = rest.split_once('}').unwrap();
            headers.push(header.to_owned());
            body = rest.trim_start();
        }
        Self {
            line,
            asked: text.to_owned(),
            method: method.to_owned(),
            path: path.to_owned(),
            headers,
            body: body.to_owned(),
            theirs: Expected { status: 0, content_type: None, body: String::new() },
            ours: None,
        }
    }

    pub(crate) fn ask(&self, at: SocketAddr) -> Answer {
        let headers: Vec<_> = self.headers.iter().map(String::as_str).collect();
        ask(at, &self.method, &self.path, &headers, &self.body)
    }
}

impl Expected {
    fn parse(text: &str) -> Self {
        let (status, rest) = text.split_once(' ').unwrap();
        // a type may have a parameter behind a blank
        let (content_type, body) = match rest.strip_prefix("text/plain; charset=utf-8") {
            Some(body) => (Some("text/plain; charset=utf-8"), body),
            None => match rest.split_once(' ').unwrap_or((rest, "")) {
                ("-", body) => (None, body),
                (content_type, body) => (Some(content_type), body),
            },
        };
        Self {
            status: status.parse().unwrap(),
            content_type: content_type.map(str::to_owned),
            body: body.trim().to_owned(),
        }
    }

    /// Whether anything may stand somewhere in it.
    pub(crate) fn is_open(&self) -> bool {
        self.body.contains('*')
    }

    /// How an answer differs, if it does.
    pub(crate) fn differs(&self, answer: &Answer) -> Option<String> {
        let wrong =
            |what: &str, is: &dyn std::fmt::Debug| Some(format!("{what} is {is:?}, recorded was {self:?}"));
        if answer.status != self.status {
            return wrong("the status", answer);
        }
        if answer.content_type != self.content_type {
            return wrong("the type", &answer.content_type);
        }
        let same = match (serde_json::from_str(&self.body), serde_json::from_str(&answer.body)) {
            (Ok(expected), Ok(is)) => fits(&expected, &plain(is)),
            (Err(_), Err(_)) => self.body == answer.body.trim_end(),
            _ => false,
        };
        if same { None } else { wrong("the body", &answer.body) }
    }
}

/// Without what one server alone has.
pub(crate) fn plain(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let known = members.into_iter().filter(|(name, _)| name != "Logger" && name != "evidence");
            known.map(|(name, value)| (name, plain(value))).collect()
        }
        Value::Array(all) => all.into_iter().map(plain).collect(),
        other => other,
    }
}

/// The same, but for what stands at a `*`.
fn fits(expected: &Value, is: &Value) -> bool {
    match (expected, is) {
        (Value::String(text), _) if text == "*" => true,
        (Value::String(text), Value::String(is)) => match text.strip_suffix('*') {
            Some(start) => is.starts_with(start),
            None => text == is,
        },
        (Value::Array(expected), Value::Array(is)) => {
            expected.len() == is.len() && expected.iter().zip(is).all(|(expected, is)| fits(expected, is))
        }
        (Value::Object(expected), Value::Object(is)) => {
            expected.len() == is.len()
                && expected.iter().all(|(name, expected)| is.get(name).is_some_and(|is| fits(expected, is)))
        }
        _ => expected == is,
    }
}

/// Asks everything of the table, in order, and says what was wrong.
pub(crate) fn wrong(
    at: SocketAddr,
    table: &[Exchange],
    expected: impl Fn(&Exchange) -> &Expected,
) -> Vec<String> {
    let differs = |one: &Exchange| {
        let wrong = expected(one).differs(&one.ask(at))?;
        Some(format!("exchanges.txt:{}: {}\n    {wrong}", one.line, one.asked))
    };
    table.iter().filter_map(differs).collect()
}

pub(crate) fn ours_answers_as_recorded() {
    let ours = Ours::start();
    let wrong = wrong(ours.addr(), &table(), |one| one.ours.as_ref().unwrap_or(&one.theirs));
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Everything that is compared can fail.
pub(crate) fn differences_are_seen() {
    let expected = Expected::parse(r#"200 application/json {"a": [1, {"b": "c*"}]}"#);
    let answer = |status, content_type: &str, body: &str| Answer {
        status,
        content_type: Some(content_type.to_owned()),
        body: body.to_owned(),
    };
    let json = "application/json";
    assert_eq!(expected.differs(&answer(200, json, r#"{"a":[1,{"b":"cd","Logger":{}}]}"#)), None);
    for (status, content_type, body) in [
        (201, json, r#"{"a": [1, {"b": "c"}]}"#),
        (200, "text/plain", r#"{"a": [1, {"b": "c"}]}"#),
        (200, json, r#"{"a": [1, {"b": "d"}]}"#),
        (200, json, r#"{"a": [1, {"b": "c"}, 2]}"#),
        (200, json, r#"{"a": [2, {"b": "c"}]}"#),
        (200, json, r#"{"a": [1, {"b": "c"}], "more": 1}"#),
        (200, json, r#"{"a": [1, {}]}"#),
        (200, json, "no JSON"),
    ] {
        assert!(expected.differs(&answer(status, content_type, body)).is_some(), "{body}");
    }
}
