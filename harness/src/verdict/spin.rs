//! A task that is polled without end at one instant, so that the clock cannot move.

use unstuck_record::{EndReason, Event, Finding, FindingKind};

use super::{Facts, finding};

pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let spun = facts.run.events.iter().find_map(|event| match &event.what {
        Event::Spun { task, name, polls } => Some((event.at_ms, *task, name, *polls)),
        _ => None,
    });
    if let Some((at_ms, task, name, polls)) = spun {
        let summary = format!("task {task} `{name}` was polled {polls} times without the clock moving");
        return vec![Finding {
            wait_site: site_of(facts, task),
            task: Some(task),
            task_name: Some(name.clone()),
            tasks: 1,
            age_ms: Some(facts.end_ms.saturating_sub(at_ms)),
            since_ms: Some(at_ms),
            fault: facts.fault_at(at_ms),
            ..finding(FindingKind::Spin, summary)
        }];
    }
    if facts.run.end.as_ref().is_some_and(|end| end.reason == EndReason::Wedged) {
        return vec![Finding {
            since_ms: Some(facts.end_ms),
            fault: facts.fault_at(facts.end_ms),
            ..finding(
                FindingKind::Spin,
                "a task's poll never returned: it computes or blocks its thread without end",
            )
        }];
    }
    vec![]
}

fn site_of(facts: &Facts<'_>, task: u64) -> Option<String> {
    let task = facts.last_dump()?.tasks.iter().find(|other| other.id == task)?;
    task.wait.as_ref().map(|wait| wait.site.clone())
}
