//! What real time shows: medians of nights, less what all cases have in common, judged by [`shift`](super::shift).

use serde::Serialize;

use super::shift::{LAST, Shift, judge, median};
use super::{Settings, When};
use crate::history::read::CellSeen;
use crate::history::{Cell, Row, Window};

/// With fewer cells nobody can tell the machine from the case.
const COMMON: usize = 8;

/// A time on real sockets that is longer, or shorter, than it was.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shifted {
    /// Which; `None`: all of them together, by the median.
    pub cell: Option<Cell>,
    /// The median of the nights before, in milliseconds; of all cells together 1000.
    pub old_ms: u64,
    /// That of the nights since.
    pub new_ms: u64,
    /// New by old.
    pub ratio: f64,
    /// The spread between quiet nights, as a share.
    pub noise: f64,
    /// The first of the nights that show it.
    pub since: When,
}

/// A time on real sockets that varies so much that only a great shift would be found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unstable {
    /// Which.
    #[serde(flatten)]
    pub cell: Cell,
    /// The least slow-down, as a share, that would be found in three nights.
    pub least: f64,
}

/// What the times on real sockets say tonight.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Measured {
    /// Shifted ones, the slowest first.
    pub shifted: Vec<Shifted>,
    /// Those that vary too much, the worst first.
    pub unstable: Vec<Unstable>,
    /// So many have too few nights, of the same machine, to be judged.
    pub unripe: u64,
    /// By how much all of them together were off tonight, as a share; it is taken out of each. `None` if there are too few to tell.
    pub common: Option<f64>,
}

/// The times of one cell, as logarithms, by the place of the night.
struct Series<'a> {
    cell: &'a Cell,
    times: Vec<(usize, f64)>,
}

/// All cells on real sockets that ran in the window's last night.
pub(super) fn measured(window: &Window, settings: &Settings) -> Measured {
    let all: Vec<Series<'_>> = window.cells.iter().filter_map(|seen| series(window, seen)).collect();
    let common = common(window.nights.len(), &all);
    let mut told =
        Measured { common: common.last().copied().flatten().map(f64::exp_m1), ..Measured::default() };
    let when = |place: usize| When::of(&window.nights[place].night);
    for Series { cell, times } in &all {
        let pure: Vec<f64> =
            times.iter().map(|(place, time)| time - common[*place].unwrap_or_default()).collect();
        match judge(&pure, all.len(), settings) {
            Shift::Unripe => told.unripe += 1,
            Shift::Quiet { least } if least.exp_m1() > settings.unstable => {
                told.unstable.push(Unstable { cell: (*cell).clone(), least: least.exp_m1() });
            }
            Shift::Quiet { .. } => {}
            Shift::Shifted { old, new, spread } => told.shifted.push(Shifted {
                cell: Some((*cell).clone()),
                old_ms: old.exp().round() as u64,
                new_ms: new.exp().round() as u64,
                ratio: (new - old).exp(),
                noise: spread.exp_m1(),
                since: when(times[times.len() - LAST].0),
            }),
        }
    }
    let factors: Vec<(usize, f64)> =
        common.iter().enumerate().filter_map(|(place, factor)| Some((place, (*factor)?))).collect();
    let plain: Vec<f64> = factors.iter().map(|(_, factor)| *factor).collect();
    if let Shift::Shifted { old, new, spread } = judge(&plain, 1, settings) {
        told.shifted.push(Shifted {
            cell: None,
            old_ms: 1000,
            new_ms: ((new - old).exp() * 1000.0).round() as u64,
            ratio: (new - old).exp(),
            noise: spread.exp_m1(),
            since: when(factors[factors.len() - LAST].0),
        });
    }
    told.shifted.sort_by(|a, b| b.ratio.total_cmp(&a.ratio));
    told.unstable.sort_by(|a, b| b.least.total_cmp(&a.least));
    told
}

/// The nights of a cell that ran on the machine of its last one.
fn series<'a>(window: &Window, seen: &'a CellSeen) -> Option<Series<'a>> {
    if seen.cell.is_exact() {
        return None;
    }
    let machine = |place: usize| window.nights[place].part_of(&seen.cell).map(|part| part.machine.as_str());
    let last = window.nights.len().checked_sub(1)?;
    let time = |(place, rows): &(usize, Vec<Row>)| {
        let times: Vec<f64> =
            rows.iter().filter(|row| row.is_timed()).map(|row| (row.virtual_ms.max(1) as f64).ln()).collect();
        (!times.is_empty() && machine(*place) == machine(last)).then(|| (*place, median(&times)))
    };
    let times: Vec<(usize, f64)> = seen.nights.iter().filter_map(time).collect();
    (times.last()?.0 == last).then_some(Series { cell: &seen.cell, times })
}

/// For each night the median of what the cells were off their own medians.
fn common(nights: usize, all: &[Series<'_>]) -> Vec<Option<f64>> {
    let mut off: Vec<Vec<f64>> = vec![vec![]; nights];
    for Series { times, .. } in all {
        let usual = median(&times.iter().map(|(_, time)| *time).collect::<Vec<_>>());
        for (place, time) in times {
            off[*place].push(time - usual);
        }
    }
    off.into_iter().map(|off| (off.len() >= COMMON).then(|| median(&off))).collect()
}
