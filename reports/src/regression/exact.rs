//! What virtual time shows: the same seed gives the same run, so every difference is a change.

use serde::Serialize;

use super::When;
use crate::history::read::CellSeen;
use crate::history::{Cell, Row, Window};

/// A cell in virtual time some of whose seeds ran otherwise than the time before.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Which.
    #[serde(flatten)]
    pub cell: Cell,
    /// So many seeds changed their time, or what was found.
    pub changed: u64,
    /// Of so many that ran before too.
    pub seeds: u64,
    /// The seed with the greatest difference.
    pub seed: u64,
    /// Its virtual time before, in milliseconds.
    pub old_ms: u64,
    /// And tonight.
    pub new_ms: u64,
    /// New by old: the median of the seeds that changed.
    pub ratio: f64,
    /// What was said of that seed before and tonight, if that changed.
    pub said: Option<(String, String)>,
    /// The night that it is compared with.
    pub before: When,
    /// Same commit, same version, same seed, another run: that must not be.
    pub same_commit: bool,
}

/// The change of a cell in the window's last night, if there is one.
pub(super) fn change(window: &Window, seen: &CellSeen) -> Option<Change> {
    let ((tonight, rows), earlier) = seen.nights.split_last()?;
    if !seen.cell.is_exact() || tonight + 1 != window.nights.len() {
        return None;
    }
    let before = |row: &Row| {
        let of_night = |(place, old): &'_ (usize, Vec<Row>)| {
            old.iter().find(|old| old.seed == row.seed).map(|old| (*place, old.clone()))
        };
        earlier.iter().rev().find_map(of_night)
    };
    let complete =
        |row: &&Row| row.outcome.is_some_and(|outcome| outcome != unstuck_record::Outcome::Interrupted);
    let pairs: Vec<(usize, Row, &Row)> = rows
        .iter()
        .filter(complete)
        .filter_map(|row| before(row).filter(|(_, old)| complete(&old)).map(|(place, old)| (place, old, row)))
        .collect();
    let now = &window.nights[*tonight].night;
    let same_commit = |place: usize| {
        let then = &window.nights[place].night;
        // git's word for a commit that is not all there is
        let whole = then.commit.as_ref().is_some_and(|commit| !commit.ends_with("-dirty"));
        whole && then.commit == now.commit && then.version == now.version
    };
    // one that passed and fails, or the other way round, is told as a failure
    let turned = |old: &Row, new: &Row| old.is_bad() != new.is_bad();
    let differs = |(place, old, new): &&(usize, Row, &Row)| {
        (same_commit(*place) || !turned(old, new))
            && (old.virtual_ms, old.outcome, &old.found) != (new.virtual_ms, new.outcome, &new.found)
    };
    let changed: Vec<_> = pairs.iter().filter(differs).collect();
    let apart = |old: &Row, new: &Row| ratio(old, new).ln().abs();
    let (place, old, new) =
        changed.iter().max_by(|a, b| apart(&a.1, a.2).total_cmp(&apart(&b.1, b.2))).copied()?;
    let mut ratios: Vec<f64> = changed.iter().map(|(_, old, new)| ratio(old, new)).collect();
    ratios.sort_by(f64::total_cmp);
    let said = (old.said(), new.said());
    Some(Change {
        cell: seen.cell.clone(),
        changed: changed.len() as u64,
        seeds: pairs.len() as u64,
        seed: new.seed,
        old_ms: old.virtual_ms,
        new_ms: new.virtual_ms,
        ratio: ratios[ratios.len() / 2],
        said: (said.0 != said.1).then_some(said),
        before: When::of(&window.nights[*place].night),
        same_commit: same_commit(*place),
    })
}

/// New by old. What takes no time at all is taken for a millisecond.
fn ratio(old: &Row, new: &Row) -> f64 {
    new.virtual_ms.max(1) as f64 / old.virtual_ms.max(1) as f64
}
