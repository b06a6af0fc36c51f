//! The nodes that a selector means, for one injection.

use fake_tikv::Node;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::scenario::{Component, Endpoint, Many, Qualifier, Selector};

use super::plan::{Topology, Unplannable};

/// Who is cut off from whom: the ends of a selector between nodes.
pub(super) struct Sides {
    pub(super) source: Vec<Node>,
    pub(super) target: Vec<Node>,
    pub(super) client: ClientAt,
}

/// On which side of a fault between nodes the client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAt {
    /// It is not concerned.
    Neither,
    /// With the source: in the first zone.
    Source,
    /// With the target: in the first zone, or the target is everything.
    Target,
}

/// Both ends of a selector between nodes; `None` where the client is at one, or where there is one end only.
pub(super) fn between(
    selector: &Selector,
    topology: &Topology,
    turn: usize,
    rng: &mut ChaCha8Rng,
) -> Result<Option<Sides>, Unplannable> {
    let Selector::Links { source, target } = *selector else { return Ok(None) };
    if !matches!(source.component, Component::Tikv | Component::Pd | Component::Zone(_)) {
        return Ok(None);
    }
    let (from, mut to) = (pick(source, topology, turn, rng)?, pick(target, topology, turn, rng)?);
    to.retain(|node| !from.contains(node));
    if to.is_empty() {
        return Err(Unplannable::Nobody { end: target.to_string() });
    }
    let client = match (source.component, target.component) {
        (Component::Zone(1), _) => ClientAt::Source,
        (_, Component::Zone(1) | Component::All) => ClientAt::Target,
        _ => ClientAt::Neither,
    };
    Ok(Some(Sides { source: from, target: to, client }))
}

/// Whether the nodes that are meant are those that lead PD, or do not, at the time.
pub(super) fn follows_lead(selector: &Selector) -> bool {
    let by_role = |end: Endpoint| {
        matches!(end.qualifier, Qualifier::Leader | Qualifier::Follower { .. } | Qualifier::SomeFollowers(_))
    };
    let by_name =
        |end: Endpoint| end.component == Component::Pd && matches!(end.qualifier, Qualifier::Index(_));
    selector.endpoints().any(by_role) && !selector.endpoints().any(by_name)
}

/// The nodes at the far end of the links that are acted on, or the nodes themselves, in order. `random` draws from
/// `rng`.
pub(super) fn nodes(
    selector: &Selector,
    topology: &Topology,
    turn: usize,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<Node>, Unplannable> {
    match *selector {
        Selector::Nodes(end) => pick(end, topology, turn, rng),
        Selector::Links { source, target } => {
            let is_client = match source.component {
                Component::Client | Component::All => true,
                named if named.names_a_client() => named.name() == topology.client,
                _ => false,
            };
            if !is_client {
                return Err(Unplannable::NotTheClient {
                    selector: selector.to_string(),
                    client: topology.client.clone(),
                });
            }
            pick(target, topology, turn, rng)
        }
    }
}

/// How many injections it takes until each node of `tikv(each)` has had its turn.
pub(super) fn round(selector: &Selector, topology: &Topology) -> usize {
    let in_turn = selector.endpoints().filter(|end| end.qualifier == Qualifier::Each);
    in_turn.map(|end| all(end, topology).len()).max().unwrap_or(1)
}

/// Every node of a component.
fn all(end: Endpoint, topology: &Topology) -> Vec<Node> {
    let pd = || (0..topology.pd).map(Node::Pd);
    let stores = || topology.stores.iter().copied().map(Node::Store);
    match end.component {
        Component::Tikv => stores().collect(),
        Component::Pd => pd().collect(),
        Component::All => pd().chain(stores()).collect(),
        Component::Zone(zone) => {
            let in_zone = |at: usize| at as u32 % topology.zones == zone - 1;
            let spread = |nodes: Vec<Node>| {
                nodes.into_iter().enumerate().filter(|(at, _)| in_zone(*at)).map(|(_, node)| node).collect()
            };
            let (pd, stores): (Vec<Node>, Vec<Node>) = (spread(pd().collect()), spread(stores().collect()));
            pd.into_iter().chain(stores).collect()
        }
        _ => Vec::new(),
    }
}

/// The nodes of one end; `turn` counts the fault's injections from 0.
fn pick(
    end: Endpoint,
    topology: &Topology,
    turn: usize,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<Node>, Unplannable> {
    if let Component::Zone(zone) = end.component
        && zone > topology.zones
    {
        return Err(Unplannable::NoZone { zone });
    }
    let all = all(end, topology);
    let leader = Node::Pd(topology.pd_leader);
    let followers = || all.iter().copied().filter(|n| *n != leader).collect::<Vec<_>>();
    let picked = match end.qualifier {
        Qualifier::All | Qualifier::Others => all,
        Qualifier::Random => one(&all, rng),
        Qualifier::Each => all.get(turn % all.len().max(1)).copied().into_iter().collect(),
        Qualifier::Leader => vec![leader],
        Qualifier::Follower { all: true } => followers(),
        Qualifier::Follower { all: false } => one(&followers(), rng),
        Qualifier::Some(many) => some(&all, many, rng),
        Qualifier::SomeFollowers(many) => some(&followers(), many, rng),
        Qualifier::Index(i) => all.get(i as usize).copied().into_iter().collect(),
    };
    if picked.is_empty() { Err(Unplannable::Nobody { end: end.to_string() }) } else { Ok(picked) }
}

fn one(choices: &[Node], rng: &mut ChaCha8Rng) -> Vec<Node> {
    if choices.is_empty() { Vec::new() } else { vec![choices[rng.random_range(0..choices.len())]] }
}

/// So many of them, in their order.
fn some(choices: &[Node], many: Many, rng: &mut ChaCha8Rng) -> Vec<Node> {
    let count = many.count(choices.len(), |most| rng.random_range(1..=most));
    let mut places: Vec<usize> = (0..choices.len()).collect();
    for at in 0..count {
        let with = rng.random_range(at..places.len());
        places.swap(at, with);
    }
    places.truncate(count);
    places.sort_unstable();
    places.into_iter().map(|place| choices[place]).collect()
}
