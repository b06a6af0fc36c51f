//! The models of client-go: without faults no seed finds anything, each case of the catalogue comes out the same with many
//! seeds, and the same seed gives the same record.
//!
//! `UNSTUCK_SEEDS` says how many seeds; the default is small.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::available_parallelism;

use unstuck::fault::Plan;
use unstuck::run::batch::{Job, WEDGED_AFTER, run_all};
use unstuck::run::cases::{Choice, setup};
use unstuck::run::{Setup, Status, run_case};
use unstuck::scenario::{ClientRef, load, matrix};
use unstuck_record::{FindingKind, Outcome, Verdict};

fn seeds() -> u64 {
    std::env::var("UNSTUCK_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(4)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/catalogue/client")
}

/// A case with a client, as written, and what its file expects of it.
fn case(file: &str, name: &str, client: &ClientRef, choice: &Choice) -> Setup {
    let file = load(&folder().join(file)).unwrap_or_else(|error| panic!("{error}"));
    let case = file.cases.iter().find(|case| case.name == name).unwrap();
    setup(&file, case, client, choice).unwrap()
}

fn outcomes(setups: impl IntoIterator<Item = Setup>) -> Vec<(String, Outcome, Verdict, Vec<FindingKind>)> {
    let jobs: Vec<Job> =
        setups.into_iter().map(|setup| Job { setup, record: None, verdict_only: true }).collect();
    let threads = available_parallelism().map_or(2, Into::into);
    let done = run_all(&jobs, threads, WEDGED_AFTER, &AtomicBool::new(false), |_| {});
    let judged = jobs.iter().zip(done).map(|(job, done)| {
        let run = done.unwrap().run.unwrap();
        let judgement = run.judgement.unwrap();
        let found = judgement.findings.iter().map(|finding| finding.kind).collect();
        let name = format!("{} {} seed {}", job.setup.case, run.header.client, job.setup.seed);
        (name, judgement.outcome, judgement.verdict, found)
    });
    judged.collect()
}

#[test]
fn without_faults_nothing_is_found() {
    for client in [
        "raw_kv@fixed",
        "raw_kv@issue-522",
        "raw_kv@pr-503",
        "raw_kv@issue-1713",
        "raw_kv@tiflow-3191",
        "txn_kv@fixed",
    ] {
        let client = ClientRef::parse(client).unwrap();
        let fault_free = |seed| {
            let made = case("moves.yaml", "tikv_freeze", &client, &Choice { seed, ..Choice::default() });
            Setup { plan: Plan::default(), ..made }
        };
        let outcomes = outcomes((1..=seeds()).map(fault_free));
        for (name, outcome, _, found) in outcomes {
            assert_eq!((outcome, found), (Outcome::Completed, vec![]), "{name}");
        }
    }
}

/// What the matrix says of seed 1 holds for the others.
#[test]
fn every_case_comes_out_as_the_matrix_says_with_many_seeds() {
    let matrix = matrix::load(&folder().join(matrix::FILE_NAME)).unwrap_or_else(|error| panic!("{error}"));
    let plain = matrix.runs.iter().filter(|run| run.name == matrix::AS_WRITTEN);
    let setups = plain.flat_map(|run| {
        (2..=seeds()).map(|seed| case(&run.file, &run.case, &run.client, &Choice { seed, ..Choice::of(run) }))
    });
    let odd: Vec<_> =
        outcomes(setups).into_iter().filter(|(_, _, verdict, _)| *verdict != Verdict::Pass).collect();
    assert!(odd.is_empty(), "{odd:#?}");
}

#[test]
fn the_same_seed_gives_the_same_record() {
    for client in ["raw_kv@fixed", "raw_kv@issue-522", "txn_kv@fixed"] {
        let client = ClientRef::parse(client).unwrap();
        let choice = Choice { seed: 3, ..Choice::default() };
        let setup = case("batch-stream.yaml", "client_to_one_tikv_network_partition", &client, &choice);
        // the record names the file of its calls
        let path =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("kv.{}.jsonl", std::process::id()));
        let record = || {
            run_case(&setup, Some(&path), &Arc::new(Status::default())).unwrap();
            let calls = path.with_extension("calls.ndjson");
            let text = [&path, &calls].map(|path| std::fs::read_to_string(path).unwrap()).concat();
            for path in [&path, &calls] {
                std::fs::remove_file(path).unwrap();
            }
            text
        };
        let first = record();
        for run in 1..4 {
            let again = record();
            let differs = first.lines().zip(again.lines()).find(|(one, other)| one != other);
            assert_eq!(differs, None, "{client}, run {run}");
            assert!(first == again, "{client}, run {run}: one record is longer");
        }
    }
}
