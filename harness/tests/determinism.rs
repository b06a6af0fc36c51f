//! The same seed and build give a byte-identical record; another seed picks other stores.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use fake_tikv::{Observed, Speed};
use support::case;
use unstuck::client::{Client, Env, Failure, Timers, Workload};
use unstuck::probe::meter::Counts;
use unstuck::run::{Setup, Status, run_case};
use unstuck_record::{Run, Work};

/// How often each case is run; `UNSTUCK_RUNS` sets another number (the nightly runs 100).
fn runs() -> u32 {
    std::env::var("UNSTUCK_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(8)
}

fn record(setup: &Setup, name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(format!("{name}.{}.jsonl", std::process::id()));
    run_case(setup, Some(&path), &Arc::new(Status::default())).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(Run::parse(&text).unwrap().judgement.is_some(), "the record is whole");
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
    let napping = Napping { client: Arc::clone(&setup.client), samples: AtomicU32::new(0) };
    let across = record(&Setup { client: Arc::new(napping), ..setup }, file);
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
fn another_seed_picks_another_store() {
    let nodes = |seed| {
        case("tidb-46321-tikv-failure", "lightning@fixed", "reduced", seed).plan.injections[0].nodes.clone()
    };
    let first = nodes(1);
    assert_eq!(first, nodes(1));
    assert!((2..12).any(|seed| nodes(seed) != first), "ten seeds picked the same store");
}

/// The same client, but once in a while its harness sleeps on the wall clock, which nobody may notice.
#[derive(Debug)]
struct Napping {
    client: Arc<dyn Client>,
    samples: AtomicU32,
}

impl Client for Napping {
    fn name(&self) -> &str {
        self.client.name()
    }
    fn revision(&self) -> &str {
        self.client.revision()
    }
    fn unit(&self) -> &'static str {
        self.client.unit()
    }
    fn timers(&self) -> Timers {
        self.client.timers()
    }
    fn speed(&self, workload: &Workload, stores: u32) -> Speed {
        self.client.speed(workload, stores)
    }
    fn run(&self, env: Env) -> std::pin::Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>> {
        self.client.run(env)
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the wall clock is to pass while the virtual one stands still"
    )]
    fn progress(&self, seen: &Observed, counts: &Counts) -> (u64, u64) {
        if [100, 700].contains(&self.samples.fetch_add(1, Ordering::Relaxed)) {
            std::thread::sleep(std::time::Duration::from_millis(1100));
        }
        self.client.progress(seen, counts)
    }
    fn audit(&self, seen: &Observed, counts: &Counts) -> Work {
        self.client.audit(seen, counts)
    }
}
