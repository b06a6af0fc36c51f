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

/// A little of everything.
pub(crate) fn all() -> Nights {
    let mut nights = Nights::of(30);
    let mut add = |name: &str, rows: &dyn Fn(usize) -> Option<Vec<Row>>| {
        for number in 0..30 {
            if let Some(rows) = rows(number) {
                nights.ran(&cell(name, "sim"), number, rows);
            }
        }
    };
    let pinned = |bad: bool| if bad { failed(3, Origin::Pinned) } else { passed(3, Origin::Pinned) };
    add("breaks_tonight", &|night| {
        Some(vec![passed(1, Origin::Pinned), pinned(night == 29), {
            let seed = 4_000_000_000 + night as u64;
            if night == 29 { failed(seed, Origin::Fresh) } else { passed(seed, Origin::Fresh) }
        }])
    });
    add("broken_for_long", &|night| Some(vec![pinned(night > 20)]));
    add("comes_and_goes", &|night| Some(vec![pinned(night % 3 == 2)]));
    add("fixed_tonight", &|night| Some(vec![pinned((25..29).contains(&night))]));
    add("gone", &|night| (night < 29).then(|| vec![passed(1, Origin::Pinned)]));
    add("slower", &|night| {
        Some(vec![Row { virtual_ms: 600_000 + 5 * (night as u64 / 29), ..passed(1, Origin::Pinned) }])
    });
    add("tight", &|night| {
        Some(vec![Row { virtual_ms: 600_000 + 20_000 * night as u64, ..passed(1, Origin::Pinned) }])
    });
    add("untouched", &|night| Some(vec![Row { touched: night < 25, ..passed(1, Origin::Pinned) }]));
    nights
}

/// One cell whose every text is hostile, failing tonight.
pub(crate) fn hostile() -> Nights {
    let evil = "</title><script>alert(1)</script>\u{1b}[31m\u{202e}`\"'[x](javascript:1) http://evil.example @team\n# h";
    let mut nights = Nights::of(2);
    for seen in &mut nights.seen {
        seen.night.commit = Some(evil.into());
        seen.parts[0].machine = evil.into();
    }
    nights.seen[1].night = Night { name: evil.into(), ..night(1) };
    let mut cell = cell(evil, evil);
    (cell.file, cell.client, cell.variant) = (evil.into(), evil.into(), evil.into());
    nights.ran(&cell, 0, vec![passed(1, Origin::Pinned)]);
    nights.ran(
        &cell,
        1,
        vec![Row { found: evil.into(), path: Some(evil.into()), ..failed(1, Origin::Pinned) }],
    );
    nights
}
