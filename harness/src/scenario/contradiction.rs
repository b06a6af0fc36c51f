//! A name that says one thing over a fault type or selector that says another, as in tidb 48208
//! (`…_network_partition` with `faultType: kill`).

use std::ops::Range;

use super::diagnostic::Problem;
use super::selector::{Component, Selector, is_not_yet};

/// Words in a name that promise a fault type, each with the fault types that keep the promise.
const PROMISES: [(&str, &[&str]); 9] = [
    ("partition", &["network_partition", "blackhole", "az_partition", "zone_partition"]),
    ("failure", &["failure"]),
    ("kill", &["kill"]),
    ("io_delay", &["io_delay"]),
    ("io_hang", &["io_hang"]),
    ("network_delay", &["network_delay", "network_latency"]),
    ("network_latency", &["network_delay", "network_latency"]),
    ("network_loss", &["network_loss"]),
    ("stall_read", &["stall_read"]),
];

/// Reports a name that contradicts its fault type (by its word) or its selector.
pub(crate) fn check(
    name: &str,
    span: &Range<usize>,
    fault: Option<&str>,
    selector: Option<&Selector>,
    problems: &mut Vec<Problem>,
) {
    let words = words(name);
    let says = |promise: &str| {
        let promise: Vec<&str> = promise.split('_').collect();
        words.windows(promise.len()).any(|w| w == promise)
    };
    if let Some(fault) = fault {
        let promised: Vec<_> = PROMISES.iter().filter(|(word, _)| says(word)).collect();
        if let Some((word, _)) = promised.first()
            && !says(fault)
            && promised.iter().all(|(_, kept)| !kept.contains(&fault))
        {
            let problem =
                Problem::error(span.clone(), format!("the name says `{word}`, the fault type is `{fault}`"));
            problems.push(problem.hint("correct the one that is wrong"));
        }
    }
    let Some(selector) = selector else { return };
    let mut named: Vec<Component> = selector.endpoints().map(|end| end.component).collect();
    named.dedup();
    let mentioned: Vec<_> = words.iter().filter_map(|w| component(w)).collect();
    let client = named.iter().any(|c| c.is_client());
    let fits = |c: &Mention| match c {
        Mention::Known(c) => named.contains(c) || (client && c.is_client()),
        Mention::Other => false,
    };
    if !mentioned.is_empty() && !mentioned.iter().any(fits) {
        let problem = Problem::error(
            span.clone(),
            format!("the name speaks of other nodes than the selector `{selector}`"),
        );
        problems.push(problem.hint("correct the one that is wrong"));
        return;
    }
    // `a_to_b`: what stands before "to" is the source.
    let source = words
        .iter()
        .position(|w| w == "to")
        .and_then(|to| words[..to].iter().rev().find_map(|w| component(w)));
    if let (Some(source), Selector::Links { source: end, .. }) = (source, selector) {
        let same = matches!(&source, Mention::Known(c) if *c == end.component || (c.is_client() && end.component.is_client()));
        if !same && end.component != Component::All {
            let problem = Problem::error(
                span.clone(),
                format!("the name has another source than the selector `{selector}`"),
            );
            problems.push(problem.hint("correct the one that is wrong"));
        }
    }
}

#[derive(PartialEq, Eq)]
enum Mention {
    Known(Component),
    Other,
}

fn component(word: &str) -> Option<Mention> {
    Some(Mention::Known(match word {
        "tikv" => Component::Tikv,
        "pd" | "pdleader" | "pdfollower" => Component::Pd,
        "br" => Component::Br,
        "lightning" => Component::Lightning,
        _ if is_not_yet(word) && !matches!(word, "downstream" | "s3") => return Some(Mention::Other),
        _ => return None,
    }))
}

fn words(name: &str) -> Vec<String> {
    let name = name.to_ascii_lowercase();
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|w| !w.is_empty())
        .take(64)
        .map(str::to_owned)
        .collect()
}
