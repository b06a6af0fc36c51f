//! What has become of a night: the report that a team reads in the morning, as data and in four forms.
//!
//! * [`rate`]: how often something fails, and how sure that is
//! * [`shift`]: whether a series of nights has shifted
//! * [`standing`]: what fails: new, still, flaky, fixed
//! * [`exact`]: what virtual time shows
//! * [`measured`]: what real time shows
//! * [`headroom`]: what is left of the budget
//! * `told`: all of it in words
//! * [`json`], [`markdown`](fn@markdown), [`page`](fn@page), [`plain`](fn@plain): for machines, for chat and mail, as HTML, for a
//!   terminal
//! * `pingcap`: as PingCAP's CI reads it

pub mod exact;
pub mod headroom;
pub mod json;
mod markdown;
pub mod measured;
mod page;
mod pingcap;
mod plain;
pub mod rate;
pub mod shift;
mod spark;
pub mod standing;
mod told;

use serde::Serialize;
use unstuck_record::Verdict;

use crate::history::read::CellSeen;
use crate::history::{Cell, Night, Part, Row, Seen, Window};
use exact::Change;
use headroom::Shrinking;
pub use markdown::markdown;
use measured::Measured;
pub use page::{Links, page};
pub use pingcap::{problem_cases, weekly};
pub use plain::plain;
use standing::{Failure, Standing};

/// The version of the JSON form; its schema is `reports/schema/nightly.json`.
pub const VERSION: u32 = 1;

/// After so many nights a case that is missing is taken for one that nobody has any more.
const MISSED: usize = 7;

/// What is looked at, and when it is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// So many nights are compared, tonight's included.
    pub nights: u32,
    /// A shift of real time by less than this share is none.
    pub effect: f64,
    /// Chance may shift a quiet cell's real time so often.
    pub false_alarms: f64,
    /// And any of a night's so often, however many there are.
    pub false_alarms_a_night: f64,
    /// Real time is called unstable where only a shift of more than this share would be found.
    pub unstable: f64,
    /// A cell that turns so often from good to bad or back within the window is flaky.
    pub flaky_turns: usize,
    /// What would pass by luck no more often than this is fixed.
    pub luck: f64,
}

impl Default for Settings {
    /// One false alarm in a million quiet cells, or in a thousand nights, whichever is rarer.
    fn default() -> Self {
        Self {
            nights: 30,
            effect: 0.10,
            false_alarms: 1e-6,
            false_alarms_a_night: 1e-3,
            unstable: 0.50,
            flaky_turns: 4,
            luck: 0.05,
        }
    }
}

/// A night as a reader looks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct When {
    /// The night's name.
    pub night: String,
    /// When it began, UTC.
    pub date: String,
    /// The commit under test.
    pub commit: String,
}

impl When {
    /// That night.
    pub fn of(night: &Night) -> Self {
        Self { night: night.name.clone(), date: night.date(), commit: night.short_commit().to_owned() }
    }
}

/// Tonight in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Cells that ran.
    pub cells: u64,
    /// Runs.
    pub runs: u64,
    /// Runs that came out as expected.
    pub passed: u64,
    /// That did not.
    pub failed: u64,
    /// That show nothing.
    pub unknown: u64,
    /// That the harness could not make.
    pub broken: u64,
}

/// A cell whose faults touched nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Untouched {
    /// Which.
    #[serde(flatten)]
    pub cell: Cell,
    /// In so many nights in a row, tonight's included.
    pub nights: u64,
}

/// A cell that was to run and did not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Missing {
    /// Which.
    #[serde(flatten)]
    pub cell: Cell,
    /// The last night in which it ran.
    pub last: When,
}

/// One cell in one night of the window, for a sparkline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// The night's place in `nights`.
    pub night: usize,
    /// Runs.
    pub runs: u64,
    /// Runs that failed.
    pub bad: u64,
    /// Runs that show nothing.
    pub unknown: u64,
    /// The median time, in milliseconds.
    pub time_ms: u64,
    /// The budget.
    pub budget_ms: u64,
}

/// A cell in all nights of the window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Which.
    #[serde(flatten)]
    pub cell: Cell,
    /// Where a page's sparkline leads to.
    pub anchor: String,
    /// The nights in which it ran, oldest first.
    pub points: Vec<Point>,
}

/// The report of one night.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// [`VERSION`].
    pub version: u32,
    /// The night.
    pub night: Night,
    /// Its parts, as far as they were seen.
    pub parts: Vec<Part>,
    /// What a reader must know of the night itself: interrupted, parts not seen.
    pub notes: Vec<String>,
    /// In numbers.
    pub counts: Counts,
    /// What fails, or has failed: new, still, flaky, fixed.
    pub failures: Vec<Failure>,
    /// What runs otherwise in virtual time, the slowest first.
    pub changes: Vec<Change>,
    /// What real time shows.
    pub measured: Measured,
    /// Budgets that become tight.
    pub shrinking: Vec<Shrinking>,
    /// Faults that touched nothing.
    pub untouched: Vec<Untouched>,
    /// What did not run.
    pub missing: Vec<Missing>,
    /// The nights of the window, oldest first.
    pub nights: Vec<When>,
    /// Every cell of the window.
    pub cells: Vec<Line>,
}

impl Report {
    /// The report of the window's last night; `None` if there is no night.
    pub fn of(window: &Window, settings: &Settings) -> Option<Self> {
        let tonight = window.nights.last()?;
        let mut failures: Vec<Failure> =
            window.cells.iter().filter_map(|seen| standing::failure(window, seen, settings)).collect();
        failures.sort_by(|a, b| {
            let key = |one: &Failure| (one.standing, std::cmp::Reverse(one.bad * 1000 / one.runs.max(1)));
            key(a).cmp(&key(b)).then_with(|| a.cell.cmp(&b.cell))
        });
        let mut changes: Vec<Change> =
            window.cells.iter().filter_map(|seen| exact::change(window, seen)).collect();
        changes.sort_by(|a, b| b.ratio.total_cmp(&a.ratio).then_with(|| a.cell.cmp(&b.cell)));
        Some(Self {
            version: VERSION,
            night: tonight.night.clone(),
            parts: tonight.parts.clone(),
            notes: notes(tonight),
            counts: counts(window),
            failures,
            changes,
            measured: measured::measured(window, settings),
            shrinking: window.cells.iter().filter_map(|seen| headroom::shrinking(window, seen)).collect(),
            untouched: window.cells.iter().filter_map(|seen| untouched(window, seen)).collect(),
            missing: window.cells.iter().filter_map(|seen| missing(window, seen)).collect(),
            nights: window.nights.iter().map(|seen| When::of(&seen.night)).collect(),
            cells: window.cells.iter().map(line).collect(),
        })
    }

    /// The failures of one standing.
    pub fn standing(&self, standing: Standing) -> impl Iterator<Item = &Failure> {
        self.failures.iter().filter(move |failure| failure.standing == standing)
    }

    /// Changes of the kind that must not be: same commit, same seed, another run.
    pub fn not_exact(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.same_commit)
    }

    /// The night in one line: `2 new failures, 1 still failing, 3 slower; 8970 runs of 300 cases passed`.
    pub fn headline(&self) -> String {
        let new = self.standing(Standing::New).count();
        let still = self.standing(Standing::Still).count();
        let flaky = self.standing(Standing::Flaky).count();
        let fixed = self.standing(Standing::Fixed).count();
        let slower = self.changes.iter().filter(|change| change.ratio > 1.0).count()
            + self.measured.shifted.iter().filter(|shift| shift.ratio > 1.0).count();
        let told = [
            (new, if new == 1 { "new failure" } else { "new failures" }),
            (still, "still failing"),
            (flaky, "flaky"),
            (slower, "slower"),
            (self.missing.len(), "missing"),
            (fixed, "fixed"),
        ];
        let told: Vec<String> =
            told.iter().filter(|(many, _)| *many > 0).map(|(many, what)| format!("{many} {what}")).collect();
        if told.is_empty() { "nothing new".to_owned() } else { told.join(", ") }
    }
}

fn notes(tonight: &Seen) -> Vec<String> {
    let mut notes = vec![];
    let Some(first) = tonight.parts.first() else { return vec!["no part of this night was seen".to_owned()] };
    let lacking: Vec<String> = (1..=first.parts)
        .filter(|part| !tonight.parts.iter().any(|seen| seen.part == *part))
        .map(|part| part.to_string())
        .collect();
    if !lacking.is_empty() {
        notes.push(format!("part {} of {} was not seen", lacking.join(", "), first.parts));
    }
    for part in &tonight.parts {
        let which =
            if part.parts > 1 { format!("part {} of {}", part.part, part.parts) } else { "it".into() };
        if part.interrupted {
            notes.push(format!("{which} was interrupted: what did not run is not called missing"));
        } else if part.ended_ms.is_none() {
            notes.push(format!("{which} broke off, or still runs: what did not run is not called missing"));
        }
    }
    notes
}

fn counts(window: &Window) -> Counts {
    let mut counts = Counts::default();
    for rows in window.cells.iter().filter_map(|seen| tonights(window, seen)) {
        counts.cells += 1;
        counts.runs += rows.len() as u64;
        for row in rows {
            match row.verdict {
                Some(Verdict::Pass) => counts.passed += 1,
                Some(Verdict::Fail) => counts.failed += 1,
                Some(Verdict::Unknown) => counts.unknown += 1,
                None => counts.broken += 1,
            }
        }
    }
    counts
}

fn tonights<'a>(window: &Window, seen: &'a CellSeen) -> Option<&'a [Row]> {
    let (place, rows) = seen.nights.last()?;
    (place + 1 == window.nights.len()).then_some(rows)
}

fn untouched(window: &Window, seen: &CellSeen) -> Option<Untouched> {
    tonights(window, seen)?;
    let nothing = |(_, rows): &&(usize, Vec<Row>)| rows.iter().all(|row| !row.touched);
    let nights = seen.nights.iter().rev().take_while(nothing).count() as u64;
    (nights > 0).then(|| Untouched { cell: seen.cell.clone(), nights })
}

fn missing(window: &Window, seen: &CellSeen) -> Option<Missing> {
    let (last, _) = seen.nights.last()?;
    let ago = window.nights.len() - 1 - last;
    let had_its_turn = window.nights.last()?.had_its_turn(&seen.cell);
    (had_its_turn && (1..=MISSED).contains(&ago))
        .then(|| Missing { cell: seen.cell.clone(), last: When::of(&window.nights[*last].night) })
}

fn line(seen: &CellSeen) -> Line {
    let point = |(night, rows): &(usize, Vec<Row>)| {
        let mut times: Vec<u64> = rows.iter().map(|row| row.virtual_ms).collect();
        times.sort_unstable();
        Point {
            night: *night,
            runs: rows.len() as u64,
            bad: rows.iter().filter(|row| row.is_bad()).count() as u64,
            unknown: rows.iter().filter(|row| row.verdict == Some(Verdict::Unknown)).count() as u64,
            time_ms: times[times.len() / 2],
            budget_ms: rows.iter().map(|row| row.budget_ms).max().unwrap_or_default(),
        }
    };
    Line {
        cell: seen.cell.clone(),
        anchor: seen.cell.anchor(),
        points: seen.nights.iter().map(point).collect(),
    }
}
