//! The same seed and build give a byte-identical record; another seed picks other stores.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use support::{Around, case};
use unstuck::run::{Setup, Status, run_case};
use unstuck_record::Run;

/// How often each case is run; `UNSTUCK_RUNS` sets another number (the nightly runs 100).
fn runs() -> u32 {
    std::env::var("UNSTUCK_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(8)
}

fn record(setup: &Setup, name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(format!("{name}.{}.jsonl", std::process::id()));
    run_case(setup, Some(&path), &Arc::new(Status::default())).unwrap();
    let record = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let calls = path.with_extension("calls.ndjson");
    let text = record.clone() + &std::fs::read_to_string(&calls).unwrap();
    std::fs::remove_file(&calls).unwrap();
    assert!(Run::parse(&record).unwrap().judgement.is_some(), "the record is whole");
    text
}

/// The first line in which two records differ, for a message that can be read.
fn first_difference<'a>(one: &'a str, other: &'a str) -> Option<(&'a str, &'a str)> {
    (one != other).then(|| one.lines().zip(other.lines()).find(|(a, b)| a != b).unwrap_or((one, other)))
}

fn same_every_time(file: &str, client: &str, variant: &str) {
    let setup = case(file, client, variant, 3);
    let first = record(&setup, file);
    for run in 1..runs() {
        let again = record(&setup, file);
        assert_eq!(first_difference(&first, &again), None, "run {run} of {file}");
    }
    // once across a second of the wall clock, in the middle of the run
    let client = Around { client: Arc::clone(&setup.client), start: |_| {}, sample: Box::new(napping()) };
    let across = record(&Setup { client: Arc::new(client), ..setup }, file);
    assert_eq!(first_difference(&first, &across), None, "across a second of the wall clock");
}

#[test]
fn tikv_failure_gives_the_same_record_every_time() {
    same_every_time("tidb-46321-tikv-failure", "lightning@as-reported", "reduced");
}

#[test]
fn stall_then_reset_gives_the_same_record_every_time() {
    same_every_time("tidb-48352-stall-then-reset", "lightning@fixed", "sim");
}

#[test]
fn br_partition_gives_the_same_record_every_time() {
    same_every_time("tidb-53519-br-partition", "br@as-reported", "sim");
}

#[test]
fn a_pd_that_is_cut_off_gives_the_same_record_every_time() {
    same_every_time("timestamps", "tso@fixed", "sim");
    same_every_time("lookups", "pd@fixed", "sim");
}

#[test]
fn another_seed_picks_another_store() {
    let nodes = |seed| {
        case("tidb-46321-tikv-failure", "lightning@fixed", "reduced", seed).plan.injections[0].nodes.clone()
    };
    let first = nodes(1);
    assert_eq!(first, nodes(1));
    assert!((2..12).any(|seed| nodes(seed) != first), "ten seeds picked the same store");
}

/// Sleeps on the wall clock at two of its calls, which nobody may notice.
#[expect(clippy::disallowed_methods, reason = "the wall clock is to pass while the virtual one stands still")]
fn napping() -> impl Fn() + Send + Sync {
    let samples = AtomicU32::new(0);
    move || {
        if [100, 700].contains(&samples.fetch_add(1, Ordering::Relaxed)) {
            std::thread::sleep(std::time::Duration::from_millis(1100));
        }
    }
}
