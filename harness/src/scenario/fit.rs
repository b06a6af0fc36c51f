//! Whether a fault type fits its selector, and a selector the cluster.

use std::ops::Range;

use super::diagnostic::Problem;
use super::fault_type::FaultType;
use super::fields::shorten;
use super::mode::{Many, Mode};
use super::selector::{Component, Endpoint, Qualifier, Selector};

/// Reads a selector; `stores` and `pd` bound indices.
pub(super) fn read_selector(
    text: &str,
    mode: Option<Mode>,
    span: Range<usize>,
    (pd, stores): (u32, u32),
    problems: &mut Vec<Problem>,
) -> Option<(Selector, Range<usize>)> {
    match Selector::in_mode(text, mode) {
        Ok(selector) => {
            for end in selector.endpoints() {
                check_index(end, &span, pd, stores, problems);
            }
            Some((selector, span))
        }
        Err(e) => {
            let at = span.start + (span.len().saturating_sub(text.len())) / 2;
            let problem = Problem::error(at + e.span.start..at + e.span.end, shorten(&e.message));
            problems.push(problem.hint(e.hint));
            None
        }
    }
}

fn check_index(end: Endpoint, span: &Range<usize>, pd: u32, stores: u32, problems: &mut Vec<Problem>) {
    let (count, what) = match end.component {
        Component::Tikv => (stores, "stores"),
        Component::Pd => (pd, "PD members"),
        Component::All => (pd + stores, "nodes"),
        _ => return,
    };
    match end.qualifier {
        Qualifier::Some(Many::Fixed(n)) if n > count => {
            let problem =
                Problem::error(span.clone(), format!("`{end}` is too many: the cluster has {count} {what}"));
            problems.push(problem.hint(format!("from 1 to {count}, or set `cluster`")));
        }
        Qualifier::SomeFollowers(Many::Fixed(n)) if n >= count => {
            let followers = count.saturating_sub(1);
            let message =
                format!("`{end}` is too many: the cluster has {followers} PD members that do not lead");
            let problem = Problem::error(span.clone(), message);
            problems.push(problem.hint(format!("`cluster: {{pd: {}}}` has so many", n + 1)));
        }
        Qualifier::Index(i) if i >= count => {
            let problem =
                Problem::error(span.clone(), format!("`{end}` is not there: the cluster has {count} {what}"));
            problems.push(problem.hint(format!("count from 0 to {}, or set `cluster`", count - 1)));
        }
        Qualifier::Follower { .. } | Qualifier::SomeFollowers(_) if count < 2 => {
            let problem =
                Problem::error(span.clone(), format!("`{end}` is not there: the cluster has {count} {what}"));
            problems.push(problem.hint("a follower needs `cluster: {pd: 2}` or more"));
        }
        _ => {}
    }
}

/// A fault acts on nodes or on links; links need the client at their source.
pub(super) fn check_fit(
    fault: &FaultType,
    selector: Selector,
    span: Range<usize>,
    problems: &mut Vec<Problem>,
) {
    let problem = match selector {
        Selector::Links { source, target } if fault.on_node() => {
            let node = if target.component == Component::All || target.component.is_client() {
                source
            } else {
                target
            };
            let node = if node.component.is_client() || node.component == Component::All {
                "tikv(random)".to_owned()
            } else {
                node.to_string()
            };
            Problem::error(span, format!("`{fault}` acts on a node, and `{selector}` is a link"))
                .hint(format!("write `{node}`, or choose `network_partition` for the link"))
        }
        Selector::Nodes(end) if fault.on_regions() && end.component != Component::Tikv => Problem::error(
            span,
            format!("`{fault}` acts on the regions that a store leads, and `{end}` has none"),
        )
        .hint("write `tikv(random)`, `tikv(all)` or `tikv(0)`"),
        Selector::Nodes(end)
            if matches!(fault, FaultType::ScaleOut | FaultType::ScaleIn)
                && end.component != Component::Tikv =>
        {
            Problem::error(span, format!("`{fault}` is of stores, and `{end}` is none"))
                .hint("write `tikv(random)` for one store; `scale_out` of `tikv(all)` gives twice as many")
        }
        Selector::Nodes(end) if fault.on_node() => match end.component {
            Component::Tikv | Component::Pd | Component::Zone(_) => return,
            _ => Problem::error(span, format!("`{fault}` of `{end}` is not supported yet"))
                .hint("supported are `tikv(…)`, `pd(…)`, and zones"),
        },
        Selector::Nodes(end) => {
            let target = if end.component.is_client() { "all".to_owned() } else { end.to_string() };
            let source = if end.component.is_client() { end.to_string() } else { "client".to_owned() };
            Problem::error(span, format!("`{fault}` acts on links, and `{selector}` is a node"))
                .hint(format!("write `source_to_target`, as in `{source}_to_{target}`"))
        }
        Selector::Links { source, target } if source.component == Component::All => {
            let message =
                format!("only the client's links are acted on, not those between nodes, by `{selector}`");
            if target.component.is_client() {
                Problem::error(span, format!("`{selector}` has the client as its target")).hint(
                    "write the client first, as in `client_to_all`; `direction:from` turns a fault around",
                )
            } else {
                Problem::warning(span, message).hint(format!("write `client_to_{target}`"))
            }
        }
        Selector::Links { target, .. } if target.component.is_client() => {
            let source = source_of(selector);
            Problem::error(span, format!("`{selector}` has the client as its target"))
                .hint(format!("write `{target}_to_{source}`; `direction:from` turns a fault around"))
        }
        Selector::Links { source, target }
            if !source.component.is_client()
                && matches!(fault, FaultType::NetworkPartition { reject: false, .. })
                && !target.component.is_client() =>
        {
            return;
        }
        Selector::Links { source, target } if !source.component.is_client() => Problem::error(
            span,
            format!("`{fault}` between nodes (`{selector}`) is not supported yet"),
        )
        .label("the source is not the client under test")
        .hint(format!(
            "between nodes there is `network_partition`; a link needs the client at its source, as in \
                     `client_to_{target}`"
        )),
        Selector::Links { target, .. } if target.qualifier == Qualifier::Others => {
            Problem::error(span, format!("`{target}` has nothing to differ from"))
                .hint("the source is the client, so `others` would be all of them: write `all`")
        }
        Selector::Links { .. } => return,
    };
    problems.push(problem);
}

fn source_of(selector: Selector) -> Endpoint {
    match selector {
        Selector::Links { source, .. } | Selector::Nodes(source) => source,
    }
}
