//! What the timeline draws, as data: faults, curves, events, each with its times, in milliseconds since the client's start.

use serde::Serialize;
use unstuck_record::{Event, Judgement, LinkSample, Run, Sample};

use super::curve::{self, Curve, Steps};
use super::events::{self, Density, Told};
use super::{LINE, NAME};
use crate::shell::untrusted;
use crate::terminal::{self, Acted, Seen};

/// So many faults are drawn; a plan of a night may have more.
const FAULTS: usize = 300;
/// So many links have a row and a curve of their own.
const LINKS: usize = 12;

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

/// What a page must say of what it left out.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    pub(super) samples: usize,
    /// The most points that a curve shows, and whether one shows fewer than it has.
    pub(super) points: usize,
    pub(super) thinned: bool,
    pub(super) events: usize,
    pub(super) events_told: usize,
    pub(super) faults: usize,
    pub(super) links: usize,
    /// Faults on further links.
    pub(super) bands: usize,
}

impl Chart {
    /// The data of a run, with so many spans a curve, and what is left out of it.
    pub(super) fn of(run: &Run, judgement: &Judgement, spans: u64) -> (Self, LeftOut) {
        let end = terminal::end_ms(run);
        let mut left =
            LeftOut { samples: run.samples.len(), points: curve::most(spans), ..LeftOut::default() };
        let events = events::told(run);
        (left.events, left.events_told) = (run.events.len(), events.len());
        let ended = run.events.iter().find(|event| matches!(event.what, Event::ClientEnded { .. }));
        let chart = Self {
            end,
            budget: judgement.budget_ms,
            baseline: run.header.limits.baseline_ms,
            ended: ended.map(|event| event.at_ms),
            dumps: events::marks(run.dumps.iter().map(|dump| dump.at_ms), end),
            faults: faults(run, &mut left),
            lanes: lanes(run, end, spans, &mut left),
            densities: events::densities(run, end),
            events,
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
                grouped(self.points),
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

fn lanes(run: &Run, end: u64, spans: u64, left: &mut LeftOut) -> Vec<Lane> {
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
            let (curve, thinned) = steps.curve(end, spans);
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
        lane("traffic", "traffic", "B/s", None, traffic(&run.samples)),
        lane("inFlight", "jobs in flight", "", None, vec![("jobs".into(), in_flight)]),
        lane("tasks", "tasks", "", None, vec![("tasks".into(), tasks)]),
    ]
}

/// Bytes a second over all links, between one sample and the next.
fn traffic(samples: &[Sample]) -> Vec<(String, Steps)> {
    let (mut up, mut down) = (Steps::default(), Steps::default());
    let sum = |sample: &Sample, of: fn(&LinkSample) -> u64| {
        sample.links.iter().map(of).fold(0, u64::saturating_add)
    };
    for pair in samples.windows(2).filter(|pair| pair[0].at_ms < pair[1].at_ms) {
        let rate = |of: fn(&LinkSample) -> u64| {
            let bytes = sum(&pair[1], of).saturating_sub(sum(&pair[0], of));
            (u128::from(bytes) * 1_000 / u128::from(pair[1].at_ms - pair[0].at_ms)) as u64
        };
        up.add(pair[0].at_ms, rate(|link| link.up));
        down.add(pair[0].at_ms, rate(|link| link.down));
    }
    vec![("to the nodes".into(), up), ("to the client".into(), down)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_is_what_flowed_from_one_sample_to_the_next() {
        let sample = |at_ms, up, down| {
            let link = LinkSample { up, down, ..LinkSample::default() };
            Sample { at_ms, links: vec![link.clone(), link], ..Sample::default() }
        };
        let samples =
            [sample(0, 0, 0), sample(500, 100, 10), sample(500, 100, 10), sample(2_500, 100, 4_010)];
        let [(_, up), (_, down)] = traffic(&samples).try_into().unwrap();
        assert_eq!(
            [up, down].map(|steps| steps.curve(3_000, 9).0),
            [curve(&[(0, 400), (500, 0)]), curve(&[(0, 40), (500, 4_000)])]
        );
    }

    fn curve(points: &[(u64, u64)]) -> Curve {
        let mut steps = Steps::default();
        for &(at, value) in points {
            steps.add(at, value);
        }
        steps.curve(0, 9).0
    }

    #[test]
    fn long_numbers_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(|n: u64| grouped(n)), ["0", "999", "1,000", "1,234,567"]);
    }
}
