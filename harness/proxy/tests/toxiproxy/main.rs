//! Toxiproxy's API: ours against what was recorded of Toxiproxy, against Toxiproxy itself, and under foreign clients.
//!
//! What is not on this machine is not run, and the output says so by name; `.ci/clients` installs it.
//!
//! * [`http`]: one request, one answer
//! * [`exchanges`]: the recorded table, and how an answer is compared with it
//! * [`servers`]: ours, and Toxiproxy's
//! * [`foreign`]: Toxiproxy's own command line, and the Rust client of others

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

mod exchanges;
mod foreign;
mod http;
mod servers;

use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Trial};

fn main() {
    // one at a time: a process that another test is about to start has this one's listeners for a moment, and their ports
    let args = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let table = Trial::test("recorded/ours_answers_as_toxiproxy_did", || {
        exchanges::ours_answers_as_recorded();
        Ok(())
    });
    let table_is_read = Trial::test("recorded/an_answer_that_differs_is_seen", || {
        exchanges::differences_are_seen();
        Ok(())
    });
    let trials = [table, table_is_read].into_iter().chain(servers::trials()).chain(foreign::trials());
    libtest_mimic::run(&args, trials.collect()).exit();
}

/// A test that needs programs that `.ci/clients` brings, or, where one is missing, a line that says which.
fn trial(name: &str, needs: &[&'static str], run: impl FnOnce() + Send + 'static) -> Trial {
    let missing = needs.iter().find(|program| !brought(program).is_file());
    let trial = Trial::test(name, || {
        run();
        Ok(())
    });
    match missing {
        None => trial,
        Some(program) => {
            trial.with_kind(format!("not run: no target/{program}, see .ci/clients")).with_ignored_flag(true)
        }
    }
}

/// Where `.ci/clients` puts a program.
fn brought(program: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target").join(program)
}
