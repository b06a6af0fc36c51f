//! What is left of the budget, and whether that shrinks.

use serde::Serialize;
use unstuck_record::Outcome;

use super::When;
use super::shift::{median, qn};
use crate::history::read::CellSeen;
use crate::history::{Cell, Origin, Row, Window};

/// Fewer nights show no trend.
const NIGHTS: usize = 6;
/// A loss of less than this share of the budget is none.
const LOSS: f64 = 0.05;
/// What counts as much even if nothing near the limit: this share of the budget.
const GREAT_LOSS: f64 = 0.20;
/// Who has less left than this share of the budget is near the limit.
const NEAR: f64 = 0.30;

/// A cell that still passes, but with less and less time to spare.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shrinking {
    /// Which.
    #[serde(flatten)]
    pub cell: Cell,
    /// The share of the budget that was left in the first nights of the window.
    pub old: f64,
    /// And in the last ones.
    pub new: f64,
    /// The first of these nights.
    pub since: When,
}

/// Whether the cell's head-room has shrunk within the window, more than it varies.
pub(super) fn shrinking(window: &Window, seen: &CellSeen) -> Option<Shrinking> {
    let left: Vec<(usize, f64)> =
        seen.nights.iter().filter_map(|(place, rows)| Some((*place, least(rows)?))).collect();
    if left.len() < NIGHTS || left.last()?.0 + 1 != window.nights.len() {
        return None;
    }
    let shares = |part: &[(usize, f64)]| part.iter().map(|(_, share)| *share).collect::<Vec<_>>();
    let first = shares(&left[..left.len() / 3]);
    // virtual time is what it is from one night on; real time is so after three
    let last = if seen.cell.is_exact() { 1 } else { 3 };
    let last = shares(&left[left.len() - last..]);
    let (old, new) = (median(&first), median(&last));
    let noise = if seen.cell.is_exact() { 0.0 } else { 3.0 * qn(&first) };
    let loss = old - new;
    let told = loss > LOSS.max(noise) && (new < NEAR || loss > GREAT_LOSS);
    told.then(|| Shrinking {
        cell: seen.cell.clone(),
        old,
        new,
        since: When::of(&window.nights[left[0].0].night),
    })
}

/// The least share of its budget that a run has left, of runs that do not change their seeds from night to night.
fn least(rows: &[Row]) -> Option<f64> {
    let timed = |row: &&Row| {
        row.outcome == Some(Outcome::Completed) && row.origin != Origin::Fresh && row.budget_ms > 0
    };
    rows.iter()
        .filter(timed)
        .map(|row| 1.0 - row.virtual_ms as f64 / row.budget_ms as f64)
        .min_by(f64::total_cmp)
}
