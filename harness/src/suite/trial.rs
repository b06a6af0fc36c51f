//! One case with one client in one world, as a test.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use libtest_mimic::Failed;
use unstuck_record::Verdict;
use unstuck_reports::terminal::{self, Aside, Style};

use crate::run::Setup;
use crate::run::batch::{Job, WEDGED_AFTER, run_all};

/// Runs the case. What fails reads as it does on a terminal.
pub(super) fn judge(setup: Setup, record: Option<PathBuf>) -> Result<(), Failed> {
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
