//! The nodes that an end of a selector may mean, without a draw.

use super::super::mode::Many;
use super::super::selector::{Component, Endpoint, Qualifier};
use super::super::sizes::Sizes;

/// Nodes, a bit each: PD members first, then stores. There are 9 and 100 at most.
pub(super) type Nodes = u128;

/// What an end chooses.
#[derive(Clone, Copy)]
pub(super) struct Choice {
    /// From these.
    pub(super) of: Nodes,
    /// So many at least.
    pub(super) least: u32,
}

impl Choice {
    /// What it always chooses.
    pub(super) fn always(self) -> Nodes {
        if self.least == self.of.count_ones() { self.of } else { 0 }
    }
}

/// What an end chooses; the member that leads PD at the start counts as the leader.
pub(super) fn choice(end: Endpoint, sizes: &Sizes) -> Choice {
    let all = all(end.component, sizes);
    let leader = all & 1;
    let followers = all & !1;
    let every = |of: Nodes| Choice { of, least: of.count_ones() };
    let one = |of: Nodes| Choice { of, least: of.count_ones().min(1) };
    let some =
        |of: Nodes, many: Many| Choice { of, least: many.count(of.count_ones() as usize, |_| 1) as u32 };
    match end.qualifier {
        Qualifier::All | Qualifier::Others => every(all),
        Qualifier::Random | Qualifier::Each => one(all),
        Qualifier::Leader => every(leader),
        Qualifier::Follower { all: true } => every(followers),
        Qualifier::Follower { all: false } => one(followers),
        Qualifier::Some(many) => some(all, many),
        Qualifier::SomeFollowers(many) => some(followers, many),
        Qualifier::Index(index) => every(nth(all, index)),
    }
}

/// Every node of a component.
pub(super) fn all(component: Component, sizes: &Sizes) -> Nodes {
    let first = |n: u32| (1_u128 << n) - 1;
    let (pd, stores) = (first(sizes.pd), first(sizes.tikv));
    match component {
        Component::Pd => pd,
        Component::Tikv => stores << sizes.pd,
        Component::All => pd | stores << sizes.pd,
        Component::Zone(zone) => {
            let in_turn = (zone - 1..128).step_by(sizes.zones as usize);
            let zone = in_turn.fold(0, |nodes, at| nodes | 1_u128 << at);
            (zone & pd) | (zone & stores) << sizes.pd
        }
        _ => 0,
    }
}

fn nth(nodes: Nodes, index: u32) -> Nodes {
    let at = (0..128).filter(|at| nodes >> at & 1 == 1).nth(index as usize);
    at.map_or(0, |at: u32| 1 << at)
}
