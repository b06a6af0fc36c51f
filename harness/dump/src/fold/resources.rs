//! Which single things a group waits for: who else waits for each, and who has it in hand.
//!
//! Go prints the first arguments of functions, a method's receiver among them: `(*Mutex).lockSlow(0xc000123450)`
//! is the lock itself, `(*http2Client).NewStream(0xc004e638c0, …)` the connection. A goroutine that has a lock does
//! not say so; but one that is in a method of the object that the lock is part of, and does not wait for it, may be.

use indexmap::{IndexMap, IndexSet};
use unstuck_record::Resource as Named;
use unstuck_record::digest::{Holder, Resource, WaitKind, Waited};

use super::{Gathered, tally};
use crate::dump::{Dump, Task};
use crate::wait;

/// So many things, holders and places are told of one group.
const TOLD: usize = 4;
/// So many locks' holders are looked for, those of most waiters.
const LOCKS: usize = 64;
/// A lock this far behind the start of an object is taken to be part of it.
const OBJECT: u64 = 4096;

/// What each group waits for.
pub(super) fn of(dump: &Dump<'_>, groups: &[Gathered<'_, '_>], place: &[usize]) -> Vec<Waited> {
    let things: Vec<Vec<(String, u64)>> = groups.iter().map(|group| things(dump, group)).collect();
    let everywhere: IndexMap<&str, u64> =
        tally(things.iter().flatten().map(|(thing, count)| (thing.as_str(), *count))).into_iter().collect();
    let locks = groups.iter().zip(&things).filter(|(group, _)| group.wait.kind == WaitKind::Lock);
    let told = locks.flat_map(|(_, things)| things.iter().take(TOLD)).map(|(thing, _)| thing.as_str());
    let mut locks: Vec<&str> = told.collect();
    locks.sort_by_key(|&lock| std::cmp::Reverse(everywhere[lock]));
    locks.truncate(LOCKS);
    let family = Family::of(dump);
    let holders = holders(dump, groups, &family, &locks);
    let one = |(group, things): (&Gathered<'_, '_>, &Vec<(String, u64)>)| Waited {
        site: group.wait.site.to_owned(),
        kind: group.wait.kind,
        what: group.wait.what.to_owned(),
        on: things
            .iter()
            .take(TOLD)
            .map(|(thing, _)| Resource {
                address: thing.clone(),
                waiting: everywhere[thing.as_str()],
                holders: holders.get(thing.as_str()).cloned().unwrap_or_default(),
            })
            .collect(),
        more: things.len().saturating_sub(TOLD) as u64,
        started: if group.wait.kind == WaitKind::Join {
            family.awaited(dump, groups, group, place)
        } else {
            vec![]
        },
    };
    groups.iter().zip(&things).map(one).collect()
}

/// The things that a group waits for, with how many of its tasks wait for each.
fn things(dump: &Dump<'_>, group: &Gathered<'_, '_>) -> Vec<(String, u64)> {
    let tasks = group.stacks.values().flatten().map(|&task| &dump.tasks[task]);
    tally(tasks.filter_map(|task| Some((thing(group, task)?, task.count))))
}

fn thing(group: &Gathered<'_, '_>, task: &Task<'_>) -> Option<String> {
    if let Some(wait) = task.wait {
        return match &wait.resource {
            Named::Link { addr, .. } => Some(addr.clone()),
            Named::Channel { name, .. } | Named::Lock { name, .. } => Some(name.clone()),
            Named::Join { .. } | Named::Timer { .. } => None,
        };
    }
    if matches!(group.wait.kind, WaitKind::Timer | WaitKind::None) {
        return None;
    }
    wait::argument(task.text, group.wait.by?).map(str::to_owned)
}

/// The tasks by id, and by who started them.
struct Family {
    by_id: IndexMap<u64, usize>,
    children: IndexMap<u64, Vec<usize>>,
}

impl Family {
    fn of(dump: &Dump<'_>) -> Self {
        let mut family = Self { by_id: IndexMap::new(), children: IndexMap::new() };
        for (index, task) in dump.tasks.iter().enumerate() {
            family.by_id.insert(task.id, index);
            if task.parent != 0 {
                family.children.entry(task.parent).or_default().push(index);
            }
        }
        family
    }

    /// Where the tasks are whose end a group waits for: those that it names, else those that it started.
    fn awaited(
        &self,
        dump: &Dump<'_>,
        groups: &[Gathered<'_, '_>],
        group: &Gathered<'_, '_>,
        place: &[usize],
    ) -> Vec<(String, u64)> {
        let of = |&index: &usize| {
            let task = &dump.tasks[index];
            match task.wait.map(|wait| &wait.resource) {
                Some(Named::Join { tasks }) => {
                    tasks.iter().filter_map(|id| self.by_id.get(id)).copied().collect()
                }
                _ => self.children.get(&task.id).cloned().unwrap_or_default(),
            }
        };
        let awaited: IndexSet<usize> = group.stacks.values().flatten().flat_map(of).collect();
        let mut places = tally(
            awaited.iter().map(|&task| (groups[place[task]].wait.site.to_owned(), dump.tasks[task].count)),
        );
        places.truncate(TOLD);
        places
    }
}

/// Who may hold each of these locks.
fn holders<'l>(
    dump: &Dump<'_>,
    groups: &[Gathered<'_, '_>],
    family: &Family,
    locks: &[&'l str],
) -> IndexMap<&'l str, Vec<Holder>> {
    let mut found: IndexMap<&'l str, Vec<Holder>> = IndexMap::new();
    if locks.is_empty() {
        return found;
    }
    let waits_for: Vec<Option<&'l str>> = waits_for(dump, groups, locks);
    // what to look for in the stacks of others: the lock, and the objects that it is part of
    let mut objects: IndexMap<u64, IndexSet<&'l str>> = IndexMap::new();
    for (index, task) in dump.tasks.iter().enumerate() {
        let Some(lock) = waits_for[index] else { continue };
        if let Some(Named::Lock { holder: Some(holder), .. }) = task.wait.map(|wait| &wait.resource) {
            if let Some(&holder) = family.by_id.get(holder) {
                note(found.entry(lock).or_default(), dump, holder, "");
            }
            continue;
        }
        let Some(address) = number(lock) else { continue };
        objects.entry(address).or_default().insert(lock);
        for (_, object) in arguments(task.text) {
            if object <= address && address - object < OBJECT {
                objects.entry(object).or_default().insert(lock);
            }
        }
    }
    if objects.is_empty() {
        return found;
    }
    for (index, task) in dump.tasks.iter().enumerate() {
        for (function, object) in arguments(task.text) {
            for &lock in objects.get(&object).into_iter().flatten() {
                if waits_for[index] != Some(lock) {
                    note(found.entry(lock).or_default(), dump, index, function);
                }
            }
        }
    }
    found
}

fn waits_for<'l>(dump: &Dump<'_>, groups: &[Gathered<'_, '_>], locks: &[&'l str]) -> Vec<Option<&'l str>> {
    let locks: IndexSet<&'l str> = locks.iter().copied().collect();
    let mut waits_for = vec![None; dump.tasks.len()];
    for group in groups.iter().filter(|group| group.wait.kind == WaitKind::Lock) {
        for &task in group.stacks.values().flatten() {
            waits_for[task] =
                thing(group, &dump.tasks[task]).and_then(|thing| locks.get(thing.as_str()).copied());
        }
    }
    waits_for
}

fn note(holders: &mut Vec<Holder>, dump: &Dump<'_>, index: usize, function: &str) {
    let task = &dump.tasks[index];
    if holders.len() < TOLD && holders.iter().all(|holder| holder.id != task.id) {
        holders.push(Holder {
            id: task.id,
            function: function.to_owned(),
            state: wait::name(dump, task).site.to_owned(),
            minutes: task.minutes,
        });
    }
}

/// Every function of a task whose first argument is an address, with that.
fn arguments(text: &str) -> impl Iterator<Item = (&str, u64)> {
    text.match_indices("(0x").filter_map(move |(at, _)| {
        let address = wait::address(&text[at + 1..]).and_then(number)?;
        let start = memchr::memrchr(b'\n', &text.as_bytes()[..at]).map_or(0, |end| end + 1);
        Some((&text[start..at], address))
    })
}

fn number(address: &str) -> Option<u64> {
    u64::from_str_radix(address.strip_prefix("0x")?, 16).ok()
}
