//! Nights, cells and runs by number, in a folder of their own.

use std::fs;
use std::path::PathBuf;

use unstuck_record::{Outcome, Verdict};
use unstuck_reports::history::{Appender, Cell, History, Night, Origin, Part, Row};

/// A folder of its own for one test, gone with it.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("unstuck-history-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
    pub(crate) fn begin(&self, night: &Night, part: &Part) -> Appender {
        Appender::begin(History::create(&self.0).unwrap(), night, part).unwrap()
    }
    pub(crate) fn file(&self) -> PathBuf {
        self.0.join(unstuck_reports::history::FILE_NAME)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _left_for_the_next_cleaning = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn night(number: u64) -> Night {
    Night {
        name: format!("night-{number}"),
        started_ms: number * 86_400_000,
        commit: Some(format!("commit-{number}")),
        version: "0.1.0".into(),
        seed: number,
    }
}

pub(crate) fn part(part: u32, parts: u32) -> Part {
    Part {
        part,
        parts,
        machine: "linux x86_64, 4 cores".into(),
        started_ms: 1,
        ended_ms: None,
        interrupted: false,
        planned: 100,
    }
}

pub(crate) fn cell(number: u64) -> Cell {
    let [file, client, world] = ["scenarios/a.yaml", "br@fixed", "sim"].map(str::to_owned);
    Cell { file, name: format!("case_{number}"), variant: String::new(), client, world }
}

/// A run that passed, in `virtual_ms`.
pub(crate) fn row(seed: u64, virtual_ms: u64) -> Row {
    Row {
        seed,
        origin: Origin::Pinned,
        outcome: Some(Outcome::Completed),
        verdict: Some(Verdict::Pass),
        virtual_ms,
        wall_ms: 20,
        budget_ms: 1000,
        baseline_ms: Some(300),
        found: "".into(),
        touched: true,
        path: None,
    }
}
