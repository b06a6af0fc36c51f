//! What a file says well and cannot mean: selectors that match nothing, budgets that cannot hold, cases that could never fail.
//!
//! Each finding is an error where the case can never mean anything, else a warning. Only a case without errors is looked at.
//!
//! * `place`: where in the file a key of a fault stands
//! * `nodes`: which nodes a selector may mean, and how many it means at least; `nowhere`: selectors that match nothing
//! * `moments`: when the faults of a case come at the earliest; `budget`: limits of time that cannot hold
//! * `harmless`: faults without effect, and schedules that do not repeat anything; `waits`: triggers

mod budget;
mod harmless;
mod moments;
mod nodes;
mod nowhere;
mod place;
mod waits;

use super::case::Case;
use super::client_ref::ClientRef;
use super::diagnostic::Problem;
use super::node::Node;
use super::selector::{Component, Selector};
use super::sizes::{PeerOrder, SizeSpec, Sizes};
use place::Place;

/// What the file of a case says beside its cases.
pub(super) struct Around<'a> {
    client: Option<&'a ClientRef>,
    is_program: bool,
    spec: &'a SizeSpec,
    sizes: Sizes,
}

impl<'a> Around<'a> {
    pub(super) fn new(client: Option<&'a ClientRef>, is_program: bool, spec: &'a SizeSpec) -> Self {
        let name = client.map_or("", |client| client.name.as_str());
        Self { client, is_program, spec, sizes: Sizes::of(name, [spec]) }
    }
    /// Whether the number of regions is known: it is the client's own unless the file says it.
    fn knows_regions(&self) -> bool {
        self.spec.regions.is_some() || self.client.is_some()
    }
}

/// Looks at a case that was read from `node`.
pub(super) fn case(node: &Node, case: &Case, around: &Around<'_>, problems: &mut Vec<Problem>) {
    let places = place::faults(node);
    for (fault, place) in case.faults.iter().zip(places.iter().copied()) {
        nowhere::check(fault, place, around, problems);
        harmless::check(fault, place, problems);
        waits::check(fault, place, around, problems);
    }
    nowhere::one_client(case, &places, problems);
    budget::check(case, Place(node), &places, around, problems);
}

/// Looks at all cases of a file, the root of which is `node`.
pub(super) fn file(node: &Node, cases: &[Case], around: &Around<'_>, problems: &mut Vec<Problem>) {
    let on_a_store = |selector: &Selector| {
        let store = |c| matches!(c, Component::Tikv | Component::All | Component::Zone(_));
        selector.endpoints().any(|end| store(end.component))
    };
    let mut faults = cases.iter().flat_map(|case| &case.faults);
    if around.spec.peer_order == Some(PeerOrder::FaultedFirst)
        && !faults.any(|fault| on_a_store(&fault.selector))
    {
        let span = Place(node).value(&["cluster", "peerOrder"]);
        let problem = Problem::warning(span, "no fault of this file is on a store, which would come first");
        problems.push(problem.hint("take `peerOrder` out, or choose a fault of `tikv(random)`"));
    }
}
