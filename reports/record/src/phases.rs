//! The three phases of a run: steady until the first fault, fault until the last heal, recovery from then on. What is demanded
//! of each, and how each was.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Event, Run};

/// A phase of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// From the client's start to the first injection.
    Steady,
    /// From the first injection to the last heal, the pauses between faults included.
    Fault,
    /// From the last heal to the end.
    Recovery,
}

/// What is demanded of the phases; nothing of those that are not named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Demands {
    /// Work in the steady phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steady: Option<Demand>,
    /// Work while faults come and go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Demand>,
    /// Work after the last heal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Demand>,
    /// How soon after the last heal there is new progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumes_within_ms: Option<u64>,
}

/// At least so much work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Demand {
    /// So many units.
    Units(u64),
    /// A share of all work.
    Percent(u8),
}

/// A phase as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Which.
    pub phase: Phase,
    /// When it began, in milliseconds since the client's start.
    pub from_ms: u64,
    /// When it was over.
    pub to_ms: u64,
    /// Units done in it.
    pub units: u64,
    /// Units that were left to do when it began; `None` if nobody says how many there are.
    pub left: Option<u64>,
}

// === impl Phase ===

impl Phase {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Fault => "fault",
            Self::Recovery => "recovery",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

// === impl Demands ===

impl Demands {
    /// Whether nothing is demanded.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The work that is demanded of a phase.
    pub fn of(&self, phase: Phase) -> Option<Demand> {
        match phase {
            Phase::Steady => self.steady,
            Phase::Fault => self.fault,
            Phase::Recovery => self.recovery,
        }
    }
}

// === impl Demand ===

impl Demand {
    /// The units that it comes to of so many, rounded up. A share of an unknown number is nothing known.
    pub fn units(self, total: u64) -> Option<u64> {
        match self {
            Self::Units(units) => Some(units),
            Self::Percent(_) if total == 0 => None,
            Self::Percent(share) => {
                let units = (u128::from(total) * u128::from(share)).div_ceil(100);
                Some(u64::try_from(units).unwrap_or(u64::MAX))
            }
        }
    }
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Units(units) => write!(f, "{units}"),
            Self::Percent(share) => write!(f, "{share}%"),
        }
    }
}

// === impl Run ===

impl Run {
    /// The phases that there were, in order.
    pub fn phases(&self) -> Vec<Passed> {
        let last = self.samples.iter().map(|sample| sample.at_ms).max().unwrap_or(0);
        let end_ms = self.end.as_ref().map_or(last, |end| end.at_ms);
        let Some(first) = self.events.iter().find(|event| matches!(event.what, Event::FaultInjected { .. }))
        else {
            return vec![self.passed(Phase::Steady, 0, end_ms)];
        };
        let mut phases = vec![self.passed(Phase::Steady, 0, first.at_ms)];
        match self.last_heal_ms(end_ms) {
            Some(healed) => {
                phases.push(self.passed(Phase::Fault, first.at_ms, healed));
                phases.push(self.passed(Phase::Recovery, healed, end_ms));
            }
            None => phases.push(self.passed(Phase::Fault, first.at_ms, end_ms)),
        }
        phases
    }

    /// How long after the last heal new progress was first seen, in milliseconds; `None` if it was not, or no such heal.
    pub fn resumed_ms(&self) -> Option<u64> {
        let recovery = self.phases().into_iter().find(|passed| passed.phase == Phase::Recovery)?;
        let before = self.unique_at(recovery.from_ms);
        let grown =
            self.samples.iter().filter(|sample| sample.at_ms > recovery.from_ms && sample.unique > before);
        grown.map(|sample| sample.at_ms - recovery.from_ms).min()
    }

    /// Whether a sample shows that there was no new progress within `limit_ms` of the last heal. One that was taken sooner
    /// shows nothing: the client has the benefit of the doubt.
    pub fn resumed_late(&self, limit_ms: u64) -> bool {
        let phases = self.phases();
        let Some(recovery) = phases.iter().find(|passed| passed.phase == Phase::Recovery) else {
            return false;
        };
        let before = self.unique_at(recovery.from_ms);
        let limit_ms = recovery.from_ms.saturating_add(limit_ms);
        self.samples.iter().any(|sample| sample.at_ms >= limit_ms && sample.unique <= before)
    }

    fn passed(&self, phase: Phase, from_ms: u64, to_ms: u64) -> Passed {
        let total = self.total();
        let (before, after) = (self.unique_at(from_ms), self.unique_at(to_ms));
        let left = (total > 0).then(|| total.saturating_sub(before));
        Passed { phase, from_ms, to_ms, units: after.saturating_sub(before), left }
    }

    /// How much there is to do.
    pub fn total(&self) -> u64 {
        self.samples.iter().map(|sample| sample.total).max().unwrap_or(0)
    }

    fn unique_at(&self, ms: u64) -> u64 {
        let until = self.samples.iter().filter(|sample| sample.at_ms <= ms);
        until.map(|sample| sample.unique).max().unwrap_or(0)
    }

    /// When the last fault healed by the plan; a heal at the very end is the clearing up.
    fn last_heal_ms(&self, end_ms: u64) -> Option<u64> {
        let mut active = 0_i64;
        let mut healed = None;
        for event in &self.events {
            match event.what {
                Event::FaultInjected { .. } => active += 1,
                Event::FaultHealed { .. } if event.at_ms < end_ms => {
                    active -= 1;
                    healed = Some(event.at_ms);
                }
                _ => {}
            }
        }
        healed.filter(|_| active <= 0)
    }
}
