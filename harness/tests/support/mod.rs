//! The cases of `scenarios/reported` and `scenarios/catalogue/pd`, made ready to run and to be changed.

#![allow(dead_code, unreachable_pub, reason = "each test uses some of it")]

use std::fmt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use fake_tikv::{Observed, Speed};
use unstuck::client::{Client, Env, Failure, Timers, Workload};
use unstuck::probe::meter::Counts;
use unstuck::run::cases::{Choice, setup};
use unstuck::run::{Setup, Status, run_case};
use unstuck::scenario::{ClientRef, load, matrix};
use unstuck_record::{Judgement, Outcome, Run, Work};

/// Where the file of this name (without its ending) lies.
fn folder(file: &str) -> PathBuf {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let folders = ["reported", "catalogue/pd"].map(|folder| scenarios.join(folder));
    let holds = |folder: &PathBuf| folder.join(file).with_extension("yaml").exists();
    folders.into_iter().find(holds).unwrap_or_else(|| panic!("no file `{file}`"))
}

/// The first case of a file (without its ending), for a client, in the size of a run of the matrix (`sim`: as written).
pub fn case(file: &str, client: &str, variant: &str, seed: u64) -> Setup {
    made(file, None, client, variant, seed)
}

/// The case of this name, as written.
pub fn named(file: &str, case: &str, client: &str, seed: u64) -> Setup {
    made(file, Some(case), client, "sim", seed)
}

/// The names of a file's cases.
pub fn names(file: &str) -> Vec<String> {
    let loaded =
        load(&folder(file).join(file).with_extension("yaml")).unwrap_or_else(|error| panic!("{error}"));
    loaded.cases.iter().map(|case| case.name.clone()).collect()
}

fn made(file: &str, name: Option<&str>, client: &str, variant: &str, seed: u64) -> Setup {
    let file_name = format!("{file}.yaml");
    let folder = folder(file);
    let loaded = load(&folder.join(&file_name)).unwrap_or_else(|error| panic!("{error}"));
    let case = loaded.cases.iter().find(|case| name.is_none_or(|name| case.name == name));
    let case = case.unwrap_or_else(|| panic!("no case {name:?} in {file_name}"));
    let matrix = matrix::load(&folder.join(matrix::FILE_NAME)).unwrap_or_else(|error| panic!("{error}"));
    let of_case = |run: &&matrix::Run| run.file == file_name && run.case == case.name && run.name == variant;
    let run = matrix.runs.iter().find(of_case);
    let run = run.unwrap_or_else(|| panic!("no run `{variant}` of {}", case.name));
    let client = ClientRef::parse(client).unwrap();
    setup(&loaded, case, &client, &Choice { seed, expect: None, ..Choice::of(run) }).unwrap()
}

/// Runs it, and prints what came out for whoever reads a red test.
pub fn run(setup: &Setup) -> Run {
    let run = run_case(setup, None, &Arc::new(Status::default())).unwrap();
    println!("{} {} seed {}: {}", setup.case, run.header.client, setup.seed, judgement(&run).reason);
    run
}

/// The judgement, which a run that came to its end has.
pub fn judgement(run: &Run) -> &Judgement {
    run.judgement.as_ref().expect("a run is judged")
}

/// The outcome, and where it hangs if it does.
pub fn outcome(run: &Run) -> (Outcome, Option<&str>) {
    let first = judgement(run).findings.first();
    (judgement(run).outcome, first.and_then(|finding| finding.wait_site.as_deref()))
}

/// A client with something done around it: before it starts, and whenever its progress is sampled.
pub struct Around {
    pub client: Arc<dyn Client>,
    pub start: fn(&Env),
    pub sample: Box<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.fmt(f)
    }
}

impl Client for Around {
    fn name(&self) -> &str {
        self.client.name()
    }
    fn revision(&self) -> &str {
        self.client.revision()
    }
    fn unit(&self) -> &str {
        self.client.unit()
    }
    fn timers(&self) -> Timers {
        self.client.timers()
    }
    fn speed(&self, workload: &Workload, stores: u32) -> Speed {
        self.client.speed(workload, stores)
    }
    fn run(&self, env: Env) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>> {
        (self.start)(&env);
        self.client.run(env)
    }
    fn progress(&self, seen: &Observed, counts: &Counts) -> (u64, u64) {
        (self.sample)();
        self.client.progress(seen, counts)
    }
    fn audit(&self, seen: &Observed, counts: &Counts) -> Work {
        self.client.audit(seen, counts)
    }
}
