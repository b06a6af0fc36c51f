//! A name that says one thing over a fault type or selector that says another, as in tidb 48208
//! (`…_network_partition` with `faultType: kill`).

use std::ops::Range;

use super::diagnostic::Problem;
use super::refused;
use super::selector::{Component, Selector, zone};

/// Words in a name that promise a fault type, each with the fault types that keep the promise.
const PROMISES: [(&str, &[&str]); 16] = [
    ("partition", &["network_partition", "blackhole", "az_partition", "zone_partition"]),
    ("failure", &["failure", "down"]),
    ("kill", &["kill"]),
    ("io_delay", &["io_delay"]),
    ("io_hang", &["io_hang"]),
    ("io_jitter", &["io_jitter"]),
    ("scale_in", &["scale_in"]),
    ("scale_out", &["scale_out"]),
    ("network_delay", &["network_delay", "network_latency", "network_netem"]),
    ("network_latency", &["network_delay", "network_latency", "network_netem"]),
    ("network_loss", &["network_loss", "network_netem"]),
    ("network_corrupt", &["network_corrupt", "network_netem"]),
    ("network_duplicate", &["network_duplicate", "network_netem"]),
    ("network_reorder", &["network_reorder", "network_netem"]),
    ("network_bandwidth", &["network_bandwidth", "network_netem"]),
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
        .filter(|to| words[to + 1..].iter().any(|w| component(w).is_some() || w == "all"))
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
        _ if let Some(zone) = zone(word) => Component::Zone(zone),
        _ if refused::component(word).is_some() && !matches!(word, "downstream" | "s3") => {
            return Some(Mention::Other);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, fault: &str, selector: &str) -> Vec<String> {
        let mut problems = Vec::new();
        check(name, &(0..name.len()), Some(fault), Selector::parse(selector).ok().as_ref(), &mut problems);
        problems.into_iter().map(|p| p.message).collect()
    }

    #[test]
    fn qas_own_names_are_no_contradiction() {
        for (name, fault, selector) in [
            ("tikv_failure", "failure", "tikv(random)"),
            ("ha_br_to_all_network_partition", "network_partition", "br_to_all"),
            ("ha_pdleader_to_all_network_partition", "network_partition", "pdleader_to_all"),
            (
                "ha_pdleader_to_pdfollower_all_network_partition",
                "network_partition",
                "pdleader_to_pdfollower(all)",
            ),
            ("ha_tidb_ddl_owner_kill", "kill", "tidb(ddl-owner)"),
            ("ha_pdleader_kill", "kill", "pd(leader)"),
            ("ha_tikv_random_kill", "kill", "tikv(random)"),
            ("ha_tikv(random)_to_all_network_partition", "network_partition", "tikv(random)_to_all"),
            ("one_tikv_io_delay", "io_delay", "tikv(random)"),
            ("one_tikv_network_partition_to", "network_partition", "br_to_tikv(random)"),
        ] {
            assert_eq!(found(name, fault, selector), [""; 0], "{name}");
        }
    }

    #[test]
    fn free_names_are_no_contradiction() {
        for (name, fault, selector) in [
            ("a", "failure", "tikv(0)"),
            ("import survives a reset of tikv", "reset", "lightning_to_tikv(0)"),
            ("partition_then_failure", "failure", "tikv(0)"),
            ("client_to_one_store", "refuse", "lightning_to_tikv(0)"),
            ("br backup, tikv latency", "network_delay", "client_to_tikv(all)"),
        ] {
            assert_eq!(found(name, fault, selector), [""; 0], "{name}");
        }
    }

    #[test]
    fn the_typo_of_tidb_48208_is_found() {
        let name = "ha_pdleader_to_pdfollower_all_network_partition";
        let said = found(name, "kill", "pdleader_to_pdfollower(all)");
        assert_eq!(said, ["the name says `partition`, the fault type is `kill`"]);
    }

    #[test]
    fn a_name_of_other_nodes_or_another_source_is_found() {
        let said = |name, selector| found(name, "network_partition", selector).concat();
        assert!(said("tikv_partition", "br_to_pd(0)").contains("other nodes"));
        assert!(said("tidb_to_all_partition", "br_to_all").contains("other nodes"));
        assert!(said("tikv_to_br_partition", "br_to_tikv(0)").contains("another source"));
    }
}
