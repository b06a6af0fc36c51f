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
    let mut all = 0;
    let trials: Vec<Trial> = clients
        .into_iter()
        .flat_map(|(files, client)| {
            let trials = trials(client);
            all = trials.len();
            trials.into_iter().filter(move |trial| trial.name().starts_with(files))
        })
        .collect();
    assert_eq!(trials.len(), all, "a file whose name begins with no client's word is run by none");
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Every case with one client. Those of the files whose names begin with the client's word are its own.
fn trials(client: Client) -> Vec<Trial> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../scenarios/tikv-client");
    let records = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("tikv-client");
    Suite::new(folder).client(client).records(records).trials()
}
