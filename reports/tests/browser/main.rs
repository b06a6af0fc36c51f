//! The page of a run in a real, headless Chromium. Where there is none the tests do not run, and say so by name;
//! `.ci/chromium` installs it.
//!
//! * [`chromium`]: the browser
//! * [`pages`]: the pages that it opens
//! * [`claims`]: what is said of them
//! * [`night`]: what is said of the page of a night

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod chromium;
mod claims;
#[path = "../fixture/mod.rs"]
mod fixture;
mod night;
#[allow(dead_code, reason = "the report's own tests use all of it")]
#[path = "../regression/nights.rs"]
mod nights;
mod pages;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // a browser is half a dozen processes
    arguments.test_threads.get_or_insert(2);
    let missing = chromium::installed().is_none();
    let trial = |&(name, test, manual): &(&'static str, fn(), bool)| {
        let trial = Trial::test(name, move || {
            test();
            Ok(())
        });
        match (missing, manual) {
            (true, _) => trial.with_kind("not run: no chromium").with_ignored_flag(true),
            (false, true) => trial.with_kind("measurement").with_ignored_flag(true),
            (false, false) => trial,
        }
    };
    libtest_mimic::run(&arguments, claims::TESTS.iter().chain(night::TESTS).map(trial).collect()).exit_code()
}
