//! Clients in other languages, as their users have them, against the program: each script gets the line of JSON that
//! `fake-tikv` printed, drives its client, changes the cluster through the admin API meanwhile, and ends with 0.
//!
//! What is not on this machine is not run, and the output says so by name; `.ci/clients` installs it.
//!
//! * [`cluster`]: the program
//! * [`script`]: a script that must end well, and in time
//! * [`python`]: tikv-python and tikv-client of the Python package index
//! * [`go`]: two generations of client-go

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod cluster;
mod go;
mod python;
mod script;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let args = Arguments::from_args();
    let readme = Trial::test("readme/shows_what_is_tested", || {
        readme();
        Ok(())
    });
    let trials = python::trials().into_iter().chain(go::trials()).chain([readme]).collect();
    libtest_mimic::run(&args, trials).exit();
}

/// A test, or, where something is missing, a line that says what.
fn trial(name: String, missing: Option<&str>, run: impl FnOnce() + Send + 'static) -> Trial {
    let trial = Trial::test(name, || {
        run();
        Ok(())
    });
    match missing {
        None => trial,
        Some(missing) => trial.with_kind(format!("not run: {missing}")).with_ignored_flag(true),
    }
}

/// The README shows the programs that are run, to the letter.
fn readme() {
    let text = |path: &str| {
        std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
    };
    for shown in ["tests/rust-client/src/bin/hello.rs", "tests/python/hello.py", "tests/go/hello/main.go"] {
        assert!(text("README.md").contains(&text(shown)), "README.md does not show `{shown}` as it is");
    }
}
