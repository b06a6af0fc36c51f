//! What the timeline draws, as data: faults, curves, events, each with its times, in milliseconds since the client's start.

use std::collections::BTreeMap;

use serde::Serialize;
use unstuck_record::{At, Event, Judgement, Run, Span};

use super::curve::{self, Curve, Steps};
use super::{LINE, NAME};
use crate::shell::untrusted;
use crate::terminal::{self, Acted, Seen};

/// So many faults are drawn; a plan of a night may have more.
const FAULTS: usize = 300;
/// So many links have a row and a curve of their own.
const LINKS: usize = 12;
/// So many events of a frequent kind (log lines, connections) are told, half of them from the beginning.
const FREQUENT: usize = 600;
/// So many of all others.
const OTHERS: usize = 400;
/// So many characters of a log line.
const LOG: usize = 300;
/// Frequent events are counted in so many spans of equal length, all of them.
const SPANS: u64 = 1_200;

/// The data of one case's timeline.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Chart {
    /// Where the axis ends at least.
    end: u64,
    budget: u64,
    baseline: Option<u64>,
    /// When the client ended by itself.
    ended: Option<u64>,
    /// When tasks were dumped.
    dumps: Vec<u64>,
    faults: Vec<Row>,
    lanes: Vec<Lane>,
    densities: Vec<Density>,
    events: Vec<Told>,
}

/// The faults on one link or node.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    bands: Vec<Band>,
}

#[derive(Clone, Debug, Serialize)]
struct Band {
    /// Its place in the plan.
    fault: usize,
    kind: String,
    from: u64,
    to: u64,
    /// `touched`, `nothing` (it touched nothing), `planned` (it was not injected).
    state: &'static str,
    effect: String,
}

/// Counters on one scale.
#[derive(Debug, Serialize)]
struct Lane {
    id: &'static str,
    title: &'static str,
    unit: String,
    top: u64,
    /// How much there is to do, where that is known.
    goal: Option<u64>,
    curves: Vec<Named>,
}

#[derive(Debug, Serialize)]
struct Named {
    name: String,
    #[serde(flatten)]
    curve: Curve,
}

/// How often something happened: spans of time in which it did, with how often.
#[derive(Debug, Serialize)]
struct Density {
    name: &'static str,
    spans: u64,
    counts: Vec<(u64, u64)>,
}

/// An event: when, what kind, in words.
#[derive(Debug, Serialize)]
struct Told(u64, &'static str, String);

/// What a page must say of what it left out.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    pub(super) samples: usize,
    /// The most points that any curve shows, if one shows fewer than it has.
    pub(super) thinned: bool,
    pub(super) events: usize,
    pub(super) events_told: usize,
    pub(super) faults: usize,
    pub(super) links: usize,
    /// Faults on further links.
    pub(super) bands: usize,
}

impl Chart {
    /// The data of a run, and what is left out of it.
    pub(super) fn of(run: &Run, judgement: &Judgement) -> (Self, LeftOut) {
        let end = terminal::end_ms(run);
        let mut left = LeftOut { samples: run.samples.len(), ..LeftOut::default() };
        let ended = run.events.iter().find(|event| matches!(event.what, Event::ClientEnded { .. }));
        let chart = Self {
            end,
            budget: judgement.budget_ms,
            baseline: run.header.limits.baseline_ms,
            ended: ended.map(|event| event.at_ms),
            dumps: run.dumps.iter().map(|dump| dump.at_ms).collect(),
            faults: faults(run, &mut left),
            lanes: lanes(run, end, &mut left),
            densities: densities(run, end),
            events: events(run, &mut left),
        };
        (chart, left)
    }

    /// As it may stand in a page, where nothing in it can end the element.
    pub(super) fn json(&self) -> String {
        let json = serde_json::to_string(self).expect("every field is plain data");
        // only strings hold these, and there the escape means the same
        json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
    }
}

impl LeftOut {
    /// In words; empty if nothing is left out.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = vec![];
        if self.thinned {
            words.push(format!(
                "shown: at most {} of {} samples a curve, extremes kept",
                grouped(curve::MOST),
                grouped(self.samples)
            ));
        }
        if self.events_told < self.events {
            words.push(format!(
                "listed: {} of {} events, of log lines and connections the first and the last; the bars count all",
                grouped(self.events_told),
                grouped(self.events)
            ));
        }
        if self.faults > 0 {
            words.push(format!("{} more faults are not drawn", grouped(self.faults)));
        }
        if self.links > 0 {
            words.push(format!("{} more links are not drawn", grouped(self.links)));
        }
        if self.bands > 0 {
            words.push(format!("faults on {} more links are not drawn", grouped(self.bands)));
        }
        words
    }
}

/// `1,000,000`
pub(super) fn grouped(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or(u64::MAX).to_string();
    let mut out = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The faults by link; those between nodes by node.
fn faults(run: &Run, left: &mut LeftOut) -> Vec<Row> {
    let mut rows: Vec<Row> = vec![];
    left.faults = run.header.plan.len().saturating_sub(FAULTS);
    for (index, fault) in run.header.plan.iter().enumerate().take(FAULTS) {
        let acted = Acted::of(run, index);
        let state = match (acted.injected, terminal::evidence(run, index).touched()) {
            (false, _) => "planned",
            (true, false) => "nothing",
            (true, true) => "touched",
        };
        let band = Band {
            fault: index,
            kind: untrusted(&fault.kind, NAME),
            from: acted.start_ms,
            to: acted.end_ms,
            state,
            effect: untrusted(&terminal::effect(run, index), LINE),
        };
        let on = if fault.links.is_empty() { &fault.nodes } else { &fault.links };
        for name in on {
            let name = untrusted(name, NAME);
            match rows.iter().position(|row| row.name == name) {
                Some(row) => rows[row].bands.push(band.clone()),
                None if rows.len() < LINKS => rows.push(Row { name, bands: vec![band.clone()] }),
                None => left.bands += 1,
            }
        }
    }
    rows
}

fn lanes(run: &Run, end: u64, left: &mut LeftOut) -> Vec<Lane> {
    let [mut unique, mut attempts, mut retries, mut in_flight, mut tasks] =
        std::array::from_fn(|_| Steps::default());
    let links = run.header.links.len().min(LINKS);
    let mut conns = vec![Steps::default(); links];
    let mut streams = conns.clone();
    for sample in &run.samples {
        let at = sample.at_ms;
        unique.add(at, sample.unique);
        attempts.add(at, sample.attempts);
        retries.add(at, sample.retries);
        in_flight.add(at, sample.in_flight);
        tasks.add(at, sample.tasks);
        for link in sample.links.iter().filter(|link| link.link < links) {
            conns[link.link].add(at, link.conns);
            streams[link.link].add(at, link.streams);
        }
    }
    left.links = run.header.links.len() - links;
    let seen = Seen::of(run);
    // what the cluster holds at the end may be more than the last sample saw
    if seen.unique > unique.top() {
        unique.add(end, seen.unique);
    }
    let names: Vec<String> =
        run.header.links.iter().take(links).map(|link| untrusted(&link.name, NAME)).collect();
    let by_link = |steps: Vec<Steps>| -> Vec<(String, Steps)> { names.iter().cloned().zip(steps).collect() };
    let unit = untrusted(&run.header.unit, NAME);
    let mut lane = |id, title, unit: &str, goal: Option<u64>, curves: Vec<(String, Steps)>| {
        let top = curves.iter().map(|(_, steps)| steps.top()).max().unwrap_or(0);
        let curves = curves.into_iter().map(|(name, steps)| {
            let (curve, thinned) = steps.curve(end);
            left.thinned |= thinned;
            Named { name, curve }
        });
        Lane { id, title, unit: unit.to_owned(), top, goal, curves: curves.collect() }
    };
    let done = ("done".to_owned(), unique);
    vec![
        lane("progress", "progress", &unit, (seen.total > 0).then_some(seen.total), vec![done]),
        lane(
            "attempts",
            "attempts",
            "",
            None,
            vec![("attempts".into(), attempts), ("retries".into(), retries)],
        ),
        lane("streams", "open streams", "", None, by_link(streams)),
        lane("conns", "connections", "", None, by_link(conns)),
        lane("inFlight", "jobs in flight", "", None, vec![("jobs".into(), in_flight)]),
        lane("tasks", "tasks", "", None, vec![("tasks".into(), tasks)]),
    ]
}

fn densities(run: &Run, end: u64) -> Vec<Density> {
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
fn events(run: &Run, left: &mut LeftOut) -> Vec<Told> {
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
    (left.events, left.events_told) = (run.events.len(), told.len());
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
        Event::FaultInjected { .. } | Event::FaultNotNeeded { .. } => "fault",
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
