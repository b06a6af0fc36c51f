//! Who started whom: each group below the one whose tasks started most of its tasks.

use std::fmt::Write as _;

use unstuck_record::digest::Digest;

use super::shown;
use crate::text::clean;

/// So deep is drawn; a chain of a thousand goroutines that start one another says nothing more.
const DEEPEST: usize = 24;

/// Draws the forest, a line a group.
pub(super) fn draw(out: &mut String, digest: &Digest) {
    for (depth, index) in walk(digest) {
        let group = &digest.groups[index];
        let idle = if group.idle.is_some() { " (idle)" } else { "" };
        let title = shown::title(digest, group);
        let _infallible = writeln!(out, "{:width$}{}{idle}", "", clean(&title), width = 2 * depth + 2);
    }
}

/// The groups in the order of the tree, with their depth. Groups that started one another begin at the first of them.
pub(crate) fn walk(digest: &Digest) -> Vec<(usize, usize)> {
    let count = digest.groups.len();
    let mut children: Vec<Vec<usize>> = vec![vec![]; count];
    let mut roots = vec![];
    for (index, group) in digest.groups.iter().enumerate() {
        match group.started_by.filter(|&starter| starter != index && starter < count) {
            Some(starter) => children[starter].push(index),
            None => roots.push(index),
        }
    }
    let mut seen = vec![false; count];
    let mut order = vec![];
    // whatever no root leads to is in a circle
    for root in roots.into_iter().chain(0..count) {
        let mut path = vec![(0, root)];
        while let Some((depth, index)) = path.pop() {
            if std::mem::replace(&mut seen[index], true) {
                continue;
            }
            order.push((depth, index));
            path.extend(children[index].iter().rev().map(|&child| ((depth + 1).min(DEEPEST), child)));
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use unstuck_record::digest::Group;

    use super::*;

    #[test]
    fn every_group_stands_in_the_tree_once_circles_too() {
        let started = |starter| Group { started_by: starter, ..Group::default() };
        let digest = |starters: &[Option<usize>]| Digest {
            groups: starters.iter().map(|&starter| started(starter)).collect(),
            ..Digest::default()
        };
        assert_eq!(walk(&digest(&[None, Some(2), Some(0), Some(0)])), [(0, 0), (1, 2), (2, 1), (1, 3)]);
        assert_eq!(walk(&digest(&[Some(1), Some(0), Some(2), Some(9)])), [(0, 2), (0, 3), (0, 0), (1, 1)]);
    }
}
