//! A task that waits for ever for something that is healthy.
//!
//! A client that made its budget has no hang, whatever waits in it; here a miss is explained. The tasks of the
//! last dump are followed to whoever must act ([`graph`]); equal stacks are told once.

mod evidence;
mod foreign;
mod graph;

use std::collections::BTreeMap;

use unstuck_record::{Finding, FindingKind, LinkInfo, Resource, Span, Task};

use super::{Facts, finding};
use graph::{Leaf, UNNAMED};

/// How long a task may wait before it counts as one that nothing will wake: no timer of the client's is longer.
fn patience_ms(facts: &Facts<'_>) -> u64 {
    facts.lull_ms().max(facts.run.header.limits.longest_timer_ms)
}

/// What a leaf waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    /// A peer that could answer.
    Peer,
    /// Tasks in a circle.
    Circle,
    /// Somebody that is gone: a wake-up was lost.
    Gone,
    /// Tasks that have nothing to do.
    Idle,
    /// A timer that should have fired.
    Overdue,
    /// Something without a name.
    Unnamed,
    /// A peer behind a fault that is still active.
    Fault,
}

pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings: Vec<(Cause, Finding)> =
        groups(facts).into_iter().map(|group| group.finding(facts)).collect();
    findings.retain(|(cause, _)| *cause != Cause::Fault);
    // an unnamed wait may be for a task that hangs at a named one, so it only counts when there is none
    if findings.iter().any(|(cause, _)| *cause != Cause::Unnamed) {
        findings.retain(|(cause, _)| *cause != Cause::Unnamed);
    }
    findings.sort_by_key(|(_, finding)| (std::cmp::Reverse(finding.tasks), finding.since_ms));
    let ours = findings.into_iter().map(|(_, finding)| finding);
    let of_programs = foreign::check(facts).into_iter().filter(|finding| finding.kind == FindingKind::Hang);
    ours.chain(of_programs).collect()
}

/// Tasks that wait for a peer behind a fault that is still active: no hang, but what the client waited for.
pub(super) fn behind_faults(facts: &Facts<'_>) -> Vec<Finding> {
    let groups = groups(facts).into_iter().filter(|group| group.cause == Cause::Fault);
    let of_programs = foreign::check(facts).into_iter().filter(|finding| finding.kind != FindingKind::Hang);
    groups.map(|group| group.finding(facts).1).chain(of_programs).collect()
}

/// Leaves with equal stacks.
struct Group<'a> {
    cause: Cause,
    site: &'a str,
    tasks: Vec<&'a Task>,
    circle: Vec<&'a Task>,
    behind: usize,
}

fn groups<'a>(facts: &'a Facts<'_>) -> Vec<Group<'a>> {
    let dump = facts.last_dump().filter(|dump| facts.never_ended() && dump.runtime.is_none());
    let Some(dump) = dump else { return vec![] };
    let mut groups: BTreeMap<(Cause, &str, Vec<&str>, u64), Group<'a>> = BTreeMap::new();
    for leaf in graph::leaves(facts, dump) {
        let (task, cause) = (leaf.tasks[0], cause(facts, &leaf));
        let site = site(task);
        let functions = task.frames.iter().map(|frame| frame.function.as_str()).collect();
        // a circle is one finding of its own
        let apart = if cause == Cause::Circle { task.id } else { 0 };
        let group = groups.entry((cause, site, functions, apart)).or_insert_with(|| Group {
            cause,
            site,
            tasks: vec![],
            circle: vec![],
            behind: 0,
        });
        group.behind += leaf.behind;
        if leaf.circle {
            group.circle.clone_from(&leaf.tasks);
        }
        group.tasks.extend(leaf.tasks);
    }
    groups.into_values().collect()
}

fn site(task: &Task) -> &str {
    task.wait.as_ref().map_or(UNNAMED, |wait| wait.site.as_str())
}

fn since_ms(task: &Task) -> u64 {
    task.wait.as_ref().map_or(task.polled_ms, |wait| wait.since_ms)
}

fn link_of<'a>(facts: &Facts<'a>, task: &Task) -> Option<&'a LinkInfo> {
    match &task.wait.as_ref()?.resource {
        Resource::Link { addr, .. } => facts.link_at(addr),
        _ => None,
    }
}

fn cause(facts: &Facts<'_>, leaf: &Leaf<'_>) -> Cause {
    let task = leaf.tasks[0];
    let Some(wait) = &task.wait else { return Cause::Unnamed };
    if leaf.circle || graph::targets(task).contains(&task.id) {
        return Cause::Circle;
    }
    let alive = |id: &u64| facts.last_dump().is_some_and(|dump| dump.tasks.iter().any(|task| task.id == *id));
    match &wait.resource {
        Resource::Link { .. } => match link_of(facts, task).and_then(|link| facts.fault_left_on(link)) {
            Some(_) => Cause::Fault,
            None => Cause::Peer,
        },
        Resource::Timer { .. } => Cause::Overdue,
        Resource::Channel { .. } | Resource::Lock { .. } | Resource::Join { .. } => {
            if graph::targets(task).iter().any(alive) { Cause::Idle } else { Cause::Gone }
        }
    }
}

impl Group<'_> {
    fn finding(self, facts: &Facts<'_>) -> (Cause, Finding) {
        let first =
            *self.tasks.iter().min_by_key(|task| (since_ms(task), task.id)).expect("a group has a task");
        let since_ms = since_ms(first);
        let age_ms = facts.end_ms.saturating_sub(since_ms);
        let links = self.links(facts);
        let link = links.first().map(|&(link, _)| link);
        let fault = match (self.cause, link) {
            (Cause::Fault, Some(link)) => facts.fault_left_on(link),
            _ => facts.fault_at(since_ms),
        };
        let site = self.site;
        let who = match self.tasks.len() {
            1 => format!("task {} `{}` waits", first.id, first.name),
            count => format!("{count} tasks wait"),
        };
        let place = link.map_or(String::new(), |link| match links.len() {
            1 => format!(" on {}", link.name),
            2 => format!(" on {} and one more link", link.name),
            more => format!(" on {} and {} more links", link.name, more - 1),
        });
        let why = self.why(facts, first, fault);
        let summary = format!("{who} at `{site}`{place} for {}: {why}", Span(age_ms));
        let kind = if self.cause == Cause::Fault { FindingKind::Progress } else { FindingKind::Hang };
        let found = Finding {
            wait_site: Some(site.to_owned()),
            task: Some(first.id),
            task_name: Some(first.name.clone()),
            tasks: self.tasks.len() as u64,
            age_ms: Some(age_ms),
            since_ms: Some(since_ms),
            link: link.map(|link| link.name.clone()),
            fault,
            evidence: evidence::lines(facts, first, &links, &self.circle, self.behind),
            ..finding(kind, summary)
        };
        (self.cause, found)
    }

    fn why(&self, facts: &Facts<'_>, task: &Task, fault: Option<usize>) -> String {
        match self.cause {
            Cause::Peer => "the peer is there, no fault is active, and nothing will wake it".into(),
            Cause::Circle if self.tasks.len() == 1 => "it waits for itself".into(),
            Cause::Circle => "they wait for one another (deadlock)".into(),
            Cause::Gone => "whoever could wake it is gone (lost wake-up)".into(),
            Cause::Idle => "whoever could wake it idles and has nothing to do".into(),
            Cause::Overdue => "its timer should have fired".into(),
            Cause::Unnamed => "an await without a name, and nothing has polled it".into(),
            Cause::Fault => {
                let fault = fault.map_or_else(|| "a fault".into(), |fault| facts.fault_text(fault));
                format!("{fault} was still active at the end, task {} could not go on", task.id)
            }
        }
    }

    /// The links that are waited for, that of most tasks first.
    fn links<'f>(&self, facts: &Facts<'f>) -> Vec<(&'f LinkInfo, usize)> {
        let mut links: BTreeMap<&str, (&LinkInfo, usize)> = BTreeMap::new();
        for link in self.tasks.iter().filter_map(|task| link_of(facts, task)) {
            links.entry(&link.name).or_insert((link, 0)).1 += 1;
        }
        let mut links: Vec<_> = links.into_values().collect();
        links.sort_by_key(|&(_, tasks)| std::cmp::Reverse(tasks));
        links
    }
}
