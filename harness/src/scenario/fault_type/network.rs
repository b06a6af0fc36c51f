//! What a bad network does, in netem's words as Chaos Mesh has them: `network_loss(loss:10%,correlation:25%)`.
//!
//! A client sees it as TCP shows it: what is lost or corrupted (a checksum finds out) comes again later, what is overtaken
//! makes those behind it wait, and a duplicate is thrown away. No byte is ever missing.

use std::time::Duration;

use unstuck_proxy::toxic::{Bandwidth, Distribution, Kind, Latency, Loss, Reorder};

use super::super::diagnostic::Problem;
use super::parameters::Parameters;

/// All of netem at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Netem {
    /// Everything is late.
    pub delay: Option<Latency>,
    /// Some of what is late overtakes the rest.
    pub overtakes: Option<Overtakes>,
    /// Segments are lost.
    pub loss: Option<Luck>,
    /// Segments arrive corrupted.
    pub corrupt: Option<Luck>,
    /// Segments arrive twice.
    pub duplicate: Option<Luck>,
    /// No faster than this.
    pub bandwidth: Option<Shape>,
}

/// To how many segments something happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Luck {
    /// Their share, 0 to 1.
    pub share: f64,
    /// How much a segment's luck resembles the last one's, 0 to 1.
    pub correlation: f64,
}

/// Which segments are not late.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overtakes {
    /// Of those that may.
    pub luck: Luck,
    /// One in so many may, at least 1.
    pub gap: u32,
}

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Bytes a second.
    pub rate: u64,
    /// How many bytes may go at once after a pause.
    pub buffer: Option<u64>,
    /// How many bytes may wait in the network. Here what is more waits at its sender, which is what TCP makes of it.
    pub limit: Option<u64>,
}

/// Reads the parameters of a word for the network. What is wrong with them is among the problems.
pub(super) fn read(of: &mut Parameters<'_>) -> Netem {
    let before = of.problems.len();
    let mut netem = Netem::default();
    let correlation = of.share("correlation").unwrap_or_default();
    let luck = |share| Luck { share, correlation };
    match of.word.name {
        "network_loss" => netem.loss = of.required("loss", Parameters::share).map(luck),
        "network_corrupt" => netem.corrupt = of.required("corrupt", Parameters::share).map(luck),
        "network_duplicate" => netem.duplicate = of.required("duplicate", Parameters::share).map(luck),
        "network_bandwidth" => {
            of.required("rate", Parameters::rate);
            netem.bandwidth = shape(of);
        }
        "network_reorder" => {
            of.required("reorder", Parameters::share);
            of.required("latency", Parameters::duration);
            reorder(of, correlation, &mut netem);
        }
        "network_netem" => {
            netem.loss = of.share("loss").map(luck);
            netem.corrupt = of.share("corrupt").map(luck);
            netem.duplicate = of.share("duplicate").map(luck);
            netem.bandwidth = shape(of);
            delay(of, correlation, &mut netem);
            reorder(of, correlation, &mut netem);
            if netem == Netem::default() && of.problems.len() == before {
                let problem =
                    Problem::error(of.span.clone(), "`network_netem` says nothing of what is wrong");
                of.problems.push(problem.hint(format!("as in `{}`", of.word.example)));
            }
        }
        _ => {
            of.required("latency", Parameters::duration);
            delay(of, correlation, &mut netem);
        }
    }
    if netem.duplicate.is_some() && netem.kinds().is_empty() {
        let message = "TCP throws duplicates away: a client sees nothing of them, so nothing is touched here";
        let problem = Problem::warning(of.span.clone(), message);
        of.problems
            .push(problem.hint("segments that come again late are `network_loss` or `network_reorder`"));
    }
    netem
}

fn delay(of: &mut Parameters<'_>, correlation: f64, netem: &mut Netem) {
    let before = of.problems.len();
    let spreads = [
        ("uniform", Distribution::Uniform),
        ("normal", Distribution::Normal),
        ("pareto", Distribution::Pareto),
    ];
    let distribution = of.choice("distribution", &spreads, Distribution::Uniform);
    let (latency, jitter) = (of.duration("latency"), of.duration("jitter").unwrap_or_default());
    let wrong = latency.is_some_and(|latency| latency.is_zero() || jitter > latency);
    let jitters_at_nothing = latency.is_none() && !jitter.is_zero() && of.word.name == "network_netem";
    if of.problems.len() == before && (wrong || jitters_at_nothing) {
        let message = "`latency` must be more than zero and at least `jitter`";
        let hint = "as in `network_delay(latency:364ms,jitter:50ms)`";
        of.problems.push(Problem::error(of.span.clone(), message).hint(hint));
    }
    netem.delay = latency.map(|latency| Latency { latency, jitter, distribution, correlation });
}

fn reorder(of: &mut Parameters<'_>, correlation: f64, netem: &mut Netem) {
    let gap = of.number("gap").unwrap_or(1).max(1);
    let Some(share) = of.share("reorder") else { return };
    netem.overtakes = Some(Overtakes { luck: Luck { share, correlation }, gap });
    if netem.delay.is_none() {
        netem.delay = of.duration("latency").map(|latency| Latency { correlation, ..Latency::of(latency) });
    }
    if netem.delay.is_none_or(|delay| delay.latency.is_zero()) && of.find("latency").is_none() {
        let problem = Problem::error(of.span.clone(), "without `latency` there is nothing to overtake");
        of.problems.push(problem.hint("as in `network_reorder(reorder:25%,latency:20ms)`"));
    }
}

fn shape(of: &mut Parameters<'_>) -> Option<Shape> {
    let (buffer, limit) = (of.size("buffer"), of.size("limit"));
    if buffer.or(limit).is_some() && of.find("rate").is_none() && of.word.name == "network_netem" {
        let problem = Problem::error(of.span.clone(), "a `buffer` or `limit` without a `rate`");
        of.problems.push(problem.hint("as in `network_netem(rate:1MiB/s,buffer:64KiB)`"));
    }
    Some(Shape { rate: of.rate("rate")?, buffer, limit })
}

// === impl Netem ===

impl Netem {
    /// What of it a client can see, as toxics of one direction.
    pub fn kinds(&self) -> Vec<Kind> {
        let lost = |luck: Luck| {
            Kind::Loss(Loss { rate: luck.share, correlation: luck.correlation, ..Loss::default() })
        };
        let mut kinds: Vec<Kind> = [self.loss, self.corrupt].into_iter().flatten().map(lost).collect();
        match (self.delay, self.overtakes) {
            (Some(late), Some(Overtakes { luck, gap })) => {
                // those that do not overtake are late
                let rate = 1.0 - luck.share / f64::from(gap);
                let delay = late.latency;
                kinds.push(Kind::Reorder(Reorder { rate, correlation: luck.correlation, delay }));
                if !late.jitter.is_zero() {
                    kinds.push(Kind::Latency(Latency { latency: Duration::ZERO, ..late }));
                }
            }
            (Some(late), None) => kinds.push(Kind::Latency(late)),
            (None, _) => {}
        }
        if let Some(Shape { rate, buffer, .. }) = self.bandwidth {
            kinds.push(Kind::Bandwidth(Bandwidth { rate, burst: buffer.unwrap_or_default() }));
        }
        kinds
    }
}
