//! Every case under `scenarios/tikv-client/` is a test; its expectation says what the crate does today. A newer crate
//! that does better turns its test red.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use tikv_client_tests::{raw, scan, txn};
use unstuck::{Client, Suite};

/// They wait most of the time: all of them at once.
const THREADS: usize = 32;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let clients = [("raw", raw()), ("txn", txn()), ("scan", scan())];
    let trials = clients.into_iter().flat_map(|(files, client)| trials(files, client)).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The cases of the files whose names begin with the client's word.
fn trials(files: &str, client: Client) -> Vec<Trial> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../scenarios/tikv-client");
    let records = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("tikv-client");
    let mut trials = Suite::new(folder).client(client).records(records).trials();
    trials.retain(|trial| trial.name().starts_with(files));
    trials
}
