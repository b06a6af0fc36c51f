//! The plan as a timeline: when each fault acted, on what, and what it touched.

use std::fmt::Write as _;

use unstuck_record::{Event, Evidence, PlannedFault, Run, Span};

use crate::text::{clean, wrap};

/// The width of the timeline in characters.
const COLUMNS: u64 = 40;
/// So many faults are drawn; a nightly plan may have hundreds.
const DRAWN: usize = 20;

pub(super) fn draw(out: &mut String, run: &Run, end_ms: u64, width: usize) {
    let plan = &run.header.plan;
    if plan.is_empty() {
        out.push_str("  no faults\n");
        return;
    }
    let full = end_ms.max(1);
    for index in 0..plan.len().min(DRAWN) {
        let column = |ms: u64| (u128::from(ms.min(full)) * u128::from(COLUMNS) / u128::from(full)) as u64;
        let mark = match run.due(index) {
            None => '.',
            Some(_) if was_injected(run, index) => '#',
            Some(_) => '-',
        };
        let (from, to) =
            run.due(index).map_or((0, 0), |due| (column(due.start_ms).min(COLUMNS - 1), column(due.end_ms)));
        let bar: String =
            (0..COLUMNS).map(|at| if at >= from && at < to.max(from + 1) { mark } else { '.' }).collect();
        let text = planned(run, index);
        wrap(out, width, &format!("  |{bar}| "), &text);
    }
    if plan.len() > DRAWN {
        let _infallible = writeln!(out, "  and {} more faults", plan.len() - DRAWN);
    }
}

/// What fault `index` was, when and on what, and what it touched.
pub(crate) fn planned(run: &Run, index: usize) -> String {
    let name = named(&run.header.plan[index]);
    let when = run.trigger(index).map_or(String::new(), |trigger| format!(", at {}", clean(trigger)));
    let times = run
        .due(index)
        .map_or(String::new(), |due| format!(", {} to {}", Span(due.start_ms), Span(due.end_ms)));
    format!("{name}{when}{times}: {}", effect(run, index))
}

/// `failure on tikv-3`
pub(crate) fn named(fault: &PlannedFault) -> String {
    let on = if fault.nodes.is_empty() { &fault.links } else { &fault.nodes };
    format!("{} on {}", clean(&fault.kind), clean(&on.join(", ")))
}

/// When a fault acted: as it was, where that differs from the plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acted {
    pub(crate) injected: bool,
    pub(crate) start_ms: u64,
    pub(crate) end_ms: u64,
}

impl Acted {
    pub(crate) fn of(run: &Run, index: usize) -> Self {
        let at = |found: fn(&Event, usize) -> bool| {
            run.events.iter().find(|event| found(&event.what, index)).map(|event| event.at_ms)
        };
        let start = at(|event, index| matches!(event, Event::FaultInjected { fault } if *fault == index));
        let end = at(|event, index| matches!(event, Event::FaultHealed { fault, .. } if *fault == index));
        let due = run.due(index);
        // one that waits in vain is drawn where the run ends
        let last = if due.is_none() { super::end_ms(run) } else { 0 };
        Self {
            injected: start.is_some(),
            start_ms: start.or(due.map(|due| due.start_ms)).unwrap_or(last),
            end_ms: end.or(due.map(|due| due.end_ms)).unwrap_or(last),
        }
    }
}

/// What a fault of the plan came to, in words.
pub(crate) fn effect(run: &Run, index: usize) -> String {
    let not_needed = |event: &Event| matches!(*event, Event::FaultNotNeeded { fault } if fault == index);
    if run.events.iter().any(|event| not_needed(&event.what)) {
        return "not needed, the client had ended".into();
    }
    if run.never_triggered(index) {
        return "never triggered".into();
    }
    if !was_injected(run, index) {
        return "not injected".into();
    }
    touched(evidence(run, index))
}

fn was_injected(run: &Run, index: usize) -> bool {
    run.events.iter().any(|event| matches!(event.what, Event::FaultInjected { fault } if fault == index))
}

/// What a fault touched: from the end of the record, else from its heal.
pub(crate) fn evidence(run: &Run, index: usize) -> Evidence {
    let healed = run.events.iter().rev().find_map(|event| match event.what {
        Event::FaultHealed { fault, evidence } if fault == index => Some(evidence),
        _ => None,
    });
    let at_the_end = run.end.as_ref().and_then(|end| end.evidence.get(index).copied());
    at_the_end.or(healed).unwrap_or_default()
}

fn touched(evidence: Evidence) -> String {
    let Evidence { bytes, delayed, closed, refused, answers, counted, elsewhere } = evidence;
    let parts = [
        (closed, "connections closed"),
        (refused, "connects refused or left hanging"),
        (bytes, "bytes held or dropped"),
        (delayed, "chunks delayed"),
        (answers, "answers changed"),
        (counted, "counted by its metric"),
    ];
    let told: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    match (told.is_empty(), elsewhere) {
        (false, _) => told.join(", "),
        (true, None) => "touched nothing".into(),
        (true, Some(0)) => "by the plan, nobody saw it".into(),
        (true, Some(1)) => "in force on 1 target, what it touched nobody saw".into(),
        (true, Some(targets)) => format!("in force on {targets} targets, what it touched nobody saw"),
    }
}
