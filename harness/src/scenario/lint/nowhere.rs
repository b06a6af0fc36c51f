//! Selectors that match nothing.

use super::super::case::Case;
use super::super::diagnostic::Problem;
use super::super::fault::Fault;
use super::super::fault_type::FaultType;
use super::super::selector::{Component, Endpoint, Qualifier, Selector};
use super::super::sizes::{REPLICAS, Sizes};
use super::Around;
use super::nodes;
use super::place::Place;

/// Looks at where a fault acts.
pub(super) fn check(fault: &Fault, place: Place<'_>, around: &Around<'_>, problems: &mut Vec<Problem>) {
    let selector = &fault.selector;
    let span = place.value(&["selector"]);
    let sizes = &around.sizes;
    for end in selector.endpoints() {
        let problem = match end.component {
            Component::Zone(zone) if zone > sizes.zones => {
                let message = format!("`{end}` is not there: {}", zones(sizes.zones));
                Problem::error(span.clone(), message)
                    .hint(format!("set `cluster: {{zones: {zone}}}` or more"))
            }
            Component::Zone(_) if nodes::choice(end, sizes).of == 0 => {
                let (pd, stores) = (sizes.pd, sizes.tikv);
                let message = format!("no node is in `{end}`: {pd} PD members and {stores} stores are fewer");
                Problem::error(span.clone(), message).hint("set fewer zones, or more nodes, in `cluster`")
            }
            _ => continue,
        };
        problems.push(problem);
        return;
    }
    match *selector {
        Selector::Links { source, target } if source.component.is_client() => {
            let named = around.client.filter(|client| client.name != source.component.name());
            if let Some(client) = named.filter(|_| source.component.names_a_client()) {
                let message = format!("`{selector}` has links of `{source}`, and the client is `{client}`");
                let problem = Problem::warning(span, message);
                problems.push(problem.hint(format!(
                    "write `client_to_{target}`, which is the client under test, whatever it is"
                )));
            }
        }
        Selector::Links { source, target } if source.component != Component::All => {
            let found = apart(selector, (source, target), sizes);
            problems.extend(found.map(|problem| Problem { span, ..problem }));
        }
        Selector::Nodes(end) if fault.fault == FaultType::ScaleIn => {
            let leave = nodes::choice(end, sizes).least;
            if sizes.tikv < leave + REPLICAS {
                let message = format!(
                    "{leave} of {} stores cannot leave: the replicas of a region need {REPLICAS}",
                    sizes.tikv
                );
                let hint = format!("set `cluster: {{tikv: {}}}` or more", leave + REPLICAS);
                problems.push(Problem::error(span, message).hint(hint));
            }
        }
        _ => {}
    }
}

/// A case is run with one client.
pub(super) fn one_client(case: &Case, places: &[Place<'_>], problems: &mut Vec<Problem>) {
    let source = |fault: &Fault| match fault.selector {
        Selector::Links { source, .. } if source.component.names_a_client() => Some(source.component),
        _ => None,
    };
    let mut sources = case.faults.iter().zip(places).filter_map(|(fault, at)| Some((source(fault)?, at)));
    let Some((first, _)) = sources.next() else { return };
    if let Some((other, at)) = sources.find(|(source, _)| *source != first) {
        let message = format!(
            "a case has one client: this fault is of `{}`, another of `{}`",
            other.name(),
            first.name()
        );
        let problem = Problem::error(at.value(&["selector"]), message);
        problems.push(problem.hint("name the same client in both, or write `client_to_…`"));
    }
}

fn zones(count: u32) -> String {
    if count == 1 { "the cluster has one zone".to_owned() } else { format!("the cluster has {count} zones") }
}

/// What is wrong where a link leads to its own source: for sure, or by some draws.
fn apart(selector: &Selector, (source, target): (Endpoint, Endpoint), sizes: &Sizes) -> Option<Problem> {
    let (from, to) = (nodes::choice(source, sizes), nodes::choice(target, sizes));
    let others = format!("write `{source}_to_{}`", Endpoint { qualifier: Qualifier::Others, ..target });
    let same_turn = source == target && source.qualifier == Qualifier::Each;
    if to.of & !from.always() == 0 || same_turn {
        let name = target.component.name();
        let message = format!("`{selector}` leads nowhere: nobody is left but its source");
        let hint = if target.component != source.component {
            "name a target that is not within the source".to_owned()
        } else if nodes::all(target.component, sizes).is_power_of_two() {
            format!("set `cluster: {{{name}: 2}}` or more")
        } else if from.least > 1 {
            format!("name fewer as the source, as in `{name}(random)_to_{name}(others)`")
        } else {
            others
        };
        return Some(Problem::error(0..0, message).hint(hint));
    }
    (from.of & to.of != 0 && to.least == 1).then(|| {
        let message = format!("`{selector}` may draw one node for both ends, and leads nowhere then");
        Problem::warning(0..0, message).hint(others)
    })
}
