//! Who waits for whom: from every waiting task to the tasks that must act first.
//!
//! A task is *live* if it may still move by itself: it was active lately, its timer will fire, or a task that it
//! waits for is live. The others wait for one another or for something outside. Where such a chain ends is the
//! task to name; the rest of the chain only waits for it.

use std::collections::BTreeMap;

use unstuck_record::{Resource, Task, TaskDump};

use super::super::facts::Facts;

/// The name of a wait that has none.
pub(super) const UNNAMED: &str = "(unnamed)";

/// Where a chain of waiting tasks ends.
#[derive(Debug)]
pub(super) struct Leaf<'a> {
    /// One task, or all that wait for one another in a circle (tasks that may idle are not among them).
    pub(super) tasks: Vec<&'a Task>,
    /// Of the tasks that wait behind it, how many.
    pub(super) behind: usize,
    /// Whether the circle has more than one member, idle ones included.
    pub(super) circle: bool,
}

/// The ends of all chains in this dump.
pub(super) fn leaves<'a>(facts: &Facts<'_>, dump: &'a TaskDump) -> Vec<Leaf<'a>> {
    let graph = Graph::of(facts, dump);
    let components = graph.components();
    let mut component_of = vec![usize::MAX; graph.tasks.len()];
    for (number, component) in components.iter().enumerate() {
        for &task in component {
            component_of[task] = number;
        }
    }
    // components come targets first, so whatever one leads to has been decided before it
    let mut leaf_of: Vec<Option<usize>> = vec![None; components.len()];
    let mut leaves: Vec<Leaf<'a>> = vec![];
    for (number, component) in components.iter().enumerate() {
        let further = component.iter().flat_map(|&task| &graph.waits_for[task]);
        let leads_to = further.filter_map(|&target| leaf_of[component_of[target]]).min();
        let mut tasks: Vec<&Task> = component.iter().map(|&task| graph.tasks[task]).collect();
        tasks.retain(|task| !may_idle(task));
        if let Some(leaf) = leads_to {
            leaves[leaf].behind += tasks.len();
            leaf_of[number] = Some(leaf);
        } else if !tasks.is_empty() {
            tasks.sort_by_key(|task| task.id);
            leaf_of[number] = Some(leaves.len());
            leaves.push(Leaf { tasks, behind: 0, circle: component.len() > 1 });
        }
    }
    leaves
}

fn may_idle(task: &Task) -> bool {
    task.wait.as_ref().is_some_and(|wait| wait.idle)
}

/// The tasks that cannot move by themselves, and the edges between them, by index.
struct Graph<'a> {
    tasks: Vec<&'a Task>,
    waits_for: Vec<Vec<usize>>,
}

impl<'a> Graph<'a> {
    fn of(facts: &Facts<'_>, dump: &'a TaskDump) -> Self {
        let all: BTreeMap<u64, &Task> = dump.tasks.iter().map(|task| (task.id, task)).collect();
        let live = live(facts, &all);
        let tasks: Vec<&Task> = all.values().filter(|task| !live[&task.id]).copied().collect();
        let index: BTreeMap<u64, usize> =
            tasks.iter().enumerate().map(|(index, task)| (task.id, index)).collect();
        let edges = |task: &&Task| targets(task).iter().filter_map(|id| index.get(id).copied()).collect();
        let waits_for = tasks.iter().map(edges).collect();
        Self { tasks, waits_for }
    }

    /// The strongly connected components, targets first: Tarjan's algorithm with a stack of its own, since a
    /// record may hold a chain of any length.
    fn components(&self) -> Vec<Vec<usize>> {
        const NEW: usize = usize::MAX;
        let count = self.tasks.len();
        let (mut order, mut low) = (vec![NEW; count], vec![NEW; count]);
        let (mut open, mut is_open) = (vec![], vec![false; count]);
        let (mut found, mut next) = (vec![], 0);
        for root in 0..count {
            if order[root] != NEW {
                continue;
            }
            let mut path = vec![(root, 0)];
            while let Some(&mut (task, ref mut edge)) = path.last_mut() {
                if *edge == 0 && order[task] == NEW {
                    (order[task], low[task]) = (next, next);
                    next += 1;
                    open.push(task);
                    is_open[task] = true;
                }
                if let Some(&target) = self.waits_for[task].get(*edge) {
                    *edge += 1;
                    if order[target] == NEW {
                        path.push((target, 0));
                    } else if is_open[target] {
                        low[task] = low[task].min(order[target]);
                    }
                    continue;
                }
                path.pop();
                if let Some(&(parent, _)) = path.last() {
                    low[parent] = low[parent].min(low[task]);
                }
                if low[task] == order[task] {
                    let start = open.iter().rposition(|&member| member == task).unwrap_or(0);
                    let component: Vec<usize> = open.split_off(start);
                    for &member in &component {
                        is_open[member] = false;
                    }
                    found.push(component);
                }
            }
        }
        found
    }
}

/// Whether each task may still move by itself: the least fixed point, worked out along the edges backwards.
fn live(facts: &Facts<'_>, all: &BTreeMap<u64, &Task>) -> BTreeMap<u64, bool> {
    let mut live: BTreeMap<u64, bool> = all.iter().map(|(&id, task)| (id, moves(facts, task))).collect();
    let mut waited_by: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for task in all.values() {
        for &target in targets(task) {
            waited_by.entry(target).or_default().push(task.id);
        }
    }
    let mut fresh: Vec<u64> = live.iter().filter(|&(_, &live)| live).map(|(&id, _)| id).collect();
    while let Some(id) = fresh.pop() {
        for &waiter in waited_by.get(&id).map_or(&[][..], Vec::as_slice) {
            if live.insert(waiter, true) == Some(false) {
                fresh.push(waiter);
            }
        }
    }
    live
}

/// Whether a task was active lately, or will be when its timer fires.
fn moves(facts: &Facts<'_>, task: &Task) -> bool {
    let lately = |ms: u64| facts.end_ms.saturating_sub(ms) <= super::patience_ms(facts);
    if task.progress_ms.is_some_and(lately) {
        return true;
    }
    match &task.wait {
        None => lately(task.polled_ms),
        Some(wait) => match wait.resource {
            Resource::Timer { until_ms } => lately(wait.since_ms) || lately(until_ms),
            _ => lately(wait.since_ms),
        },
    }
}

/// The tasks that a task waits for.
pub(super) fn targets(task: &Task) -> &[u64] {
    match task.wait.as_ref().map(|wait| &wait.resource) {
        Some(Resource::Channel { actors, .. }) => actors,
        Some(Resource::Lock { holder, .. }) => holder.as_slice(),
        Some(Resource::Join { tasks }) => tasks,
        Some(Resource::Link { .. } | Resource::Timer { .. }) | None => &[],
    }
}
