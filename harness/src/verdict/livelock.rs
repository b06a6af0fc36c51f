//! The client works without end and gets nowhere: it retries, nothing new gets done, and no fault is active.

use unstuck_record::{Finding, FindingKind, Sample, Span};

use super::{Facts, finding};

/// Retries must be seen in each of so many equal parts of the time since the last progress: a burst after the
/// heal that ends is a hang, not a livelock.
const PARTS: u64 = 3;

pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    if !facts.never_ended() {
        return vec![];
    }
    let (Some(healed_ms), Some(last)) = (facts.last_heal_ms(), facts.samples.last()) else { return vec![] };
    let progress_ms = facts.last_progress_ms();
    let from_ms = progress_ms.max(healed_ms);
    let window_ms = last.at_ms.saturating_sub(from_ms);
    if window_ms < facts.lull_ms() {
        return vec![];
    }
    let Some(counter) = COUNTERS.iter().find(|counter| grows(facts, counter.read, from_ms, window_ms)) else {
        return vec![];
    };
    let first = facts.sample_at(from_ms).or(facts.samples.first().copied());
    let before = first.map_or(0, counter.read);
    // of a program only its connections are seen
    let what = if facts.run.header.command.is_empty() { counter.name } else { "new connections" };
    let (now, unit) = ((counter.read)(last), &facts.run.header.unit);
    let grown = now.saturating_sub(before);
    let mut evidence = vec![
        format!("{what}: {before} at {}, {now} at {}", Span(from_ms), Span(last.at_ms)),
        format!("one every {} while no fault was active", Span(window_ms / grown.max(1))),
        format!("{unit} done: {} of {}, none since {}", last.unique, last.total, Span(progress_ms)),
    ];
    evidence.extend(busiest_sites(facts));
    vec![Finding {
        age_ms: Some(facts.end_ms.saturating_sub(progress_ms)),
        since_ms: Some(progress_ms),
        fault: facts.fault_at(progress_ms),
        evidence,
        ..finding(
            FindingKind::Livelock,
            format!(
                "{grown} {what} in the last {} without one of the {unit} getting done, and no fault is active",
                Span(window_ms)
            ),
        )
    }]
}

struct Counter {
    name: &'static str,
    read: fn(&Sample) -> u64,
}

const COUNTERS: [Counter; 2] = [
    Counter { name: "retries", read: |sample| sample.retries },
    Counter { name: "attempts", read: |sample| sample.attempts },
];

fn grows(facts: &Facts<'_>, read: fn(&Sample) -> u64, from_ms: u64, window_ms: u64) -> bool {
    let at = |ms| facts.sample_at(ms).map_or(0, read);
    (0..PARTS).all(|part| {
        let begin = from_ms.saturating_add(window_ms / PARTS * part);
        let end = if part + 1 == PARTS { u64::MAX } else { begin.saturating_add(window_ms / PARTS) };
        at(end) > at(begin)
    })
}

/// Where the tasks are found at the end, for whoever looks for the loop.
fn busiest_sites(facts: &Facts<'_>) -> Option<String> {
    let waits =
        facts.last_dump()?.tasks.iter().filter_map(|task| task.wait.as_ref()).filter(|wait| !wait.idle);
    let mut sites = std::collections::BTreeMap::<&str, u64>::new();
    for wait in waits {
        *sites.entry(wait.site.as_str()).or_default() += 1;
    }
    let mut sites: Vec<_> = sites.into_iter().collect();
    sites.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let told: Vec<_> = sites.iter().take(4).map(|(site, count)| format!("{count} at `{site}`")).collect();
    (!told.is_empty()).then(|| format!("tasks in the last dump: {}", told.join(", ")))
}
