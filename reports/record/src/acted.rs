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
    /// When fault `index` is due: as planned, or from the moment at which it was injected if it waits for a trigger. `None` if
    /// it waits in vain, or the plan has no such fault.
    pub fn due(&self, index: usize) -> Option<Window> {
        let planned = self.header.plan.get(index)?;
        if planned.trigger.is_none() {
            return Some(Window { start_ms: planned.start_ms, end_ms: planned.end_ms });
        }
        let injected = |event: &Event| matches!(event, Event::FaultInjected { fault } if *fault == index);
        let start_ms = self.events.iter().find(|event| injected(&event.what))?.at_ms;
        let length = planned.end_ms.saturating_sub(planned.start_ms);
        Some(Window { start_ms, end_ms: start_ms.saturating_add(length) })
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
