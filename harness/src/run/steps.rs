//! The plan as steps in time: who is due when, and what is active.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;
use unstuck_net::Clock;
use unstuck_record::{Event, Evidence, PlannedFault};

use super::recorder::Recorder;
use super::setup::Setup;
use super::status::Status;
use super::world::{Active, World};
use crate::fault::{Injection, Plan};

/// The plan as steps in time: injections and heals.
pub(super) struct Steps {
    plan: Plan,
    start: Instant,
    /// By time; at one time heals come before injections, so that back-to-back faults do not overlap.
    due: BTreeSet<(Duration, bool, usize)>,
    active: BTreeMap<usize, Active>,
    /// First injection and last heal, as far as it is known when they come.
    span: Option<(Duration, Duration)>,
    /// The triggers that have fired.
    fired: BTreeSet<usize>,
}

impl Steps {
    pub(super) fn new(setup: &Setup, leads: u32) -> Self {
        let mut plan = setup.plan.scaled(setup.scale.by());
        for injection in &mut plan.injections {
            injection.lead_is_at(leads);
        }
        let mut due = BTreeSet::new();
        for (fault, one) in plan.injections.iter().enumerate().filter(|(_, one)| one.trigger.is_none()) {
            due.extend(steps(fault, one, Duration::ZERO));
        }
        let (first, last) = (plan.first_injection(), plan.last_heal());
        let begun = !due.is_empty();
        let span = begun.then_some((first, last));
        Self { plan, start: Instant::now(), due, active: BTreeMap::new(), span, fired: BTreeSet::new() }
    }

    /// What some of the faults wait for has happened, now.
    pub(super) fn fire(&mut self, trigger: usize, recorder: &Recorder, clock: &Clock) {
        recorder.event(clock.ms(), Event::TriggerFired { trigger });
        let now = self.start.elapsed();
        self.fired.insert(trigger);
        for (fault, one) in self.plan.injections.iter().enumerate() {
            if one.trigger == Some(trigger) {
                self.due.extend(steps(fault, one, now));
                let (from, to) = (now + one.start, now + one.end);
                self.span =
                    Some(self.span.map_or((from, to), |(first, last)| (first.min(from), last.max(to))));
            }
        }
    }

    /// From the first injection to the last heal, as far as it is known when they come.
    pub(super) fn span(&self) -> Duration {
        self.span.map_or(Duration::ZERO, |(first, last)| last.saturating_sub(first))
    }

    pub(super) fn planned(&self, world: &World) -> Vec<PlannedFault> {
        self.plan.injections.iter().map(|one| world.planned(one)).collect()
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        self.due.first().map(|(at, _, _)| self.start + *at)
    }

    pub(super) fn take_next(&mut self, world: &World, recorder: &Recorder, clock: &Clock, status: &Status) {
        let Some((_, inject, fault)) = self.due.pop_first() else { return };
        if inject {
            if self.plan.injections[fault].lead_is_at(world.cluster.pd_leader()) {
                let PlannedFault { links, nodes, .. } = world.planned(&self.plan.injections[fault]);
                recorder.event(clock.ms(), Event::FaultMoved { fault, links, nodes });
            }
            recorder.event(clock.ms(), Event::FaultInjected { fault });
            self.active.insert(fault, world.inject(fault, &self.plan.injections[fault]));
            status.tell(clock.ms(), format!("{} begins", self.name(fault, world)));
        } else {
            self.heal(fault, world, recorder, clock, status);
        }
        self.show(status);
    }

    fn heal(&mut self, fault: usize, world: &World, recorder: &Recorder, clock: &Clock, status: &Status) {
        if let Some(active) = self.active.remove(&fault) {
            drop(active);
            let evidence = world.evidence(fault);
            recorder.event(clock.ms(), Event::FaultHealed { fault, evidence });
            let effect = if evidence.touched() { "" } else { ", it has touched nothing" };
            status.tell(clock.ms(), format!("{} heals{effect}", self.name(fault, world)));
        }
    }

    /// `failure of lightning->tikv-2`
    fn name(&self, fault: usize, world: &World) -> String {
        let PlannedFault { kind, links, nodes, .. } = world.planned(&self.plan.injections[fault]);
        let place = if links.is_empty() { nodes } else { links };
        match &place[..] {
            [] => kind,
            [one] => format!("{kind} of {one}"),
            [first, rest @ ..] => format!("{kind} of {first} and {} more", rest.len()),
        }
    }

    /// Heals what is active and says what was not needed any more.
    pub(super) fn heal_all(&mut self, world: &World, recorder: &Recorder, clock: &Clock, status: &Status) {
        while let Some((&fault, _)) = self.active.first_key_value() {
            self.heal(fault, world, recorder, clock, status);
        }
        for (_, inject, fault) in std::mem::take(&mut self.due) {
            if inject {
                recorder.event(clock.ms(), Event::FaultNotNeeded { fault });
            }
        }
        for (fault, one) in self.plan.injections.iter().enumerate() {
            if one.trigger.is_some_and(|trigger| !self.fired.contains(&trigger)) {
                recorder.event(clock.ms(), Event::FaultNeverTriggered { fault });
            }
        }
        self.show(status);
    }

    pub(super) fn evidence(&self, world: &World) -> Vec<Evidence> {
        (0..self.plan.injections.len()).map(|fault| world.evidence(fault)).collect()
    }

    fn show(&self, status: &Status) {
        let kind = |fault: &usize| self.plan.injections[*fault].kind.clone();
        status.faults(self.active.keys().map(kind).collect());
    }
}

/// Injection and heal of a fault whose times count from `zero`.
fn steps(fault: usize, one: &Injection, zero: Duration) -> [(Duration, bool, usize); 2] {
    // a fault of no duration is healed after its injection all the same
    let end = one.end.max(one.start + Duration::from_millis(1));
    [(zero + one.start, true, fault), (zero + end, false, fault)]
}
