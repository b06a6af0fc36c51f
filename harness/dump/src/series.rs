//! Dumps of one program over time: which tasks have not moved, since when, and the two dumps that show it.
//!
//! A task is the same in two dumps if its id, its creation site, its stack and its state are. That alone says that it
//! was seen twice in one place; it may have gone on and come back. Ages prove more, and disprove, once it is known how
//! much time lies between the dumps: told by the caller, else the most by which the age of any task grew, since a task
//! that never left is as much older as the dump is. Ten minutes apart:
//!
//! ```text
//! [select, 2 minutes] [select, 12 minutes]   as much older as the dump: it never left   proved
//! [select]            [select, 14 minutes]   it waited before the first dump            proved
//! [select, 9 minutes] [select, 3 minutes]    it left and came back                      moved
//! [select, 2 minutes] [select, 5 minutes]    the same                                   moved
//! [select, 9 minutes] [select]               the same                                   moved
//! [select]            [select, 3 minutes]    Go counts from a garbage collection on     seen twice
//! [select]            [select]               no ages                                    seen twice
//! ```

use std::cmp::Reverse;
use std::collections::BTreeMap;

use indexmap::IndexMap;
use unstuck_record::digest::{Grown, Movement, Still, Waited};
use unstuck_record::{Frame, TaskDump};

use crate::dump::{Dump, StackId, Task};
use crate::idle::Allow;
use crate::record::owned;
use crate::wait;

/// So many stacks that grew are told.
const GROWN: usize = 20;

/// A series of dumps, oldest first. It keeps what it needs of each, so that the dumps themselves may go.
#[derive(Clone, Debug, Default)]
pub struct Series {
    dumps: Vec<(String, u64)>,
    stacks: IndexMap<Place, Wait>,
    tasks: BTreeMap<u64, Track>,
    /// For each place the dumps in which tasks stood there, and how many.
    counts: Vec<Vec<(usize, u64)>>,
    moved: u64,
    new: u64,
    gone: u64,
    at_ms: Option<u64>,
}

/// Where tasks stand: what must be equal in two dumps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    state: String,
    frames: Vec<Frame>,
    created_by: Option<Frame>,
}

/// What tasks in a place wait for, and why they may.
#[derive(Clone, Debug)]
struct Wait {
    wait: Waited,
    idle: bool,
}

/// A task that stands somewhere.
#[derive(Clone, Copy, Debug)]
struct Track {
    place: usize,
    /// The dump in which it was first seen there, and the age that it had.
    first: (usize, Option<u64>),
    /// The same for the last dump.
    last: (usize, Option<u64>),
    /// Whether ages prove it between any two dumps up to the last.
    proved: bool,
}

/// Which tasks of a record's dumps have not moved, up to the last dump; those that may idle are left out.
pub fn unmoved(dumps: &[TaskDump], allow: &Allow) -> Movement {
    let mut series = Series::default();
    for dump in dumps {
        let at = unstuck_record::Span(dump.at_ms).to_string();
        series.add(&Dump::of_record(dump), &at, Some(dump.at_ms), allow);
    }
    series.movement()
}

// === impl Series ===

impl Series {
    /// Adds the next dump. `name` is what it is quoted by; `at_ms` is when it was taken, where that is known, on any
    /// clock that the others share.
    pub fn add(&mut self, dump: &Dump<'_>, name: &str, at_ms: Option<u64>, allow: &Allow) {
        let number = self.dumps.len();
        self.dumps.push((name.to_owned(), dump.total()));
        let mut places: IndexMap<(&str, StackId, Option<&str>), usize> = IndexMap::new();
        let mut seen: BTreeMap<u64, Track> = BTreeMap::new();
        for task in &dump.tasks {
            let site = task.wait.map(|wait| wait.site.as_str());
            let place = *places
                .entry((task.state, task.stack, site))
                .or_insert_with(|| self.place(dump, task, allow));
            self.counts.resize(self.stacks.len(), vec![]);
            match self.counts[place].last_mut() {
                Some((dump, count)) if *dump == number => *count = count.saturating_add(task.count),
                _ => self.counts[place].push((number, task.count)),
            }
            if task.id != 0 {
                let now = (number, task.minutes);
                seen.entry(task.id).or_insert(Track { place, first: now, last: now, proved: false });
            }
        }
        let before = std::mem::take(&mut self.tasks);
        let pairs = || seen.iter().filter_map(|(id, now)| Some((before.get(id)?, now)));
        let told = self.at_ms.zip(at_ms).map(|(before, now)| now.saturating_sub(before) / 60_000);
        let apart = told.or_else(|| pairs().filter_map(|(before, now)| before.grew(now)).max());
        self.at_ms = at_ms;
        self.gone = before.keys().filter(|id| !seen.contains_key(id)).count() as u64;
        self.new = seen.keys().filter(|id| !before.contains_key(id)).count() as u64;
        self.moved = 0;
        for (id, now) in &mut seen {
            let Some(before) = before.get(id) else { continue };
            match before.again(*now, apart) {
                Some(track) => *now = track,
                None => self.moved += 1,
            }
        }
        self.tasks = seen;
    }

    fn place(&mut self, dump: &Dump<'_>, task: &Task<'_>, allow: &Allow) -> usize {
        let named = wait::name(dump, task);
        let place = Place {
            state: if task.wait.is_some() { named.site.to_owned() } else { task.state.to_owned() },
            frames: dump.frames(task.stack).map(owned).collect(),
            created_by: dump.created_by(task.stack).map(owned),
        };
        let entry = self.stacks.entry(place);
        let at = entry.index();
        entry.or_insert_with(|| Wait {
            wait: Waited {
                site: named.site.to_owned(),
                kind: named.kind,
                what: named.what.to_owned(),
                ..Waited::default()
            },
            idle: allow.why(dump, task).is_some(),
        });
        at
    }

    /// What moved up to the last dump, and what did not.
    pub fn movement(&self) -> Movement {
        let last = self.dumps.len().saturating_sub(1);
        let still = || self.tasks.iter().filter(|(_, track)| track.first.0 < last);
        let idle = still().filter(|(_, track)| self.stacks[track.place].idle).count() as u64;
        let mut groups: IndexMap<(usize, usize, bool), Vec<(u64, Track)>> = IndexMap::new();
        for (&id, &track) in still().filter(|(_, track)| !self.stacks[track.place].idle) {
            groups.entry((track.place, track.first.0, track.proved)).or_default().push((id, track));
        }
        let mut still: Vec<Still> = groups.into_values().map(|tasks| self.still(&tasks)).collect();
        still.sort_by_key(|still| (!still.proved, still.first, Reverse(still.ids.len())));
        Movement {
            dumps: self.dumps.clone(),
            moved: self.moved,
            new: if last == 0 { 0 } else { self.new },
            gone: self.gone,
            still,
            idle,
            grown: self.grown(),
        }
    }

    fn still(&self, tasks: &[(u64, Track)]) -> Still {
        // the one that waits longest stands for all
        let &(id, track) =
            tasks.iter().max_by_key(|(id, track)| (track.last.1, Reverse(*id))).expect("a group has a task");
        let (place, wait) = self.stacks.get_index(track.place).expect("a track's place is one of these");
        let quote = |(dump, minutes): (usize, Option<u64>)| {
            let age = minutes.map_or(String::new(), |minutes| format!(", {minutes} minutes"));
            format!("{}: task {id} [{}{age}]", self.dumps[dump].0, place.state)
        };
        Still {
            ids: tasks.iter().map(|&(id, _)| id).collect(),
            first: track.first.0,
            last: track.last.0,
            wait: wait.wait.clone(),
            frames: place.frames.clone(),
            created_by: place.created_by.clone(),
            proved: track.proved,
            before: quote(track.first),
            after: quote(track.last),
        }
    }

    /// The places that had more tasks in the last dump than in the one before, and never fewer.
    fn grown(&self) -> Vec<Grown> {
        let dumps = self.dumps.len();
        let mut grown: Vec<(u64, usize)> = vec![];
        for (place, counts) in self.counts.iter().enumerate() {
            let (Some(&(first, few)), Some(&(last, many))) = (counts.first(), counts.last()) else {
                continue;
            };
            // in every dump since the first in which there was any
            let whole = last + 1 == dumps && last + 1 - first == counts.len();
            let before = if counts.len() < 2 { 0 } else { counts[counts.len() - 2].1 };
            let begun = if first == 0 { few } else { 0 };
            let rises = before < many && many > begun.saturating_add(1);
            if dumps > 1 && whole && rises && counts.is_sorted_by_key(|&(_, count)| count) {
                grown.push((many - begun, place));
            }
        }
        grown.sort_by_key(|&(growth, place)| (Reverse(growth), place));
        let told = grown.into_iter().take(GROWN).map(|(_, place)| {
            let (at, wait) = self.stacks.get_index(place).expect("every count is of one of these");
            let mut counts = vec![0; dumps];
            for &(dump, count) in &self.counts[place] {
                counts[dump] = count;
            }
            Grown { counts, wait: wait.wait.clone(), frames: at.frames.clone() }
        });
        told.collect()
    }
}

// === impl Track ===

impl Track {
    /// By how many minutes its age grew, if it stands in the same place and both dumps tell the age.
    fn grew(&self, now: &Self) -> Option<u64> {
        let (before, after) = self.last.1.zip(now.last.1).filter(|_| self.place == now.place)?;
        after.checked_sub(before)
    }

    /// The task seen again in a dump so many minutes later; `None` if it has moved since.
    fn again(self, now: Self, apart: Option<u64>) -> Option<Self> {
        if self.place != now.place {
            return None;
        }
        let proved = match (self.last.1, now.last.1) {
            (Some(_), None) => return None,
            // ages are whole minutes: one may be lost by rounding
            (Some(_), Some(_)) if self.grew(&now)? + 1 < apart.unwrap_or(0) => return None,
            (Some(_), Some(_)) => true,
            (None, Some(after)) => apart.is_some_and(|apart| after > apart),
            (None, None) => false,
        };
        Some(Self { first: self.first, proved: proved && (self.proved || self.first == self.last), ..now })
    }
}
