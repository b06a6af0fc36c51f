//! When the faults of a plan really acted.

use crate::{Event, Run};

/// When a fault acts: as it did, where that is known, else as planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Injection, in milliseconds since the client's start.
    pub start_ms: u64,
    /// Heal, likewise.
    pub end_ms: u64,
}

impl Run {
    /// When fault `index` is due: as planned, or from the moment at which it was injected if it waits for a trigger; if others carry
    /// it out, as they did. `None` if it waits in vain, or the plan has no such fault.
    pub fn due(&self, index: usize) -> Option<Window> {
        let planned = self.header.plan.get(index)?;
        let as_planned = Window { start_ms: planned.start_ms, end_ms: planned.end_ms };
        let elsewhere = self.is_elsewhere(index);
        if planned.trigger.is_none() && !elsewhere {
            return Some(as_planned);
        }
        let injected = |event: &Event| matches!(event, Event::FaultInjected { fault } if *fault == index);
        let healed = |event: &Event| matches!(event, Event::FaultHealed { fault, .. } if *fault == index);
        let Some(injected) = self.events.iter().find(|event| injected(&event.what)) else {
            return planned.trigger.is_none().then_some(as_planned);
        };
        let start_ms = injected.at_ms;
        let end_ms = start_ms.saturating_add(planned.end_ms.saturating_sub(planned.start_ms));
        let healed = self.events.iter().find(|event| elsewhere && healed(&event.what));
        Some(Window { start_ms, end_ms: healed.map_or(end_ms, |healed| healed.at_ms.max(start_ms)) })
    }

    /// Whether others carry fault `index` out, as the record says at its heal or at its end.
    fn is_elsewhere(&self, index: usize) -> bool {
        let at_the_end = self.end.as_ref().and_then(|end| end.evidence.get(index)).copied();
        let at_the_heal = self.events.iter().find_map(|event| match event.what {
            Event::FaultHealed { fault, evidence } if fault == index => Some(evidence),
            _ => None,
        });
        at_the_end.or(at_the_heal).is_some_and(|evidence| evidence.elsewhere.is_some())
    }

    /// What fault `index` waits for, in words.
    pub fn trigger(&self, index: usize) -> Option<&str> {
        let trigger = self.header.plan.get(index)?.trigger?;
        Some(self.header.triggers.get(trigger).map_or("", String::as_str))
    }

    /// Whether the run ended before what fault `index` waits for.
    pub fn never_triggered(&self, index: usize) -> bool {
        let never = |event: &Event| matches!(event, Event::FaultNeverTriggered { fault } if *fault == index);
        self.header.plan.get(index).is_some_and(|planned| planned.trigger.is_some())
            && self.events.iter().any(|event| never(&event.what))
    }
}
