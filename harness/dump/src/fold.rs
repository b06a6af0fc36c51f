//! A dump folded: alike stacks together, their wait named, those that idle apart.

mod resources;

use std::cmp::Reverse;

use indexmap::IndexMap;
use unstuck_record::digest::{Digest, Group, Member, Stack, Waited};
use unstuck_record::{Runtime, Unread};

use crate::dump::{Dump, Form, StackId, Task};
use crate::idle::Allow;
use crate::record::{beginning, owned};
use crate::{found, labels, wait};

/// Folds a dump. Alike are tasks in one state, at one wait, whose stacks go through the same functions: lines may
/// differ, and so may the depth of a function that calls itself.
pub fn fold(dump: &Dump<'_>, source: &str, allow: &Allow) -> Digest {
    let gathered = gather(dump, allow);
    let place: Vec<usize> = places(dump, &gathered);
    let named = resources::of(dump, &gathered, &place);
    let mut groups: Vec<Group> =
        gathered.iter().zip(named).map(|(gathered, wait)| group(dump, gathered, wait)).collect();
    let started_by = starters(dump, &gathered, &place);
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|&index| {
        let group = &groups[index];
        (group.idle.is_some(), Reverse(suspicion(group)), Reverse(group.tasks), index)
    });
    let mut rank = vec![0; order.len()];
    for (at, &index) in order.iter().enumerate() {
        rank[index] = at;
    }
    let sorted = order.iter().map(|&index| Group {
        started_by: started_by[index].map(|starter| rank[starter]),
        ..std::mem::take(&mut groups[index])
    });
    let groups: Vec<Group> = sorted.collect();
    Digest {
        source: source.to_owned(),
        runtime: dump.form.runtime(),
        form: form(dump.form).to_owned(),
        tasks: dump.total(),
        stacks: dump.distinct() as u64,
        idle: groups
            .iter()
            .filter(|group| group.idle.is_some())
            .fold(0, |sum, group| group.tasks.saturating_add(sum)),
        groups,
        unread: vec![],
    }
}

/// What could not be read, as a digest has it.
pub fn unread(parts: &[found::Unread<'_>]) -> Vec<Unread> {
    let one = |part: &found::Unread<'_>| Unread {
        line: part.line,
        error: part.error.to_owned(),
        text: beginning(part.text).to_owned(),
    };
    parts.iter().map(one).collect()
}

fn form(form: Form) -> &'static str {
    match form {
        Form::GoStacks => "Go debug=2",
        Form::GoProfile => "Go debug=1",
        Form::TokioTrace => "tokio trace",
        Form::Faulthandler => "Python faulthandler",
        Form::PySpy => "py-spy",
        Form::Record => "unstuck record",
    }
}

/// The longer and the more, the worse: minutes that all of them have waited together.
fn suspicion(group: &Group) -> u128 {
    if group.wait.kind == unstuck_record::digest::WaitKind::None {
        return 0;
    }
    u128::from(group.oldest_minutes.unwrap_or(0)) * u128::from(group.tasks) + 1
}

/// The tasks of a group, by stack.
struct Gathered<'a, 'd> {
    state: &'a str,
    idle: Option<&'d str>,
    wait: wait::Named<'a>,
    stacks: IndexMap<StackId, Vec<usize>>,
}

fn gather<'a, 'd>(dump: &'d Dump<'a>, allow: &'d Allow) -> Vec<Gathered<'a, 'd>> {
    let mut groups: IndexMap<(&str, &str, Vec<&str>), Gathered<'a, 'd>> = IndexMap::new();
    // what a stack in a state comes to is worked out once
    let mut known: IndexMap<(&str, StackId, Option<&str>), usize> = IndexMap::new();
    for (index, task) in dump.tasks.iter().enumerate() {
        let site = task.wait.map(|wait| wait.site.as_str());
        let group = *known.entry((task.state, task.stack, site)).or_insert_with(|| {
            let wait = wait::name(dump, task);
            let key = (task.state, wait.site, functions(dump, task.stack));
            let entry = groups.entry(key);
            let at = entry.index();
            entry.or_insert_with(|| Gathered {
                state: task.state,
                idle: allow.why(dump, task),
                wait,
                stacks: IndexMap::new(),
            });
            at
        });
        groups[group].stacks.entry(task.stack).or_default().push(index);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    for group in &mut groups {
        group.stacks.sort_by_cached_key(|_, tasks| Reverse(count(dump, tasks)));
    }
    groups
}

/// The functions of a stack and who started it, each told once where it calls itself.
fn functions<'a>(dump: &Dump<'a>, stack: StackId) -> Vec<&'a str> {
    let mut functions: Vec<&str> = dump.frames(stack).map(|frame| frame.function).collect();
    functions.dedup();
    functions.extend(dump.created_by(stack).map(|frame| frame.function));
    functions
}

fn count(dump: &Dump<'_>, tasks: &[usize]) -> u64 {
    tasks.iter().fold(0, |sum, &task| sum.saturating_add(dump.tasks[task].count))
}

/// For each task its group.
fn places(dump: &Dump<'_>, groups: &[Gathered<'_, '_>]) -> Vec<usize> {
    let mut places = vec![0; dump.tasks.len()];
    for (number, group) in groups.iter().enumerate() {
        for &task in group.stacks.values().flatten() {
            places[task] = number;
        }
    }
    places
}

fn group(dump: &Dump<'_>, gathered: &Gathered<'_, '_>, wait: Waited) -> Group {
    let all = || gathered.stacks.values().flatten().map(|&task| &dump.tasks[task]);
    let minutes = || all().map(|task| task.minutes.unwrap_or(0));
    let aged = all().any(|task| task.minutes.is_some());
    Group {
        tasks: all().fold(0, |sum, task| sum.saturating_add(task.count)),
        state: gathered.state.to_owned(),
        idle: gathered.idle.map(str::to_owned),
        wait,
        oldest_minutes: minutes().max().filter(|_| aged),
        youngest_minutes: minutes().min().filter(|_| aged),
        started_by: None,
        stacks: gathered.stacks.iter().map(|(&stack, tasks)| self::stack(dump, stack, tasks)).collect(),
    }
}

fn stack(dump: &Dump<'_>, stack: StackId, tasks: &[usize]) -> Stack {
    Stack {
        frames: dump.frames(stack).map(owned).collect(),
        created_by: dump.created_by(stack).map(owned),
        members: tasks.iter().map(|&task| member(dump, &dump.tasks[task])).collect(),
    }
}

fn member(dump: &Dump<'_>, task: &Task<'_>) -> Member {
    // goroutine 0 is one of the runtime's own; elsewhere 0 is none
    let told = task.id != 0 || (dump.form.runtime() == Some(Runtime::Go) && dump.form != Form::GoProfile);
    Member {
        id: told.then_some(task.id),
        name: task.name.to_owned(),
        count: task.count,
        wait_minutes: task.minutes,
        locked: task.locked,
        parent: (task.parent != 0).then_some(task.parent),
        labels: labels::pairs(task.labels).collect(),
    }
}

/// For each group the one whose tasks started most of its tasks.
fn starters(dump: &Dump<'_>, groups: &[Gathered<'_, '_>], place: &[usize]) -> Vec<Option<usize>> {
    let by_id: IndexMap<u64, usize> =
        dump.tasks.iter().enumerate().map(|(index, task)| (task.id, place[index])).collect();
    let started_by = |group: &Gathered<'_, '_>| {
        let parents = group.stacks.values().flatten().map(|&task| dump.tasks[task].parent);
        let starters = parents.filter(|&id| id != 0).filter_map(|id| by_id.get(&id).copied());
        let mut counts: IndexMap<usize, usize> = IndexMap::new();
        for starter in starters {
            *counts.entry(starter).or_default() += 1;
        }
        counts
            .into_iter()
            .max_by_key(|&(starter, count)| (count, Reverse(starter)))
            .map(|(starter, _)| starter)
    };
    groups.iter().map(started_by).collect()
}

/// Distinct values in the order in which they come, with how often.
fn tally<T: std::hash::Hash + Eq>(values: impl Iterator<Item = (T, u64)>) -> Vec<(T, u64)> {
    let mut counts: IndexMap<T, u64> = IndexMap::new();
    for (value, count) in values {
        let sum = counts.entry(value).or_default();
        *sum = sum.saturating_add(count);
    }
    let mut counts: Vec<(T, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|&(_, count)| Reverse(count));
    counts
}
