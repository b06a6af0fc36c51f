//! What happened, as the timeline shows it: events in words, and how often the frequent ones were.

use std::collections::BTreeMap;

use serde::Serialize;
use unstuck_record::{At, Event, Run, Span};

use super::{LINE, NAME};
use crate::shell::untrusted;
use crate::terminal;

/// So many events of a frequent kind (log lines, connections) are told, half of them from the beginning.
const FREQUENT: usize = 600;
/// So many of all others.
const OTHERS: usize = 400;
/// So many characters of a log line.
const LOG: usize = 300;
/// Frequent events are counted in so many spans of equal length, all of them.
const SPANS: u64 = 1_200;

/// How often something happened: spans of time in which it did, with how often.
#[derive(Debug, Serialize)]
pub(super) struct Density {
    name: &'static str,
    spans: u64,
    counts: Vec<(u64, u64)>,
}

/// An event: when, what kind, in words.
#[derive(Debug, Serialize)]
pub(super) struct Told(u64, &'static str, String);

/// Log lines and connections, all of them, counted.
pub(super) fn densities(run: &Run, end: u64) -> Vec<Density> {
    let width = end / SPANS + 1;
    let of = |name, kinds: &[&str]| {
        let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
        for event in run.events.iter().filter(|event| kinds.contains(&kind(&event.what))) {
            *counts.entry(event.at_ms / width).or_default() += 1;
        }
        Density { name, spans: width, counts: counts.into_iter().collect() }
    };
    vec![of("log lines", &["log"]), of("connects, closes", &["open", "close"])]
}

/// The events that are listed: of a frequent kind the first and the last.
pub(super) fn told(run: &Run) -> Vec<Told> {
    let frequent = |event: &&At<Event>| matches!(kind(&event.what), "log" | "open" | "close");
    let count = run.events.iter().filter(frequent).count();
    let (mut seen, mut others, mut told) = (0, 0, vec![]);
    for event in &run.events {
        let keep = if frequent(&event) {
            seen += 1;
            seen <= FREQUENT / 2 || seen + FREQUENT / 2 > count
        } else {
            others += 1;
            others <= OTHERS
        };
        if keep {
            told.push(Told(event.at_ms, kind(&event.what), words(run, &event.what)));
        }
    }
    told
}

/// The kind of an event in one word.
fn kind(event: &Event) -> &'static str {
    match event {
        Event::ClientStarted => "start",
        Event::ClientEnded { .. } | Event::ClientStopped { .. } => "end",
        Event::ClientLogged { .. } => "log",
        Event::ClientPrinted { .. } => "output",
        Event::DumpTaken { .. } => "dump",
        Event::FaultInjected { .. }
        | Event::FaultMoved { .. }
        | Event::FaultNotNeeded { .. }
        | Event::TriggerFired { .. }
        | Event::FaultNeverTriggered { .. } => "fault",
        Event::FaultHealed { .. } => "heal",
        Event::ConnOpened { .. } => "open",
        Event::ConnClosed { .. } => "close",
        Event::ClusterChanged { .. } => "cluster",
        Event::Spun { .. } => "spin",
        Event::Elided { .. } => "left out",
    }
}

fn words(run: &Run, event: &Event) -> String {
    let fault = |index: &usize| {
        run.header.plan.get(*index).map_or(String::new(), |fault| untrusted(&terminal::named(fault), LINE))
    };
    match event {
        Event::ClientStarted => "the client started".into(),
        Event::ClientEnded { error: None } => "the client ended".into(),
        Event::ClientEnded { error: Some(error) } => {
            format!("the client ended with an error: {}", untrusted(error, LINE))
        }
        Event::ClientLogged { text } => untrusted(text, LOG),
        Event::ClientPrinted { stream, lines, bytes, last } => {
            let last =
                last.last().map_or(String::new(), |line| format!(", the last: {}", untrusted(line, LOG)));
            format!("{}: {lines} lines, {bytes} bytes{last}", untrusted(stream, NAME))
        }
        Event::ClientStopped { how } => untrusted(how, LINE),
        Event::DumpTaken { source, bytes, took_ms, error } => {
            let failed =
                error.as_ref().map_or(String::new(), |error| format!(": {}", untrusted(error, LINE)));
            format!("tasks from {}: {bytes} bytes in {}{failed}", untrusted(source, NAME), Span(*took_ms))
        }
        Event::FaultInjected { fault: index } => format!("{} begins", fault(index)),
        Event::FaultHealed { fault: index, .. } => format!("{} heals", fault(index)),
        Event::TriggerFired { trigger } => {
            let what = run.header.triggers.get(*trigger).map_or("", String::as_str);
            format!("what faults wait for: {}", untrusted(what, LINE))
        }
        Event::FaultNeverTriggered { fault: index } => format!("{} was never triggered", fault(index)),
        Event::FaultMoved { fault: index, .. } => {
            format!("{} acts there, and not where it was planned", fault(index))
        }
        Event::FaultNotNeeded { fault: index } => format!("{} is not needed", fault(index)),
        Event::ConnOpened { link, conn } => format!("{} #{conn} opened", untrusted(link, NAME)),
        Event::ConnClosed { link, conn, how } => {
            format!("{} #{conn}: {}", untrusted(link, NAME), untrusted(how, NAME))
        }
        Event::ClusterChanged { what } => untrusted(what, LINE),
        Event::Spun { task, name, polls } => {
            format!("task {task} `{}` was polled {polls} times at one instant", untrusted(name, NAME))
        }
        Event::Elided { kind, count } => {
            format!("{count} more of {} are not in the record", untrusted(kind, NAME))
        }
    }
}

/// Times to mark, of those that would lie on one another the first.
pub(super) fn marks(times: impl Iterator<Item = u64>, end: u64) -> Vec<u64> {
    let width = end / SPANS + 1;
    let mut marks: Vec<u64> = times.collect();
    marks.dedup_by_key(|at| *at / width);
    marks
}
