//! The page of a run: the tasks of each case as `unstuck_dump` folds them, and the file.

use std::io;
use std::path::Path;

use unstuck_dump::{Allow, programs};
use unstuck_record::digest::Program;
use unstuck_reports::batch::Ended;
use unstuck_reports::page::{self, Case};

use super::files;

/// Writes the page of these cases.
pub(super) fn write(path: &Path, cases: &[Ended<'_>], commit: Option<&str>) -> io::Result<()> {
    let allow = Allow::known();
    let programs = |case: &Ended<'_>| match case {
        Ended::Judged { run, .. } => programs(run, &allow),
        Ended::Broken { .. } | Ended::NotRun(_) => vec![],
    };
    let programs: Vec<Vec<Program>> = cases.iter().map(programs).collect();
    let cases = cases.iter().zip(&programs).map(|(&ended, programs)| Case { ended, programs });
    let cases: Vec<Case<'_>> = cases.collect();
    files::whole(path, |file| page::write(file, &cases, commit))
}
