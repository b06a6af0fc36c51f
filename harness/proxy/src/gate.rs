//! The rules in force on one link, and what they amount to together.
//!
//! Rules do not displace each other, they add up, as obstacles on one cable would:
//!
//! | of the active rules | direction |
//! |---|---|
//! | any `StallRead` | nothing is read from the sender |
//! | any `Blackhole` | nothing is handed to the receiver |
//! | every `Delay` | is a toxic of its own ([`latency`](crate::toxic::latency)): latencies add |
//! | new connections | `Hang` over `Refuse` over `Pass`: a lost SYN never meets the host that would refuse it |
//!
//! The order in which rules come and go is of no consequence: without rules all is [`Flow::Pass`].

use crate::ledger::Cause;
use crate::rule::{Accept, Flow, Rule};
use crate::toxic::{Door, InForce};

/// Sorted, without duplicates.
pub(crate) type Causes = Vec<Cause>;

/// What the active rules do to one direction. Each part names who asks for it: theirs is the evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gate {
    /// Nothing is handed to the receiver.
    pub(crate) hold: Causes,
    /// Nothing is read from the sender.
    pub(crate) stall: Causes,
}

/// What the active rules do to the link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Combined {
    pub(crate) up: Gate,
    pub(crate) down: Gate,
    pub(crate) accept: Accept,
    /// Connects are to hang as they do when SYNs are lost, if the world can.
    pub(crate) drop_syn: bool,
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
    pub(crate) fn add(&mut self, cause: Cause, rule: &Rule) -> u64 {
        self.next += 1;
        self.rules.push((self.next, cause, rule.clone()));
        self.next
    }

    /// Takes a rule out.
    pub(crate) fn remove(&mut self, key: u64) {
        self.rules.retain(|(of, ..)| *of != key);
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// What they amount to, together with those of `toxics` that stand at the door.
    pub(crate) fn combined<'a>(&self, toxics: impl Iterator<Item = &'a InForce>) -> Combined {
        let mut all = Combined::default();
        for (_, cause, rule) in &self.rules {
            all.up.add(*cause, rule.up);
            all.down.add(*cause, rule.down);
            all.add_accept(*cause, rule.accept);
        }
        for toxic in toxics {
            match toxic.toxic.door() {
                Some(Door::Refuse) => all.add_accept(toxic.cause, Accept::Refuse),
                Some(Door::Hang) => {
                    all.add_accept(toxic.cause, Accept::Hang);
                    all.drop_syn = true;
                }
                None => {}
            }
        }
        all
    }
}

// === impl Combined ===

impl Combined {
    fn add_accept(&mut self, cause: Cause, accept: Accept) {
        if severity(accept) > severity(self.accept) {
            self.accept = accept;
            self.accept_causes.clear();
        }
        if accept == self.accept && accept != Accept::Pass {
            insert(&mut self.accept_causes, cause);
        }
    }
}

// === impl Gate ===

impl Gate {
    fn add(&mut self, cause: Cause, flow: Flow) {
        match flow {
            Flow::Pass | Flow::Delay { .. } => {}
            Flow::Blackhole => insert(&mut self.hold, cause),
            Flow::StallRead => insert(&mut self.stall, cause),
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

    fn up(flow: Flow) -> Rule {
        Rule { up: flow, ..Rule::default() }
    }

    #[test]
    fn no_rule_is_pass() {
        assert_eq!(Active::default().combined(std::iter::empty()), Combined::default());
    }

    #[test]
    fn blackhole_and_stall_act_on_the_two_ends_of_a_direction() {
        let mut active = Active::default();
        active.add(Fault(3), &up(Flow::Blackhole));
        active.add(Fault(1), &up(Flow::StallRead));
        active.add(Fault(1), &up(Flow::Blackhole));
        let Combined { up, down, .. } = active.combined(std::iter::empty());
        assert_eq!((up.hold, up.stall), (vec![Fault(1), Fault(3)], vec![Fault(1)]));
        assert_eq!(down, Gate::default());
    }

    #[test]
    fn a_hang_wins_over_a_refusal_and_leaves_it_to_its_fault() {
        let mut active = Active::default();
        let refuse = active.add(Fault(0), &Rule { accept: Accept::Refuse, ..Rule::default() });
        let hang = active.add(Fault(1), &Rule { accept: Accept::Hang, ..Rule::default() });
        let all = active.combined(std::iter::empty());
        assert_eq!((all.accept, all.accept_causes), (Accept::Hang, vec![Fault(1)]));
        active.remove(hang);
        let all = active.combined(std::iter::empty());
        assert_eq!((all.accept, all.accept_causes), (Accept::Refuse, vec![Fault(0)]));
        active.remove(refuse);
        assert_eq!(active.combined(std::iter::empty()), Combined::default());
    }

    fn any_rule() -> impl Strategy<Value = Rule> {
        let flow = || prop_oneof![Just(Flow::Pass), Just(Flow::Blackhole), Just(Flow::StallRead),];
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
            let mut keys: Vec<_> = rules.iter().map(|(fault, rule)| one.add(Fault(*fault), rule)).collect();
            for (fault, rule) in turned {
                other.add(Fault(fault), &rule);
            }
            prop_assert_eq!(one.combined(std::iter::empty()), other.combined(std::iter::empty()));
            if !keys.is_empty() {
                let by = turn % keys.len();
                keys.rotate_left(by);
            }
            for key in keys {
                one.remove(key);
            }
            prop_assert_eq!(one.combined(std::iter::empty()), Combined::default());
        }
    }
}
