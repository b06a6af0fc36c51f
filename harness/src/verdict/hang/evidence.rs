//! What a reader needs to believe a hang: what changed since it last moved.

use unstuck_record::{LinkInfo, Sample, Span, Task, TaskDump};

use super::super::facts::Facts;
use super::{since_ms, site};

/// At most so many names of a list are told.
const NAMES: usize = 6;

pub(super) fn lines(
    facts: &Facts<'_>,
    task: &Task,
    links: &[(&LinkInfo, usize)],
    circle: &[&Task],
    behind: usize,
) -> Vec<String> {
    let mut told = vec![];
    if circle.len() > 1 {
        let members =
            circle.iter().take(NAMES).map(|task| format!("{} `{}` at `{}`", task.id, task.name, site(task)));
        told.push(format!("they are: {}", members.collect::<Vec<_>>().join(", ")));
    }
    if links.len() > 1 {
        let counts = links.iter().take(NAMES).map(|(link, tasks)| format!("{} ({tasks})", link.name));
        told.push(format!("by link: {}", counts.collect::<Vec<_>>().join(", ")));
    }
    told.extend(moved(facts, task));
    told.push(format!("at the end: {}", state(task, facts.end_ms)));
    told.extend(links.first().and_then(|&(link, _)| counters(facts, link, since_ms(task))));
    match behind {
        0 => {}
        1 => told.push("1 more task waits behind".into()),
        more => told.push(format!("{more} more tasks wait behind")),
    }
    told
}

/// The task in the last dump in which it had not yet come to where it waits now.
fn moved(facts: &Facts<'_>, task: &Task) -> Option<String> {
    let since = since_ms(task);
    let (dump, before) = last_moved(facts, task.id, since)?;
    Some(format!("at {} it still moved: {}", Span(dump.at_ms), state(before, dump.at_ms)))
}

fn last_moved<'a>(facts: &Facts<'a>, id: u64, since_ms: u64) -> Option<(&'a TaskDump, &'a Task)> {
    let before = facts.run.dumps.iter().filter(|dump| dump.at_ms < since_ms);
    let found = before.filter_map(|dump| Some((dump, dump.tasks.iter().find(|task| task.id == id)?)));
    found.max_by_key(|(dump, _)| dump.at_ms)
}

fn state(task: &Task, now_ms: u64) -> String {
    let Some(wait) = &task.wait else {
        return format!("no named wait, last polled at {}", Span(task.polled_ms));
    };
    let detail = if wait.detail.is_empty() { String::new() } else { format!(" ({})", wait.detail) };
    format!("`{}` for {}{detail}", wait.site, Span(now_ms.saturating_sub(wait.since_ms)))
}

/// What was open on the link when the wait began, and at the end.
fn counters(facts: &Facts<'_>, link: &LinkInfo, since_ms: u64) -> Option<String> {
    let index = facts.run.header.links.iter().position(|other| other.name == link.name)?;
    let of = |sample: &Sample| sample.links.iter().find(|counters| counters.link == index).cloned();
    let first = facts.samples.iter().find_map(|sample| Some((sample.at_ms, of(sample)?)))?;
    let then = facts
        .sample_at(since_ms)
        .and_then(|sample| Some((sample.at_ms, of(sample)?)))
        .unwrap_or(first.clone());
    let now = facts.samples.iter().rev().find_map(|sample| Some((sample.at_ms, of(sample)?)))?;
    let mut told = vec![];
    for (at_ms, counters) in [first, then, now] {
        let text =
            format!("{} streams on {} connections at {}", counters.streams, counters.conns, Span(at_ms));
        if told.last() != Some(&text) {
            told.push(text);
        }
    }
    Some(format!("open on {}: {}", link.name, told.join(", ")))
}
