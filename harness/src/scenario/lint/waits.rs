//! Triggers that never fire, or at once.

use fake_tikv::Node as ClusterNode;
use fake_tikv::methods::Method;

use super::super::diagnostic::Problem;
use super::super::fault::Fault;
use super::super::schedule::Begins;
use super::super::sizes::REPLICAS;
use super::super::trigger::{On, OnCall};
use super::Around;
use super::place::Place;

/// Looks at what a fault waits for.
pub(super) fn check(fault: &Fault, place: Place<'_>, around: &Around<'_>, problems: &mut Vec<Problem>) {
    let Begins::When(trigger) = &fault.begins else { return };
    match &trigger.on {
        On::Call(call) => check_call(call, place, around, problems),
        // an expression that needs nothing of a line, neither its text nor its end
        On::Log(pattern) if pattern.matches("") && pattern.matches("\0") => {
            let problem = Problem::warning(
                place.value(&["when", "log"]),
                "it matches the first line, whatever that says",
            );
            problems.push(problem.hint("write what the line has to say, as in `log: 'import done'`"));
        }
        On::Log(_) | On::Progress(_) => {}
    }
}

fn check_call(call: &OnCall, place: Place<'_>, around: &Around<'_>, problems: &mut Vec<Problem>) {
    let (methods, sizes) = (call.methods, &around.sizes);
    if let Some(node) = call.node
        && methods.iter().all(|method| is_pds(method) != matches!(node, ClusterNode::Pd(_)))
    {
        let other = if matches!(node, ClusterNode::Pd(_)) { "tikv(0)" } else { "pd(0)" };
        let message = format!("{node} never has a call of `{methods}`");
        let problem = Problem::error(place.value(&["when", "node"]), message);
        problems.push(problem.hint(format!("as in `node: {other}`, or take it out")));
    }
    let missing = methods.iter().map(|method| method.missing).collect::<Option<Vec<_>>>();
    if call.answered
        && let Some(why) = missing.and_then(|all| all.first().copied())
    {
        let problem = Problem::error(
            place.value(&["when", "answered"]),
            format!("`{methods}` is never answered well here: {why}"),
        );
        problems.push(problem.hint("count the calls that arrive, with `count`, or choose another method"));
    }
    let Some(region) = call.region else { return };
    let span = place.value(&["when", "region"]);
    // stores take the first ids of PD's allocator, then each region does, followed by its peers
    let (first, step) = (u64::from(sizes.tikv) + 1, u64::from(sizes.tikv.min(REPLICAS)) + 1);
    let end = first + u64::from(sizes.regions) * step;
    let problem = if region < first || (region < end && !(region - first).is_multiple_of(step)) {
        Problem::error(span, format!("{region} is the id of a store or a peer: no region ever has it"))
    } else if region >= end && around.knows_regions() {
        Problem::warning(span, format!("{region} is the id of no region, unless one is split"))
    } else {
        return;
    };
    problems.push(
        problem.hint(format!("the ids of regions go from {first} to {} in steps of {step}", end - step)),
    );
}

fn is_pds(method: &Method) -> bool {
    ["PD", "Keyspace", "MetaStorage", "ResourceManager", "TSO"].contains(&method.service)
}
