//! The rules in force on one link, and what they amount to together.
//!
//! Rules do not displace each other, they add up, as obstacles on one cable would:
//!
//! | of the active rules | direction |
//! |---|---|
//! | any `StallRead` | nothing is read from the sender |
//! | any `Blackhole` | nothing is handed to the receiver |
//! | every `Delay` | latencies add, jitters add |
//! | new connections | `Hang` over `Refuse` over `Pass`: a lost SYN never meets the host that would refuse it |
//!
//! The order in which rules come and go is of no consequence: without rules all is [`Flow::Pass`].

use std::time::Duration;

use crate::ledger::Cause;
use crate::rule::{Accept, Flow, Rule};

/// Sorted, without duplicates.
pub(crate) type Causes = Vec<Cause>;

/// What the active rules do to one direction. Each part names who asks for it: theirs is the evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gate {
    /// Nothing is handed to the receiver.
    pub(crate) hold: Causes,
    /// Nothing is read from the sender.
    pub(crate) stall: Causes,
    /// Chunks are late.
    pub(crate) delay: Causes,
    /// By how much.
    pub(crate) latency: Duration,
    /// The largest departure from `latency`.
    pub(crate) jitter: Duration,
}

/// What the active rules do to the link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Combined {
    pub(crate) up: Gate,
    pub(crate) down: Gate,
    pub(crate) accept: Accept,
    /// Who asks for `accept`; nobody if it passes.
    pub(crate) accept_causes: Causes,
}

/// The rules in force, each under a key of its own.
#[derive(Debug, Default)]
pub(crate) struct Active {
    next: u64,
    rules: Vec<(u64, Cause, Rule)>,
}

// === impl Active ===

impl Active {
    /// Adds a rule; the key takes it out again.
    pub(crate) fn add(&mut self, cause: Cause, rule: Rule) -> u64 {
        self.next += 1;
        self.rules.push((self.next, cause, rule));
        self.next
    }

    /// Takes a rule out.
    pub(crate) fn remove(&mut self, key: u64) {
        self.rules.retain(|(of, ..)| *of != key);
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// What they amount to.
    pub(crate) fn combined(&self) -> Combined {
        let mut all = Combined::default();
        for (_, cause, rule) in &self.rules {
            all.up.add(*cause, rule.up);
            all.down.add(*cause, rule.down);
            if severity(rule.accept) > severity(all.accept) {
                all.accept = rule.accept;
                all.accept_causes.clear();
            }
            if rule.accept == all.accept && rule.accept != Accept::Pass {
                insert(&mut all.accept_causes, *cause);
            }
        }
        all
    }
}

// === impl Gate ===

impl Gate {
    fn add(&mut self, cause: Cause, flow: Flow) {
        match flow {
            Flow::Pass => {}
            Flow::Blackhole => insert(&mut self.hold, cause),
            Flow::StallRead => insert(&mut self.stall, cause),
            Flow::Delay { latency, jitter } => {
                insert(&mut self.delay, cause);
                self.latency = self.latency.saturating_add(latency);
                self.jitter = self.jitter.saturating_add(jitter);
            }
        }
    }

    /// Nothing is handed to the receiver.
    pub(crate) fn holds(&self) -> bool {
        !self.hold.is_empty()
    }

    /// Nothing is read from the sender.
    pub(crate) fn stalls(&self) -> bool {
        !self.stall.is_empty()
    }

    /// Chunks are late.
    pub(crate) fn delays(&self) -> bool {
        !self.delay.is_empty()
    }
}

fn severity(accept: Accept) -> u8 {
    match accept {
        Accept::Pass => 0,
        Accept::Refuse => 1,
        Accept::Hang => 2,
    }
}

fn insert(causes: &mut Causes, cause: Cause) {
    if let Err(at) = causes.binary_search(&cause) {
        causes.insert(at, cause);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ledger::Cause::Fault;

    const MS: Duration = Duration::from_millis(1);

    fn up(flow: Flow) -> Rule {
        Rule { up: flow, ..Rule::default() }
    }

    #[test]
    fn no_rule_is_pass() {
        assert_eq!(Active::default().combined(), Combined::default());
    }

    #[test]
    fn blackhole_and_stall_act_on_the_two_ends_of_a_direction() {
        let mut active = Active::default();
        active.add(Fault(3), up(Flow::Blackhole));
        active.add(Fault(1), up(Flow::StallRead));
        active.add(Fault(1), up(Flow::Blackhole));
        let Combined { up, down, .. } = active.combined();
        assert_eq!((up.hold, up.stall), (vec![Fault(1), Fault(3)], vec![Fault(1)]));
        assert_eq!(down, Gate::default());
    }

    #[test]
    fn delays_add() {
        let mut active = Active::default();
        active.add(Fault(0), up(Flow::Delay { latency: 30 * MS, jitter: MS }));
        active.add(Fault(1), up(Flow::Delay { latency: 12 * MS, jitter: 2 * MS }));
        let gate = active.combined().up;
        assert_eq!((gate.latency, gate.jitter, gate.delay), (42 * MS, 3 * MS, vec![Fault(0), Fault(1)]));
        let longest = Flow::Delay { latency: Duration::MAX, jitter: Duration::MAX };
        active.add(Fault(2), up(longest));
        assert_eq!(active.combined().up.latency, Duration::MAX, "they saturate");
    }

    #[test]
    fn a_hang_wins_over_a_refusal_and_leaves_it_to_its_fault() {
        let mut active = Active::default();
        let refuse = active.add(Fault(0), Rule { accept: Accept::Refuse, ..Rule::default() });
        let hang = active.add(Fault(1), Rule { accept: Accept::Hang, ..Rule::default() });
        let all = active.combined();
        assert_eq!((all.accept, all.accept_causes), (Accept::Hang, vec![Fault(1)]));
        active.remove(hang);
        let all = active.combined();
        assert_eq!((all.accept, all.accept_causes), (Accept::Refuse, vec![Fault(0)]));
        active.remove(refuse);
        assert_eq!(active.combined(), Combined::default());
    }

    fn any_rule() -> impl Strategy<Value = Rule> {
        let flow = || {
            prop_oneof![
                Just(Flow::Pass),
                Just(Flow::Blackhole),
                Just(Flow::StallRead),
                (0u32..90, 0u32..9).prop_map(|(l, j)| Flow::Delay { latency: l * MS, jitter: j * MS }),
            ]
        };
        let accept = prop_oneof![Just(Accept::Pass), Just(Accept::Refuse), Just(Accept::Hang)];
        (flow(), flow(), accept).prop_map(|(up, down, accept)| Rule { up, down, accept, ..Rule::default() })
    }

    proptest! {
        #[test]
        fn order_is_of_no_consequence_and_taking_all_out_leaves_pass(
            rules in proptest::collection::vec((0usize..4, any_rule()), 0..8),
            turn in 0usize..8,
        ) {
            let (mut one, mut other) = (Active::default(), Active::default());
            let mut turned = rules.clone();
            if !turned.is_empty() {
                let by = turn % turned.len();
                turned.rotate_left(by);
            }
            let mut keys: Vec<_> = rules.iter().map(|(fault, rule)| one.add(Fault(*fault), *rule)).collect();
            for (fault, rule) in turned {
                other.add(Fault(fault), rule);
            }
            prop_assert_eq!(one.combined(), other.combined());
            if !keys.is_empty() {
                let by = turn % keys.len();
                keys.rotate_left(by);
            }
            for key in keys {
                one.remove(key);
            }
            prop_assert_eq!(one.combined(), Combined::default());
        }
    }
}
