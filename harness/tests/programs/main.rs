//! Programs as the client, on real sockets. This test binary is the programs as well: with the environment variable
//! `UNSTUCK_TEST_CLIENT` it is the client of that name.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
#![allow(clippy::disallowed_methods, reason = "real programs in real time: no runtime here is blocked")]

mod behaviour;
mod client;
mod foreign;
mod orphan;
mod world;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// Most of these tests wait.
const THREADS: usize = 12;

fn main() -> ExitCode {
    if let Ok(name) = std::env::var(client::NAME) {
        client::be(&name);
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let trials = behaviour::TESTS.iter().chain(orphan::TESTS);
    let trial = |&(name, test): &(&'static str, fn())| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    let mut trials: Vec<Trial> = trials.map(trial).collect();
    trials.extend(foreign::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The tests of a module, by name.
type Tests = &'static [(&'static str, fn())];

/// `tests![a, b]`: the functions with their names.
macro_rules! tests {
    ($($name:ident),* $(,)?) => { &[$((stringify!($name), $name as fn())),*] };
}
pub(crate) use tests;
