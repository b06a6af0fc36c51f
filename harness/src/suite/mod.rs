//! A folder of scenarios as tests of `cargo test`.
//!
//! ```no_run
//! // tests/stuck.rs, with `harness = false` in Cargo.toml
//! use unstuck::{Client, Env, Suite};
//!
//! async fn import(env: Env) -> Result<(), std::io::Error> {
//!     # let _ = env;
//!     // dial `env.pd` with `env.connector()`, spawn with `env.spawn`, count with `env.meter`
//!     Ok(())
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     Suite::new("scenarios").client(Client::new("importer", import)).main()
//! }
//! ```
//!
//! * [`trial`]: one case with one client in one world
//! * [`folder`]: the files and matrices of a folder

mod folder;
mod trial;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use unstuck_record::Outcome;

use crate::client::{Client, Own};
use crate::run::WorldKind;
use crate::scenario;

/// Cases on real sockets wait most of the time, so more of them run at once than there are cores.
const THREADS: usize = 12;

/// A folder of scenarios, and who is tested with them. [`Suite::main`] makes each case a test of its own, named
/// `file/case/client@revision/world`, which filters, `--list` and cargo-nextest understand.
///
/// Every case runs with every client given. Where the folder has a `matrix.yaml`, its runs are tests too, with the clients
/// that come with the harness.
#[derive(Clone, Debug)]
#[must_use = "a suite is run by `main`"]
pub struct Suite {
    folder: PathBuf,
    clients: Vec<Entry>,
    worlds: Vec<WorldKind>,
    seeds: Vec<u64>,
    records: Option<PathBuf>,
}

/// A client, and what is to come out for it where the scenario does not say.
#[derive(Clone, Debug)]
struct Entry {
    client: Arc<dyn Client>,
    in_sim: bool,
    expect: Option<scenario::Expect>,
}

impl Suite {
    /// The scenarios of a folder and of the folders in it. A relative path starts at the package's root, where cargo runs its tests.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            clients: vec![],
            worlds: vec![WorldKind::Sim],
            seeds: vec![1],
            records: None,
        }
    }

    /// Tests this client with every case.
    pub fn client(self, client: Own) -> Self {
        self.entry(client, None)
    }

    /// Tests this client with every case, and demands that it gets stuck, at this wait site if one is given: the bug is
    /// known and not mended, and the day it is mended the test says so.
    pub fn stuck_client(self, client: Own, at: Option<&str>) -> Self {
        let expect = scenario::Expect {
            outcome: Outcome::Stuck,
            stuck_at: at.map(str::to_owned),
            ..scenario::Expect::default()
        };
        self.entry(client, Some(expect))
    }

    fn entry(mut self, client: Own, expect: Option<scenario::Expect>) -> Self {
        self.clients.push(Entry { in_sim: client.runs_in_sim(), client: Arc::new(client), expect });
        self
    }

    /// Where to run: virtual time alone if nothing is said. A client that dials for itself runs on real sockets in any case.
    pub fn worlds(self, worlds: impl IntoIterator<Item = WorldKind>) -> Self {
        Self { worlds: worlds.into_iter().collect(), ..self }
    }

    /// With which seeds each case runs in virtual time; 1 if nothing is said. On real sockets it runs with the first.
    pub fn seeds(self, seeds: impl IntoIterator<Item = u64>) -> Self {
        Self { seeds: seeds.into_iter().collect(), ..self }
    }

    /// Keeps each test's record in this folder, which is made if need be; `unstuck judge` reads them.
    pub fn records(self, folder: impl AsRef<Path>) -> Self {
        Self { records: Some(folder.as_ref().to_owned()), ..self }
    }

    /// The tests, for a program that has more of its own.
    pub fn trials(&self) -> Vec<Trial> {
        folder::trials(self)
    }

    /// Runs the tests as the command line says.
    pub fn main(&self) -> ExitCode {
        let mut arguments = Arguments::from_args();
        arguments.test_threads.get_or_insert(THREADS);
        let mut trials = self.trials();
        // those in virtual time use up the cores, and real time waits for nobody: what runs on real sockets comes behind them
        trials.sort_by_key(|trial| trial.name().rsplit('/').next().is_some_and(|run| run.contains("tcp")));
        libtest_mimic::run(&arguments, trials).exit_code()
    }
}
