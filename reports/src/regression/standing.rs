//! Whether a cell fails, since when, and how often.

use serde::Serialize;

use super::rate::Rate;
use super::{Settings, When};
use crate::history::read::CellSeen;
use crate::history::{Cell, Origin, Row, Window};

/// So many failed seeds are kept, of those that run every night and of those that do not.
const SEEDS: usize = 20;

/// What has become of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// Tonight for the first time.
    New,
    /// As in the nights before.
    Still,
    /// It comes and goes.
    Flaky,
    /// It is gone, and that is no luck.
    Fixed,
}

/// A cell that fails tonight, or has failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Which.
    #[serde(flatten)]
    pub cell: Cell,
    /// New, still, flaky, fixed.
    pub standing: Standing,
    /// What happened, in the first of the failed runs; of the last night that failed, if tonight none did.
    pub what: String,
    /// So many runs failed tonight.
    pub bad: u64,
    /// Of so many that were judged.
    pub runs: u64,
    /// The first seeds that failed tonight, of those that run every night.
    pub seeds: Vec<u64>,
    /// And of those that were drawn for this night.
    pub fresh: Vec<u64>,
    /// How often it fails, over the nights since it first did; on seeds that nobody chose, where there are any.
    pub rate: Rate,
    /// The first night that failed: of those in a row, or of the window if it is flaky.
    pub since: When,
    /// The last night before that one in which all went well; `None` if nobody has seen one.
    pub last_good: Option<When>,
    /// The page or record of the first failed run.
    pub page: Option<String>,
}

/// A night of a cell, in short.
#[derive(Clone, Copy)]
struct Day<'a> {
    place: usize,
    rows: &'a [Row],
    bad: u64,
    runs: u64,
}

impl<'a> Day<'a> {
    fn of(place: usize, rows: &'a [Row]) -> Option<Self> {
        let bad = rows.iter().filter(|row| row.is_bad()).count() as u64;
        let runs = rows.iter().filter(|row| is_judged(row)).count() as u64;
        (runs > 0).then_some(Self { place, rows, bad, runs })
    }

    /// Failures among runs whose seeds nobody chose; among all, if there are no such runs.
    fn sampled(&self) -> (u64, u64) {
        let sampled = || self.rows.iter().filter(|row| row.origin != Origin::Pinned && is_judged(row));
        match sampled().count() as u64 {
            0 => (self.bad, self.runs),
            runs => (sampled().filter(|row| row.is_bad()).count() as u64, runs),
        }
    }
}

/// Passed or failed; what shows nothing is neither.
fn is_judged(row: &Row) -> bool {
    row.verdict != Some(unstuck_record::Verdict::Unknown)
}

/// The failure of a cell that ran in the window's last night, if it has one.
pub(super) fn failure(window: &Window, seen: &CellSeen, settings: &Settings) -> Option<Failure> {
    let days: Vec<Day<'_>> = seen.nights.iter().filter_map(|(place, rows)| Day::of(*place, rows)).collect();
    let tonight = *days.last().filter(|day| day.place + 1 == window.nights.len())?;
    let earlier = &days[..days.len() - 1];
    let standing = standing(&days, seen.cell.is_exact(), settings)?;
    let streak = match standing {
        Standing::New => earlier.len(),
        Standing::Still => days.iter().rposition(|day| day.bad == 0).map_or(0, |good| good + 1),
        Standing::Flaky => days.iter().position(|day| day.bad > 0)?,
        Standing::Fixed => {
            let last = days.iter().rposition(|day| day.bad > 0)?;
            days[..last].iter().rposition(|day| day.bad == 0).map_or(0, |good| good + 1)
        }
    };
    let when = |day: &Day<'_>| When::of(&window.nights[day.place].night);
    let (mut since, mut last_good) =
        (when(&days[streak]), streak.checked_sub(1).map(|good| when(&days[good])));
    if streak == 0 && standing != Standing::New {
        // it began before the window
        for (night, bad) in &seen.older {
            if !bad {
                last_good = Some(When::of(night));
                break;
            }
            since = When::of(night);
        }
    }
    let shown = days.iter().rev().find(|day| day.bad > 0)?;
    let failed: Vec<&Row> = shown.rows.iter().filter(|row| row.is_bad()).collect();
    // the one whose page was kept tells the most
    let told = failed.iter().find(|row| row.path.is_some()).or(failed.first())?;
    let tonights = if tonight.bad > 0 { &failed[..] } else { &[] };
    let seeds = |wanted: fn(Origin) -> bool| {
        let of = tonights.iter().filter(|row| wanted(row.origin));
        of.map(|row| row.seed).take(SEEDS).collect()
    };
    let (bad, runs) = days[streak..].iter().map(Day::sampled).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    Some(Failure {
        cell: seen.cell.clone(),
        standing,
        what: told.said(),
        bad: tonight.bad,
        runs: tonight.runs,
        seeds: seeds(|origin| origin != Origin::Fresh),
        fresh: seeds(|origin| origin == Origin::Fresh),
        rate: Rate::of(bad, runs),
        since,
        last_good,
        page: told.path.as_deref().map(str::to_owned),
    })
}

fn standing(days: &[Day<'_>], exact: bool, settings: &Settings) -> Option<Standing> {
    let (tonight, earlier) = days.split_last()?;
    let failed_before = earlier.iter().any(|day| day.bad > 0);
    let turns = days.windows(2).filter(|pair| (pair[0].bad > 0) != (pair[1].bad > 0)).count();
    let restless = turns >= settings.flaky_turns;
    if tonight.bad == 0 {
        if !failed_before {
            return None;
        }
        let gone = |days: &[Day<'_>]| is_gone(days, exact, settings);
        return match (gone(days), gone(earlier)) {
            (true, true) => None,
            (true, false) => Some(Standing::Fixed),
            (false, _) => Some(Standing::Flaky),
        };
    }
    let Some(last) = earlier.last().filter(|_| failed_before) else { return Some(Standing::New) };
    if restless {
        return Some(Standing::Flaky);
    }
    // a seed that passed whenever it ran, beside others that fail as ever, is news
    let newly = |row: &&Row| {
        let before = earlier.iter().rev().find_map(|day| day.rows.iter().find(|old| old.seed == row.seed));
        exact && row.is_bad() && before.is_some_and(|old| is_judged(old) && !old.is_bad())
    };
    match tonight.rows.iter().any(|row| newly(&row)) {
        true => Some(Standing::New),
        false if last.bad > 0 => Some(Standing::Still),
        false => Some(Standing::Flaky),
    }
}

/// Whether a failure that is not seen in the last of these nights is gone: the same seeds pass where a seed fixes
/// everything, or so many runs would hardly all pass by luck.
fn is_gone(days: &[Day<'_>], exact: bool, settings: &Settings) -> bool {
    let Some(last) = days.iter().rposition(|day| day.bad > 0) else { return true };
    let since = &days[last + 1..];
    if exact {
        let seeds = || days[last].rows.iter().filter(|row| row.is_bad()).map(|row| row.seed);
        let again = |seed: u64| since.iter().any(|day| day.rows.iter().any(|row| row.seed == seed));
        if seeds().any(again) {
            return true;
        }
    }
    let first = days.iter().position(|day| day.bad > 0).unwrap_or(last);
    let (bad, runs) = days[first..=last].iter().map(Day::sampled).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    let passed = since.iter().map(|day| day.sampled().1).sum();
    Rate::of(bad, runs).all_pass(passed) < settings.luck
}
