//! Which rule and which effect a fault type is made of.
//!
//! What each word does to live connections, to new ones and to the node is in the table of words
//! ([`words`](crate::scenario::fault_type::words)), of which docs/faults.md is made.

use unstuck_proxy::Toxic;
use unstuck_proxy::toxic::Stream;

use crate::scenario::{Direction, FaultType, Then};

use super::resolve::ClientAt;
use super::{Accept, ContainerFault, Flow, NodeEffect, OnHeal, OnInject, Rule};

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
        FaultType::ScaleIn => return (pass, Some(NodeEffect::Leave)),
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
        FaultType::Network { direction, ref netem, .. } => {
            let kinds = netem.kinds();
            let one = |stream| kinds.iter().map(move |kind| Toxic { stream, ..Toxic::new(kind.clone()) });
            Rule { toxics: streams(direction).iter().flat_map(|stream| one(*stream)).collect(), ..pass }
        }
        FaultType::Toxic { direction, ref toxic, .. } => {
            let one = |stream: &Stream| Toxic { stream: *stream, ..Toxic::clone(toxic) };
            Rule { toxics: streams(direction).iter().map(one).collect(), ..pass }
        }
        FaultType::Pause => return (pass, Some(NodeEffect::Container(ContainerFault::Pause))),
        FaultType::NetworkDisconnect => {
            return (pass, Some(NodeEffect::Container(ContainerFault::Disconnect)));
        }
        FaultType::SynDrop => return (pass, Some(NodeEffect::Container(ContainerFault::DropSyn))),
        FaultType::Answer { ref script, .. } => return (pass, Some(NodeEffect::Answer(script.clone()))),
    };
    (rule, None)
}

/// The same for a fault between nodes: what the proxies of the client's links to the other side do. "Up" is from the client.
pub fn between(fault: &FaultType, client: ClientAt) -> (Rule, Option<NodeEffect>) {
    let FaultType::NetworkPartition { direction, .. } = fault else { return actions(fault) };
    let seen_from_the_client = match direction {
        same if client == ClientAt::Source => *same,
        Direction::To => Direction::From,
        Direction::From => Direction::To,
        Direction::Both => Direction::Both,
    };
    let rule = Rule { accept: Accept::Hang, ..flows(seen_from_the_client, Flow::Blackhole) };
    (
        if client == ClientAt::Neither { Rule::default() } else { rule },
        Some(NodeEffect::Partition(*direction)),
    )
}

/// The streams of a direction that is seen from the client.
fn streams(direction: Direction) -> &'static [Stream] {
    match direction {
        Direction::To => &[Stream::Upstream],
        Direction::From => &[Stream::Downstream],
        Direction::Both => &[Stream::Upstream, Stream::Downstream],
    }
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

    use unstuck_proxy::toxic::{Kind, Latency, LimitData};

    use super::*;
    use crate::scenario::Netem;

    #[test]
    fn each_fault_type_does_what_the_table_says() {
        let pass = Rule::default;
        let silent = Flow::Blackhole;
        let late = Latency::of(Duration::from_millis(364));
        let toxics = |kind: Kind, streams: &[Stream]| {
            let one = |stream: &Stream| Toxic { stream: *stream, ..Toxic::new(kind.clone()) };
            Rule { toxics: streams.iter().map(one).collect(), ..pass() }
        };
        let (up, down) = (Stream::Upstream, Stream::Downstream);
        let partition = |direction, reject| FaultType::NetworkPartition { direction, reject };
        let netem = Netem { delay: Some(late), ..Netem::default() };
        let delay = |direction| FaultType::Network {
            word: "network_delay",
            direction,
            netem: Box::new(netem.clone()),
        };
        let limit = Kind::LimitData(LimitData { bytes: 9 });
        let limited = |direction| FaultType::Toxic {
            word: "limit_data",
            direction,
            toxic: Box::new(Toxic::new(limit.clone())),
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
            (delay(Direction::Both), toxics(Kind::Latency(late), &[up, down])),
            (delay(Direction::To), toxics(Kind::Latency(late), &[up])),
            (limited(Direction::Both), toxics(limit.clone(), &[up, down])),
            (limited(Direction::From), toxics(limit.clone(), &[down])),
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
