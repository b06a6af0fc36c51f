//! `unstuck watch` as its users meet it: clients and Chaos Mesh are processes and servers of their own on loopback, the command
//! sees of them what it would see of a cluster. The status of Chaos Mesh is made by hand and held against its own schema.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
#![allow(clippy::disallowed_methods, reason = "real programs in real time: no runtime here is blocked")]

mod arguments;
mod chaos_mesh;
mod client;
mod gaps;
mod go;
mod hostile;
mod serve;
mod world;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// Most of these tests wait.
const THREADS: usize = 12;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let tests = [arguments::TESTS, client::TESTS, gaps::TESTS, hostile::TESTS].concat();
    let trial = |(name, test): (&'static str, fn())| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    let mut trials: Vec<Trial> = tests.into_iter().map(trial).collect();
    trials.extend(go::trials());
    trials.push(chaos_mesh::schema());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The tests of a module, by name.
type Tests = &'static [(&'static str, fn())];

/// `tests![a, b]`: the functions with their names.
macro_rules! tests {
    ($($name:ident),* $(,)?) => { &[$((stringify!($name), $name as fn())),*] };
}
pub(crate) use tests;
