//! Nights made by hand: a cell for each name, its runs as a few letters a night.

use std::collections::BTreeMap;

use unstuck_record::{Outcome, Verdict};
use unstuck_reports::history::read::{CellSeen, Window};
use unstuck_reports::history::{Cell, Night, Origin, Part, Row, Seen};

/// Some nights, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Nights {
    pub(crate) seen: Vec<Seen>,
    pub(crate) cells: BTreeMap<Cell, Vec<(usize, Vec<Row>)>>,
    pub(crate) older: Vec<(Night, bool)>,
}

pub(crate) fn cell(name: &str, world: &str) -> Cell {
    let [file, client] = ["scenarios/a.yaml", "br@fixed"].map(str::to_owned);
    Cell { file, name: name.into(), variant: String::new(), client, world: world.into() }
}

pub(crate) fn night(number: usize) -> Night {
    Night {
        name: format!("night-{number:02}"),
        // from 2026-10-01 02:00 UTC on
        started_ms: 1_790_820_000_000 + number as u64 * 86_400_000,
        commit: Some(format!("commit-{number:02}")),
        version: "0.1.0".into(),
        seed: number as u64,
    }
}

pub(crate) fn part(part: u32, parts: u32) -> Part {
    Part {
        part,
        parts,
        machine: "linux x86_64, 4 cores".into(),
        started_ms: 0,
        ended_ms: Some(1),
        interrupted: false,
        planned: 1,
    }
}

/// A run of ten minutes of the twenty that it may take, that passed.
pub(crate) fn passed(seed: u64, origin: Origin) -> Row {
    Row {
        seed,
        origin,
        outcome: Some(Outcome::Completed),
        verdict: Some(Verdict::Pass),
        virtual_ms: 600_000,
        wall_ms: 1000,
        budget_ms: 1_200_000,
        baseline_ms: Some(300_000),
        found: "".into(),
        touched: true,
        path: None,
    }
}

pub(crate) fn failed(seed: u64, origin: Origin) -> Row {
    Row {
        outcome: Some(Outcome::Stuck),
        verdict: Some(Verdict::Fail),
        virtual_ms: 3_600_000,
        found: "hang at NewStream/quota".into(),
        path: Some(format!("nights/x/1-of-1/{seed}.html").into()),
        ..passed(seed, origin)
    }
}

impl Nights {
    /// So many nights, each whole, in which nothing has run yet.
    pub(crate) fn of(count: usize) -> Self {
        let seen = |number| Seen { night: night(number), parts: vec![part(1, 1)] };
        Self { seen: (0..count).map(seen).collect(), ..Self::default() }
    }

    /// Adds the runs of a cell in one night.
    pub(crate) fn ran(&mut self, cell: &Cell, night: usize, rows: Vec<Row>) {
        self.cells.entry(cell.clone()).or_default().push((night, rows));
    }

    /// A cell in virtual time whose pinned seeds 1 to 3 passed (`.`), failed (`x`), showed nothing (`?`) or did not run (a
    /// blank), a word a night.
    pub(crate) fn pinned(words: &str) -> Self {
        Self::runs("case", "sim", Origin::Pinned, words)
    }

    /// The same on real sockets.
    pub(crate) fn sockets(words: &str) -> Self {
        Self::runs("case", "tcp", Origin::Sockets, words)
    }

    fn runs(name: &str, world: &str, origin: Origin, words: &str) -> Self {
        let words: Vec<&str> = words.split('|').collect();
        let mut nights = Self::of(words.len());
        for (number, word) in words.iter().enumerate() {
            let run = |(place, letter): (usize, char)| {
                let seed = place as u64 + 1;
                match letter {
                    '.' => Some(passed(seed, origin)),
                    'x' => Some(failed(seed, origin)),
                    '?' => {
                        Some(Row { verdict: Some(Verdict::Unknown), touched: false, ..passed(seed, origin) })
                    }
                    _ => None,
                }
            };
            let rows: Vec<Row> = word.chars().enumerate().filter_map(run).collect();
            if !rows.is_empty() {
                nights.ran(&cell(name, world), number, rows);
            }
        }
        nights
    }

    pub(crate) fn window(&self) -> Window {
        let cells = self.cells.iter().map(|(cell, nights)| CellSeen {
            cell: cell.clone(),
            nights: nights.clone(),
            older: self.older.clone(),
        });
        Window { nights: self.seen.clone(), cells: cells.collect() }
    }
}
