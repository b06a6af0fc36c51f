//! Many seeds: as reported stuck in at least 95 of 100, fixed and fault-free without a finding.
//!
//! `UNSTUCK_SEEDS` says how many seeds; the default is small. `.ci/nightly` runs 100 and 1,000 of them.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::thread::available_parallelism;

use support::case;
use unstuck::fault::Plan;
use unstuck::run::Setup;
use unstuck::run::batch::{Job, WEDGED_AFTER, run_all};
use unstuck_record::{FindingKind, Outcome};

const TIKV_FAILURE: &str = "tidb-46321-tikv-failure";
const STALL: &str = "tidb-48352-stall-then-reset";
const BR_PARTITION: &str = "tidb-53519-br-partition";
const TIMESTAMPS: &str = "timestamps";
const LOOKUPS: &str = "lookups";

fn seeds() -> u64 {
    std::env::var("UNSTUCK_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(4)
}

/// What came out, by seed.
fn outcomes(setup: impl Fn(u64) -> Setup) -> BTreeMap<u64, (Outcome, Vec<FindingKind>)> {
    let jobs: Vec<Job> =
        (1..=seeds()).map(|seed| Job { setup: setup(seed), record: None, verdict_only: true }).collect();
    let threads = available_parallelism().map_or(2, Into::into);
    let done = run_all(&jobs, threads, WEDGED_AFTER, &AtomicBool::new(false), |_| {});
    let judged = jobs.iter().zip(done).map(|(job, done)| {
        let run = done.unwrap().run.unwrap();
        let judgement = run.judgement.unwrap();
        (job.setup.seed, (judgement.outcome, judgement.findings.iter().map(|finding| finding.kind).collect()))
    });
    judged.collect()
}

fn stuck_as_reported(file: &str, client: &str, variant: &str, kind: FindingKind) {
    let outcomes = outcomes(|seed| case(file, client, variant, seed));
    let stuck = |(outcome, findings): &&(Outcome, Vec<FindingKind>)| {
        *outcome == Outcome::Stuck && findings.first() == Some(&kind)
    };
    let count = outcomes.values().filter(stuck).count();
    println!("{file} {client}: {count} of {} stuck", outcomes.len());
    assert!(count * 100 >= outcomes.len() * 95, "{outcomes:?}");
}

fn clean(name: &str, setup: impl Fn(u64) -> Setup) {
    let outcomes = outcomes(setup);
    let odd: Vec<_> = outcomes.iter().filter(|(_, is)| **is != (Outcome::Completed, vec![])).collect();
    println!("{name}: {} of {} completed without a finding", outcomes.len() - odd.len(), outcomes.len());
    assert!(odd.is_empty(), "{name}: {odd:?}");
}

fn fault_free(file: &str, client: &str, variant: &str, seed: u64) -> Setup {
    Setup { plan: Plan::default(), ..case(file, client, variant, seed) }
}

#[test]
fn tikv_failure_as_reported_hangs() {
    stuck_as_reported(TIKV_FAILURE, "lightning@as-reported", "reduced", FindingKind::Hang);
}

#[test]
fn stall_then_reset_as_reported_hangs() {
    stuck_as_reported(STALL, "lightning@as-reported", "sim", FindingKind::Hang);
}

#[test]
fn br_partition_as_reported_is_a_livelock() {
    stuck_as_reported(BR_PARTITION, "br@as-reported", "sim", FindingKind::Livelock);
}

#[test]
fn timestamps_as_reported_hang() {
    stuck_as_reported(TIMESTAMPS, "tso@tidb-21295", "sim", FindingKind::Hang);
}

/// Each case's fault touches the client in every seed: a case of the leader means the one that leads.
#[test]
fn the_fixed_clients_of_pd_complete_without_a_finding() {
    for name in support::names(TIMESTAMPS) {
        clean(&name, |seed| support::named(TIMESTAMPS, &name, "tso@fixed", seed));
    }
    for name in support::names(LOOKUPS) {
        // the one case in which the client needs followers that pass requests on
        let client = if name.ends_with("out_of_reach") { "pd@fix-7443" } else { "pd@fixed" };
        clean(&name, |seed| support::named(LOOKUPS, &name, client, seed));
    }
}

#[test]
fn the_fixed_clients_complete_without_a_finding() {
    clean("46321 fixed", |seed| {
        let mut setup = case(TIKV_FAILURE, "lightning@fixed", "reduced", seed);
        // two connections and ten minutes of reconnect back-off: see the matrix
        setup.within = Some(std::time::Duration::from_secs(100 * 60));
        setup
    });
    clean("48352 fixed", |seed| case(STALL, "lightning@fixed", "sim", seed));
    clean("53519 fixed", |seed| case(BR_PARTITION, "br@fixed", "sim", seed));
}

#[test]
fn a_reset_of_one_store_does_br_no_harm() {
    clean("br control", |seed| support::named("controls", "br_to_one_tikv_reset", "br@as-reported", seed));
}

/// As reported, a minute's failure leaks streams too, and the finding says so; it just does not use them up.
#[test]
fn a_short_failure_leaks_and_completes() {
    let outcomes =
        outcomes(|seed| support::named("controls", "short_tikv_failure", "lightning@as-reported", seed));
    for (seed, (outcome, findings)) in outcomes {
        assert_eq!(outcome, Outcome::Completed, "seed {seed}");
        assert!(findings.iter().all(|kind| *kind == FindingKind::Leak), "seed {seed}: {findings:?}");
    }
}

#[test]
fn without_faults_nothing_is_found() {
    clean("lightning as reported", |seed| fault_free(TIKV_FAILURE, "lightning@as-reported", "reduced", seed));
    clean("lightning fixed", |seed| fault_free(TIKV_FAILURE, "lightning@fixed", "reduced", seed));
    clean("br as reported", |seed| fault_free(BR_PARTITION, "br@as-reported", "sim", seed));
    clean("br fixed", |seed| fault_free(BR_PARTITION, "br@fixed", "sim", seed));
}

#[test]
fn without_faults_nothing_is_found_of_pd() {
    clean("timestamps", |seed| fault_free(TIMESTAMPS, "tso@fixed", "sim", seed));
    clean("lookups", |seed| fault_free(LOOKUPS, "pd@fixed", "sim", seed));
}
