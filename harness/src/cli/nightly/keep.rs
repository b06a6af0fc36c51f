//! What a night keeps of its runs: the records of those that failed, three of a cell, each with its page beside it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use unstuck_record::Run;
use unstuck_reports::batch::Ended;
use unstuck_reports::history::Cell;
use unstuck_reports::terminal::Aside;

use super::super::morning::NIGHTS;
use super::super::page;
use super::super::results::Results;
use super::super::run::{beside, write_dump};
use super::plan::{Partition, Planned};
use crate::run::batch::Job;

/// So many failed runs of a cell are kept: more of them show the same again, and a record can be megabytes.
const MOST: u32 = 3;

/// The records of a night.
pub(super) struct Kept {
    history: PathBuf,
    results: Results,
    of_cells: BTreeMap<Cell, u32>,
}

impl Kept {
    /// A folder for this part of this night.
    pub(super) fn create(history: &Path, night: &str, part: Partition) -> Result<Self, String> {
        let folder = history.join(NIGHTS).join(night).join(part.to_string().replace('/', "-of-"));
        fs::create_dir_all(&folder)
            .map_err(|error| format!("cannot create `{}` for the records: {error}", folder.display()))?;
        Ok(Self { history: history.to_owned(), results: Results::within(folder), of_cells: BTreeMap::new() })
    }

    /// The run with a record, which is written as it happens.
    pub(super) fn job(&mut self, planned: &Planned) -> Job {
        let record = Some(self.results.record(&planned.setup));
        Job { record, setup: planned.setup.clone(), verdict_only: true }
    }

    /// Keeps the record of a failed run, with a page. Answers with where that lies in the history's folder.
    pub(super) fn keep(&mut self, cell: &Cell, job: &Job) -> Option<String> {
        let kept = self.of_cells.entry(cell.clone()).or_default();
        if *kept >= MOST {
            drop(job);
            return None;
        }
        *kept += 1;
        let record = job.record.as_deref()?;
        let told = told(record).unwrap_or_else(|error| {
            eprintln!("error: `{}`: {error}", record.display());
            record.to_owned()
        });
        let inside = told.strip_prefix(&self.history).unwrap_or(&told);
        Some(inside.to_string_lossy().replace('\\', "/"))
    }
}

/// Forgets a run, and all that lies beside its record.
pub(super) fn drop(job: &Job) {
    let Some(record) = &job.record else { return };
    for ending in ["jsonl", "goroutines.txt", "output.txt", "dumps.txt", "trace.txt", "calls.ndjson"] {
        let _it_may_not_be_there = fs::remove_file(record.with_extension(ending));
    }
}

/// Writes the page of a record beside it.
fn told(record: &Path) -> io::Result<PathBuf> {
    let run = Run::parse_bytes(&fs::read(record)?).map_err(io::Error::other)?;
    write_dump(record, &run);
    let Some(judgement) = &run.judgement else { return Ok(record.to_owned()) };
    let name = record.display().to_string();
    let aside = Aside { record: Some(&name), beside: &beside(record), wall_ms: None };
    let page = record.with_extension("html");
    page::write(&page, &[Ended::Judged { run: &run, judgement, aside }], None)?;
    Ok(page)
}
