//! Which rule and which effect a fault type is made of.
//!
//! | fault | live connections | new connections | the node |
//! |---|---|---|---|
//! | failure | closed | refused | stopped |
//! | kill | closed | hang, at a store's old address for ever | stopped; a store comes back elsewhere |
//! | freeze | open, never answered | made, never answered | stands still |
//! | transfer_leader | as before | as before | its leads move |
//! | scale_out | as before | as before | a store joins and takes regions |
//! | region_split, region_merge | as before | as before | the regions that it leads become two, or one |
//! | network_partition between nodes | as before | as before | does not hear its peers |
//! | network_partition | silent, per direction | hang | alive |
//! | network_partition, rejecting | reset | refused | alive |
//! | blackhole | silent, per direction | made, then silent | alive |
//! | stall_read | the node reads nothing more | made, then not read | alive |
//! | reset, close | reset, closed, once | as before | alive |
//! | refuse, connect_hang | as before | refused, hang | alive |
//! | network_delay | late, per direction | late | alive |
//! | io_delay, io_hang, busy, not_leader, … | as before | as before | answers otherwise |

use crate::scenario::{Direction, FaultType, Then};

use super::{Accept, Flow, NodeEffect, OnHeal, OnInject, Rule};

/// What the proxies of the links do, and what happens to the nodes. "Up" is from the client, which is the source of
/// every link selector.
pub fn actions(fault: &FaultType) -> (Rule, Option<NodeEffect>) {
    let pass = Rule::default();
    let rule = match *fault {
        FaultType::Failure => {
            let rule = Rule { accept: Accept::Refuse, inject: OnInject::Close, ..pass };
            return (rule, Some(NodeEffect::Stop));
        }
        FaultType::Kill => {
            let rule = Rule { accept: Accept::Hang, inject: OnInject::Close, ..pass };
            return (rule, Some(NodeEffect::Kill));
        }
        FaultType::ScaleOut => return (pass, Some(NodeEffect::Join)),
        FaultType::Freeze => return (pass, Some(NodeEffect::Freeze)),
        FaultType::TransferLeader => return (pass, Some(NodeEffect::TransferLead)),
        FaultType::RegionSplit => return (pass, Some(NodeEffect::Split)),
        FaultType::RegionMerge => return (pass, Some(NodeEffect::Merge)),
        FaultType::NetworkPartition { reject: true, .. } => {
            Rule { accept: Accept::Refuse, inject: OnInject::Reset, ..pass }
        }
        FaultType::NetworkPartition { direction, reject: false } => {
            Rule { accept: Accept::Hang, ..flows(direction, Flow::Blackhole) }
        }
        FaultType::Blackhole { direction } => flows(direction, Flow::Blackhole),
        FaultType::StallRead { then } => {
            let heal = match then {
                Then::Resume => OnHeal::Resume,
                Then::Close => OnHeal::Close,
                Then::Reset => OnHeal::Reset,
            };
            Rule { up: Flow::StallRead, heal, ..pass }
        }
        FaultType::Reset => Rule { inject: OnInject::Reset, ..pass },
        FaultType::Close => Rule { inject: OnInject::Close, ..pass },
        FaultType::Refuse => Rule { accept: Accept::Refuse, ..pass },
        FaultType::ConnectHang => Rule { accept: Accept::Hang, ..pass },
        FaultType::NetworkDelay { direction, latency, jitter } => {
            flows(direction, Flow::Delay { latency, jitter })
        }
        FaultType::Answer { ref script, .. } => return (pass, Some(NodeEffect::Answer(script.clone()))),
    };
    (rule, None)
}

/// The same for a fault between nodes: what the proxies of the client's links to its source do, where the client is one of
/// the targets. "Up" is to the source.
pub fn between(fault: &FaultType, client_too: bool) -> (Rule, Option<NodeEffect>) {
    let FaultType::NetworkPartition { direction, .. } = fault else { return actions(fault) };
    let seen_from_the_client = match direction {
        Direction::To => Direction::From,
        Direction::From => Direction::To,
        Direction::Both => Direction::Both,
    };
    let rule = Rule { accept: Accept::Hang, ..flows(seen_from_the_client, Flow::Blackhole) };
    (if client_too { rule } else { Rule::default() }, Some(NodeEffect::Partition(*direction)))
}

fn flows(direction: Direction, flow: Flow) -> Rule {
    let (up, down) = match direction {
        Direction::To => (flow, Flow::Pass),
        Direction::From => (Flow::Pass, flow),
        Direction::Both => (flow, flow),
    };
    Rule { up, down, ..Rule::default() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_fault_type_does_what_the_table_says() {
        let pass = Rule::default;
        let silent = Flow::Blackhole;
        let late = Flow::Delay { latency: Duration::from_millis(364), jitter: Duration::ZERO };
        let partition = |direction, reject| FaultType::NetworkPartition { direction, reject };
        let delay = |direction| FaultType::NetworkDelay {
            direction,
            latency: Duration::from_millis(364),
            jitter: Duration::ZERO,
        };
        for (fault, rule) in [
            (FaultType::Failure, Rule { accept: Accept::Refuse, inject: OnInject::Close, ..pass() }),
            (FaultType::Kill, Rule { accept: Accept::Hang, inject: OnInject::Close, ..pass() }),
            (
                partition(Direction::Both, false),
                Rule { up: silent, down: silent, accept: Accept::Hang, ..pass() },
            ),
            (partition(Direction::To, false), Rule { up: silent, accept: Accept::Hang, ..pass() }),
            (partition(Direction::From, false), Rule { down: silent, accept: Accept::Hang, ..pass() }),
            (
                partition(Direction::Both, true),
                Rule { accept: Accept::Refuse, inject: OnInject::Reset, ..pass() },
            ),
            (
                FaultType::Blackhole { direction: Direction::Both },
                Rule { up: silent, down: silent, ..pass() },
            ),
            (FaultType::Blackhole { direction: Direction::From }, Rule { down: silent, ..pass() }),
            (FaultType::StallRead { then: Then::Resume }, Rule { up: Flow::StallRead, ..pass() }),
            (
                FaultType::StallRead { then: Then::Close },
                Rule { up: Flow::StallRead, heal: OnHeal::Close, ..pass() },
            ),
            (
                FaultType::StallRead { then: Then::Reset },
                Rule { up: Flow::StallRead, heal: OnHeal::Reset, ..pass() },
            ),
            (FaultType::Reset, Rule { inject: OnInject::Reset, ..pass() }),
            (FaultType::Close, Rule { inject: OnInject::Close, ..pass() }),
            (FaultType::Refuse, Rule { accept: Accept::Refuse, ..pass() }),
            (FaultType::ConnectHang, Rule { accept: Accept::Hang, ..pass() }),
            (delay(Direction::Both), Rule { up: late, down: late, ..pass() }),
            (delay(Direction::To), Rule { up: late, ..pass() }),
        ] {
            let effect = match fault {
                FaultType::Failure => Some(NodeEffect::Stop),
                FaultType::Kill => Some(NodeEffect::Kill),
                _ => None,
            };
            assert_eq!(actions(&fault), (rule, effect), "{fault:?}");
        }
    }
}
