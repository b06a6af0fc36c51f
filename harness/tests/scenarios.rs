//! Every run of every `matrix.yaml` under `scenarios/` is one test: the case, the client, the world, and what is
//! to come out. Names read `reported/tidb-46321-tikv-failure/tikv_failure/lightning@fixed/sim`.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use libtest_mimic::{Arguments, Failed, Trial};
use unstuck::run::batch::{Job, WEDGED_AFTER, run_all};
use unstuck::run::cases::{Choice, setup};
use unstuck::scenario::{load, matrix};
use unstuck_record::Verdict;
use unstuck_reports::terminal::{self, Aside, Style};

/// Cases on real sockets wait most of the time, so more of them run at once than there are cores.
const THREADS: usize = 12;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root)
        .expect("the scenarios are in the repository")
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    folders.retain(|folder| folder.join(matrix::FILE_NAME).exists());
    folders.sort();
    assert!(!folders.is_empty(), "no folder with a matrix");
    let trials = folders.iter().flat_map(|folder| trials(folder)).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials(folder: &Path) -> Vec<Trial> {
    let matrix = matrix::load(&folder.join(matrix::FILE_NAME)).unwrap_or_else(|error| panic!("{error}"));
    let folder_name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let trial = |run: &matrix::Run| {
        let stem = run.file.trim_end_matches(".yaml");
        let name = format!("{folder_name}/{stem}/{}/{}/{}", run.case, run.client, run.name);
        let (path, run) = (folder.join(&run.file), run.clone());
        Trial::test(name, move || judge(&path, &run))
    };
    matrix.runs.iter().map(trial).collect()
}

fn judge(path: &Path, run: &matrix::Run) -> Result<(), Failed> {
    let mut file = load(path).map_err(|problems| problems.render(false))?;
    // reports name the file as one would from the workspace
    file.name =
        format!("scenarios/{}", path.strip_prefix(path.ancestors().nth(2).unwrap()).unwrap().display());
    let case = file.cases.iter().find(|case| case.name == run.case);
    let case = case.ok_or_else(|| format!("{} has no case `{}`", file.name, run.case))?;
    let choice = Choice::of(run);
    let setup = setup(&file, case, &run.client, &choice).map_err(|error| error.to_string())?;
    let jobs = [Job { setup, record: None, verdict_only: false }];
    let done = run_all(&jobs, 1, WEDGED_AFTER, &AtomicBool::new(false), |_| {})
        .remove(0)
        .expect("nobody interrupts");
    let judged = done.run.map_err(|error| error.to_string())?;
    match &judged.judgement {
        Some(judgement) if judgement.verdict == Verdict::Pass => Ok(()),
        Some(judgement) => Err(terminal::case(&judged, judgement, Aside::default(), Style::default()).into()),
        None => Err("the run was not judged".into()),
    }
}
