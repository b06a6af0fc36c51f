//! What several checkers ask of a record.

use std::collections::BTreeMap;

use unstuck_record::{EndReason, Event, Evidence, LinkInfo, PlannedFault, Run, Sample, TaskDump};

use super::budget;

/// So many of the last lines of each stream are told.
const LAST_WORDS: usize = 4;

/// A record, and what follows from it at once. Records are foreign input: indices are checked, times saturate.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) run: &'a Run,
    /// The last moment that the record tells of.
    pub(super) end_ms: u64,
    /// When the client's work ended by itself.
    pub(super) ended: Option<Ended<'a>>,
    /// The time limit; without a baseline, what is known of it.
    pub(super) budget_ms: u64,
    /// Whether the client is known to finish without faults, so that the limit means something.
    pub(super) has_baseline: bool,
    /// By time.
    pub(super) samples: Vec<&'a Sample>,
    injections: Vec<Injection>,
    links: BTreeMap<&'a str, &'a LinkInfo>,
}

/// The client's own end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended<'a> {
    pub(super) at_ms: u64,
    pub(super) error: Option<&'a str>,
}

#[derive(Clone, Copy, Debug)]
struct Injection {
    fault: usize,
    from_ms: u64,
    to_ms: Option<u64>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(run: &'a Run) -> Self {
        let mut samples: Vec<&Sample> = run.samples.iter().collect();
        samples.sort_by_key(|sample| sample.at_ms);
        let last_event = run.events.iter().map(|event| event.at_ms).max();
        let last_dump = run.dumps.iter().map(|dump| dump.at_ms).max();
        let last = last_event.max(last_dump).max(samples.last().map(|sample| sample.at_ms)).unwrap_or(0);
        let end_ms = run.end.as_ref().map_or(last, |end| end.at_ms);
        let ended = ended(run);
        let ended_ms = ended.map(|ended| ended.at_ms);
        let (budget_ms, has_baseline) = match budget::budget_ms(run, ended_ms) {
            Some(budget) => (budget, true),
            // a fault-free run that completed is its own baseline
            None if run.header.plan.is_empty() && ended.is_some_and(|ended| ended.error.is_none()) => {
                (ended_ms.unwrap_or(0).saturating_add(run.header.limits.recovery_ms), true)
            }
            None => (end_ms, false),
        };
        let links = run.header.links.iter().map(|link| (link.addr.as_str(), link)).collect();
        Self {
            run,
            end_ms,
            ended,
            budget_ms,
            has_baseline,
            samples,
            injections: injections(run, end_ms),
            links,
        }
    }

    /// Whether the client had not ended when the budget was up, or could not go on at all.
    pub(super) fn never_ended(&self) -> bool {
        let because =
            |reasons: &[EndReason]| self.run.end.as_ref().is_some_and(|end| reasons.contains(&end.reason));
        let seen_to_the_end = because(&[EndReason::Spun, EndReason::Wedged, EndReason::OutOfTime]);
        let late = self.end_ms > self.budget_ms && !because(&[EndReason::OutOfSight]);
        self.ended.is_none() && (seen_to_the_end || late)
    }

    /// How long a client may be without progress before that means anything: three times its longest gap
    /// without faults, or its longest back-off.
    pub(super) fn lull_ms(&self) -> u64 {
        let limits = &self.run.header.limits;
        limits.baseline_gap_ms.saturating_mul(3).max(limits.backoff_cap_ms).max(1)
    }

    /// The dump taken last.
    pub(super) fn last_dump(&self) -> Option<&'a TaskDump> {
        self.run.dumps.iter().max_by_key(|dump| dump.at_ms)
    }

    /// The last sample taken at `ms` or before.
    pub(super) fn sample_at(&self, ms: u64) -> Option<&'a Sample> {
        self.samples.iter().rev().find(|sample| sample.at_ms <= ms).copied()
    }

    /// When unique work was last seen to grow; 0 if never.
    pub(super) fn last_progress_ms(&self) -> u64 {
        let grew = self.samples.windows(2).rev().find(|pair| pair[1].unique > pair[0].unique);
        match (grew, self.samples.first()) {
            (Some(pair), _) => pair[1].at_ms,
            (None, Some(first)) if first.unique > 0 => first.at_ms,
            _ => 0,
        }
    }

    /// When the last fault was healed; `None` while one is active at the end.
    pub(super) fn last_heal_ms(&self) -> Option<u64> {
        self.injections.iter().try_fold(0, |last: u64, injection| Some(last.max(injection.to_ms?)))
    }

    /// The fault that was active at `ms` (the one injected last), else the last one that had ended by then.
    pub(super) fn fault_at(&self, ms: u64) -> Option<usize> {
        let begun = || self.injections.iter().filter(|injection| injection.from_ms <= ms);
        let active = begun().filter(|injection| injection.to_ms.is_none_or(|to| to > ms));
        active
            .max_by_key(|injection| injection.from_ms)
            .or_else(|| begun().max_by_key(|i| i.to_ms))
            .map(|i| i.fault)
    }

    /// A fault that is active at the end on this link or on its node.
    pub(super) fn fault_left_on(&self, link: &LinkInfo) -> Option<usize> {
        let hits =
            |fault: &PlannedFault| fault.links.contains(&link.name) || fault.nodes.contains(&link.node);
        let left = self.injections.iter().filter(|injection| injection.to_ms.is_none());
        left.map(|injection| injection.fault).find(|&fault| hits(&self.run.header.plan[fault]))
    }

    /// A fault that is active at the end, wherever.
    pub(super) fn fault_left(&self) -> Option<usize> {
        self.injections.iter().find(|injection| injection.to_ms.is_none()).map(|injection| injection.fault)
    }

    /// The links that have connections in the last sample, with how many.
    pub(super) fn open_links(&self) -> Vec<(&'a LinkInfo, u64)> {
        let last = self.samples.last().map_or(&[][..], |sample| sample.links.as_slice());
        let open = last.iter().filter(|counters| counters.conns > 0);
        open.filter_map(|counters| Some((self.run.header.links.get(counters.link)?, counters.conns)))
            .collect()
    }

    /// The link whose proxy listens at this address.
    pub(super) fn link_at(&self, addr: &str) -> Option<&'a LinkInfo> {
        self.links.get(addr).copied()
    }

    /// Whether any fault was.
    pub(super) fn any_injected(&self) -> bool {
        !self.injections.is_empty()
    }

    /// Whether this fault of the plan was injected, and not merely due after the client's end.
    pub(super) fn was_injected(&self, fault: usize) -> bool {
        self.injections.iter().any(|injection| injection.fault == fault)
    }

    /// What a fault of the plan touched, from its heals and from the end.
    pub(super) fn evidence(&self, index: usize) -> Evidence {
        let at_the_end = self.run.end.as_ref().and_then(|end| end.evidence.get(index)).copied();
        let heals = self.run.events.iter().filter_map(|event| match event.what {
            Event::FaultHealed { fault, evidence } if fault == index => Some(evidence),
            _ => None,
        });
        // the end sums the heals up
        let touched = at_the_end.filter(Evidence::touched);
        touched.or_else(|| heals.reduce(Evidence::plus)).or(at_the_end).unwrap_or_default()
    }

    /// Whether nothing but the word of whoever carried the faults out tells of their effect.
    pub(super) fn only_said(&self) -> bool {
        let injected = || self.injections.iter().map(|injection| self.evidence(injection.fault));
        injected().any(|evidence| evidence.elsewhere > Some(0))
            && !injected().any(|evidence| evidence.touched())
    }

    /// When the client was last heard of.
    pub(super) fn heard_ms(&self) -> u64 {
        let sample = self.samples.last().map(|sample| sample.at_ms);
        sample.max(self.last_dump().map(|dump| dump.at_ms)).unwrap_or(0)
    }

    /// The last lines that a program printed, and how it was ended.
    pub(super) fn last_words(&self) -> Vec<String> {
        let told = self.run.events.iter().flat_map(|event| match &event.what {
            Event::ClientPrinted { stream, last, .. } => {
                let lines = last.iter().rev().take(LAST_WORDS).rev();
                lines.map(|line| format!("{stream}: {line}")).collect()
            }
            Event::ClientStopped { how } => vec![format!("its processes: {how}")],
            _ => vec![],
        });
        told.collect()
    }

    /// A fault in words: `failure on client->tikv-1 (1m to 61m)`.
    pub(super) fn fault_text(&self, fault: usize) -> String {
        use unstuck_record::Span;
        let planned = &self.run.header.plan[fault];
        let on = if planned.nodes.is_empty() { &planned.links } else { &planned.nodes };
        let name = format!("{} on {}", planned.kind, on.join(", "));
        match self.run.due(fault) {
            Some(due) => format!("{name} ({} to {})", Span(due.start_ms), Span(due.end_ms)),
            None => format!("{name} (at {})", self.run.trigger(fault).unwrap_or_default()),
        }
    }
}

fn ended(run: &Run) -> Option<Ended<'_>> {
    let event = run.events.iter().find_map(|event| match &event.what {
        Event::ClientEnded { error } => Some(Ended { at_ms: event.at_ms, error: error.as_deref() }),
        _ => None,
    });
    event.or_else(|| {
        let end = run.end.as_ref().filter(|end| end.reason == EndReason::ClientEnded)?;
        Some(Ended { at_ms: end.at_ms, error: None })
    })
}

/// What was really injected, and until when. A heal at the very end belongs to the clearing up: the fault was
/// active as long as the run lasted.
fn injections(run: &Run, end_ms: u64) -> Vec<Injection> {
    let mut injections: Vec<Injection> = vec![];
    for event in &run.events {
        match event.what {
            Event::FaultInjected { fault } if fault < run.header.plan.len() => {
                injections.push(Injection { fault, from_ms: event.at_ms, to_ms: None });
            }
            Event::FaultHealed { fault, .. } if event.at_ms < end_ms => {
                if let Some(open) = injections.iter_mut().rfind(|i| i.fault == fault && i.to_ms.is_none()) {
                    open.to_ms = Some(event.at_ms);
                }
            }
            _ => {}
        }
    }
    injections
}
