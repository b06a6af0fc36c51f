//! Streams, connections or tasks that grow while the jobs in flight do not. It fails nothing by itself: it is the
//! precursor that explains why a client gets slow or stuck later.

use unstuck_record::{Finding, FindingKind, Sample, Span};

use super::{Facts, finding};

/// Growth below this is noise: a reconnect opens a few connections beside the old ones.
const SLACK: u64 = 8;
/// What is kept must have grown in so many steps: one step is a new steady state, not growth.
const STEPS: usize = 4;
/// The part of the samples at the end that says what is kept for good.
const TAIL: usize = 10;

pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let end_ms = facts.ended.map_or(u64::MAX, |ended| ended.at_ms);
    let samples: Vec<&Sample> =
        facts.samples.iter().copied().filter(|sample| sample.at_ms < end_ms).collect();
    let mut findings = vec![];
    for (index, link) in facts.run.header.links.iter().enumerate() {
        let streams = |sample: &Sample| on_link(sample, index).map_or(0, |link| link.streams);
        let conns = |sample: &Sample| on_link(sample, index).map_or(0, |link| link.conns);
        findings.extend(growth(facts, &samples, streams, "open streams", Some(&link.name)));
        findings.extend(growth(facts, &samples, conns, "open connections", Some(&link.name)));
    }
    findings.extend(growth(facts, &samples, |sample| sample.tasks, "tasks", None));
    findings
}

fn on_link(sample: &Sample, index: usize) -> Option<&unstuck_record::LinkSample> {
    sample.links.iter().find(|link| link.link == index)
}

/// The level before is the highest up to the first fault (without faults, in the first quarter), raised as far as
/// jobs in flight rose. What is kept for good is the lower envelope: the least value from a moment to the end.
fn growth(
    facts: &Facts<'_>,
    samples: &[&Sample],
    read: impl Fn(&Sample) -> u64,
    what: &str,
    link: Option<&str>,
) -> Option<Finding> {
    let split = split(facts, samples);
    let (before, after) = samples.split_at(split);
    let kept_from = after.len().checked_sub(after.len().div_ceil(TAIL).max(1))?;
    let mut envelope: Vec<u64> = after.iter().map(|sample| read(sample)).collect();
    for index in (0..envelope.len().saturating_sub(1)).rev() {
        envelope[index] = envelope[index].min(envelope[index + 1]);
    }
    let kept = envelope[kept_from];
    let level = before.iter().map(|sample| read(sample)).max()?;
    let jobs = |part: &[&Sample]| part.iter().map(|sample| sample.in_flight).max().unwrap_or(0).max(1);
    let (jobs_before, jobs_after) = (jobs(before), jobs(after));
    // a quarter more than before is still the same level
    let level_now = u128::from(level) * u128::from(jobs_after.max(jobs_before)) / u128::from(jobs_before);
    let allowed = level_now.saturating_add(level_now / 4);
    if u128::from(kept) <= allowed.saturating_add(u128::from(SLACK)) {
        return None;
    }
    let beyond = |value: u64| u128::from(value) > allowed;
    let mut steps: Vec<(u64, u64)> = vec![];
    for (sample, &value) in after.iter().zip(&envelope) {
        if beyond(value) && steps.last().is_none_or(|&(_, last)| value > last) {
            steps.push((sample.at_ms, value));
        }
    }
    let &(since_ms, _) = steps.first().filter(|_| steps.len() >= STEPS)?;
    let place = link.map_or(String::new(), |link| format!(" on {link}"));
    let summary =
        format!("{what}{place} grew from at most {level} to {kept} and stayed, jobs in flight did not");
    let evidence = vec![format!(
        "jobs in flight: at most {jobs_before} at first, at most {jobs_after} since; it began at {}",
        Span(since_ms)
    )];
    Some(Finding {
        since_ms: Some(since_ms),
        age_ms: Some(facts.end_ms.saturating_sub(since_ms)),
        link: link.map(Into::into),
        fault: facts.fault_at(since_ms),
        evidence,
        ..finding(FindingKind::Leak, summary)
    })
}

/// How many samples belong to the time before the first fault.
fn split(facts: &Facts<'_>, samples: &[&Sample]) -> usize {
    match facts.run.header.plan.iter().map(|fault| fault.start_ms).min() {
        Some(first) => samples.partition_point(|sample| sample.at_ms < first),
        None => samples.len() / 4,
    }
}
