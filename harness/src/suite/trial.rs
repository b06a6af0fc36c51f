//! One case with one client in one world, as a test.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use libtest_mimic::Failed;
use unstuck_record::Verdict;
use unstuck_reports::terminal::{self, Aside, Style};

use crate::run::Setup;
use crate::run::batch::{Job, WEDGED_AFTER, run_all};

/// Runs the case. What fails reads as it does on a terminal, but for the command that runs it again: that is `cargo test`'s.
pub(super) fn judge(test: &str, setup: Setup, record: Option<PathBuf>) -> Result<(), Failed> {
    let setup = Setup { again: Some(again(test)), ..setup };
    if let Some(folder) = record.as_ref().and_then(|file| file.parent()) {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let shown = record.as_ref().map(|file| file.display().to_string());
    let jobs = [Job { setup, record, verdict_only: false }];
    let done = run_all(&jobs, 1, WEDGED_AFTER, &AtomicBool::new(false), |_| {})
        .remove(0)
        .expect("nobody interrupts");
    let judged = done.run.map_err(|error| error.to_string())?;
    let aside = Aside { record: shown.as_deref(), ..Aside::default() };
    match &judged.judgement {
        Some(judgement) if judgement.verdict == Verdict::Pass => Ok(()),
        Some(judgement) => Err(terminal::case(&judged, judgement, aside, Style::default()).into()),
        None => Err("the run was not judged".into()),
    }
}

/// The command that runs one test of this program, which cargo has named after the test target and a hash.
fn again(test: &str) -> String {
    let program = std::env::args().next().unwrap_or_default();
    let stem = Path::new(&program).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let stem = stem.unwrap_or_default();
    let target = stem.rsplit_once('-').map_or(&*stem, |(target, _hash)| target);
    format!("cargo test --test {target} -- --exact '{test}'")
}
