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

use crate::fault::{Accept, Flow, Rule};

/// Indices of faults, sorted, without duplicates.
pub(super) type Faults = Vec<usize>;

/// What the active rules do to one direction. Each part names the faults that ask for it: theirs is the evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Gate {
    /// Nothing is handed to the receiver.
    pub(super) hold: Faults,
    /// Nothing is read from the sender.
    pub(super) stall: Faults,
    /// Chunks are late.
    pub(super) delay: Faults,
    /// By how much.
    pub(super) latency: Duration,
    /// The largest departure from `latency`.
    pub(super) jitter: Duration,
}

/// What the active rules do to the link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Combined {
    pub(super) up: Gate,
    pub(super) down: Gate,
    pub(super) accept: Accept,
    /// The faults that ask for `accept`; none if it passes.
    pub(super) accept_faults: Faults,
}

/// The rules in force, each under a key of its own.
#[derive(Debug, Default)]
pub(super) struct Active {
    next: u64,
    rules: Vec<(u64, usize, Rule)>,
}

// === impl Active ===

impl Active {
    /// Adds a rule; the key takes it out again.
    pub(super) fn add(&mut self, fault: usize, rule: Rule) -> u64 {
        self.next += 1;
        self.rules.push((self.next, fault, rule));
        self.next
    }

    /// Takes a rule out.
    pub(super) fn remove(&mut self, key: u64) {
        self.rules.retain(|(of, ..)| *of != key);
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    /// What they amount to.
    pub(super) fn combined(&self) -> Combined {
        let mut all = Combined::default();
        for (_, fault, rule) in &self.rules {
            all.up.add(*fault, rule.up);
            all.down.add(*fault, rule.down);
            if severity(rule.accept) > severity(all.accept) {
                all.accept = rule.accept;
                all.accept_faults.clear();
            }
            if rule.accept == all.accept && rule.accept != Accept::Pass {
                insert(&mut all.accept_faults, *fault);
            }
        }
        all
    }
}

// === impl Gate ===

impl Gate {
    fn add(&mut self, fault: usize, flow: Flow) {
        match flow {
            Flow::Pass => {}
            Flow::Blackhole => insert(&mut self.hold, fault),
            Flow::StallRead => insert(&mut self.stall, fault),
            Flow::Delay { latency, jitter } => {
                insert(&mut self.delay, fault);
                self.latency = self.latency.saturating_add(latency);
                self.jitter = self.jitter.saturating_add(jitter);
            }
        }
    }

    /// Nothing is handed to the receiver.
    pub(super) fn holds(&self) -> bool {
        !self.hold.is_empty()
    }

    /// Nothing is read from the sender.
    pub(super) fn stalls(&self) -> bool {
        !self.stall.is_empty()
    }

    /// Chunks are late.
    pub(super) fn delays(&self) -> bool {
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

fn insert(faults: &mut Faults, fault: usize) {
    if let Err(at) = faults.binary_search(&fault) {
        faults.insert(at, fault);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
        active.add(3, up(Flow::Blackhole));
        active.add(1, up(Flow::StallRead));
        active.add(1, up(Flow::Blackhole));
        let Combined { up, down, .. } = active.combined();
        assert_eq!((up.hold, up.stall), (vec![1, 3], vec![1]));
        assert_eq!(down, Gate::default());
    }

    #[test]
    fn delays_add() {
        let mut active = Active::default();
        active.add(0, up(Flow::Delay { latency: 30 * MS, jitter: MS }));
        active.add(1, up(Flow::Delay { latency: 12 * MS, jitter: 2 * MS }));
        let gate = active.combined().up;
        assert_eq!((gate.latency, gate.jitter, gate.delay), (42 * MS, 3 * MS, vec![0, 1]));
        let longest = Flow::Delay { latency: Duration::MAX, jitter: Duration::MAX };
        active.add(2, up(longest));
        assert_eq!(active.combined().up.latency, Duration::MAX, "they saturate");
    }

    #[test]
    fn a_hang_wins_over_a_refusal_and_leaves_it_to_its_fault() {
        let mut active = Active::default();
        let refuse = active.add(0, Rule { accept: Accept::Refuse, ..Rule::default() });
        let hang = active.add(1, Rule { accept: Accept::Hang, ..Rule::default() });
        let all = active.combined();
        assert_eq!((all.accept, all.accept_faults), (Accept::Hang, vec![1]));
        active.remove(hang);
        let all = active.combined();
        assert_eq!((all.accept, all.accept_faults), (Accept::Refuse, vec![0]));
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
            let mut keys: Vec<_> = rules.iter().map(|(fault, rule)| one.add(*fault, *rule)).collect();
            for (fault, rule) in turned {
                other.add(fault, rule);
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
