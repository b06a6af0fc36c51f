//! The progress tree: which key ranges are backed up, and which are not yet.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use bytes::Bytes;

/// A key range; an empty end is the end of all keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) start: Bytes,
    pub(super) end: Bytes,
}

/// What is done of one range, in disjoint pieces.
#[derive(Debug)]
pub(super) struct ProgressTree {
    whole: Range,
    /// End by start.
    done: BTreeMap<Bytes, Bytes>,
}

impl ProgressTree {
    /// Nothing of `whole` is done.
    pub(super) fn new(whole: Range) -> Self {
        Self { whole, done: BTreeMap::new() }
    }

    /// `range` is done. Returns the pieces that it replaces: those that overlap it, however little.
    pub(super) fn put(&mut self, range: Range) -> Vec<Range> {
        let touches = |piece: &(&Bytes, &Bytes)| ends_after(piece.1, &range.start);
        let before = self.done.range::<Bytes, _>(..&range.start).next_back().filter(touches);
        let within = self
            .done
            .range::<Bytes, _>(&range.start..)
            .take_while(|(start, _)| ends_after(&range.end, start));
        let replaced: Vec<_> = before
            .into_iter()
            .chain(within)
            .map(|(start, end)| Range { start: start.clone(), end: end.clone() })
            .collect();
        for piece in &replaced {
            self.done.remove(&piece.start);
        }
        self.done.insert(range.start, range.end);
        replaced
    }

    /// Whether all of `range` is done.
    pub(super) fn covers(&self, range: &Range) -> bool {
        let mut from = &range.start;
        let first = self.done.range::<Bytes, _>(..=&range.start).next_back();
        let within = self.done.range::<Bytes, _>((Excluded(&range.start), Unbounded));
        for (start, end) in first.into_iter().chain(within) {
            if start > from {
                return false;
            }
            if end.is_empty() || (!range.end.is_empty() && end >= &range.end) {
                return true;
            }
            from = from.max(end);
        }
        false
    }

    /// The gaps, in key order. Empty: all is done.
    pub(super) fn incomplete(&self) -> Vec<Range> {
        let mut gaps = vec![];
        let mut from = self.whole.start.clone();
        for (start, end) in &self.done {
            if *start > from {
                gaps.push(Range { start: from, end: start.clone() });
            }
            if end.is_empty() || end == &self.whole.end {
                return gaps;
            }
            from = end.clone();
        }
        gaps.push(Range { start: from, end: self.whole.end.clone() });
        gaps
    }
}

impl Range {
    /// Whether there is no key in it, as no honest store would answer.
    pub(super) fn is_empty(&self) -> bool {
        !ends_after(&self.end, &self.start)
    }
    /// Whether a key is in both.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        ends_after(&self.end, &other.start) && ends_after(&other.end, &self.start)
    }
}

/// Whether a range with this end has keys after or at `key`.
fn ends_after(end: &[u8], key: &[u8]) -> bool {
    end.is_empty() || end > key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: &'static str, end: &'static str) -> Range {
        Range { start: Bytes::from(start), end: Bytes::from(end) }
    }

    fn tree(done: &[(&'static str, &'static str)]) -> ProgressTree {
        let mut tree = ProgressTree::new(range("", ""));
        for (start, end) in done {
            tree.put(range(start, end));
        }
        tree
    }

    #[test]
    fn what_is_not_done_is_a_gap() {
        assert_eq!(tree(&[]).incomplete(), [range("", "")]);
        assert_eq!(
            tree(&[("b", "c"), ("e", "f")]).incomplete(),
            [range("", "b"), range("c", "e"), range("f", "")]
        );
        assert_eq!(tree(&[("", "c"), ("f", "")]).incomplete(), [range("c", "f")]);
    }

    #[test]
    fn a_range_is_covered_by_pieces_without_a_gap_between() {
        let tree = tree(&[("b", "c"), ("c", "e"), ("f", "")]);
        for (start, end, want) in [
            ("b", "e", true),
            ("b", "d", true),
            ("bb", "cc", true),
            ("a", "c", false),
            ("b", "f", false),
            ("e", "f", false),
            ("g", "", true),
            ("c", "", false),
            ("", "", false),
        ] {
            assert_eq!(tree.covers(&range(start, end)), want, "{start}..{end}");
        }
    }

    #[test]
    fn neighbours_leave_no_gap() {
        assert_eq!(tree(&[("c", ""), ("", "b"), ("b", "c")]).incomplete(), []);
        let mut bounded = ProgressTree::new(range("b", "d"));
        assert_eq!(bounded.incomplete(), [range("b", "d")]);
        bounded.put(range("b", "c"));
        bounded.put(range("c", "d"));
        assert_eq!(bounded.incomplete(), []);
    }

    #[test]
    fn the_same_range_again_replaces_itself() {
        let mut tree = tree(&[("a", "b"), ("b", "c")]);
        assert_eq!(tree.put(range("b", "c")), [range("b", "c")]);
        assert_eq!(tree.put(range("c", "d")), []);
    }

    #[test]
    fn an_overlapped_range_is_dropped_whole_and_leaves_its_rest_as_a_gap() {
        let mut tree = tree(&[("", "c"), ("c", "e"), ("e", "")]);
        assert_eq!(tree.put(range("b", "d")), [range("", "c"), range("c", "e")]);
        assert_eq!(tree.incomplete(), [range("", "b"), range("d", "e")]);
        assert_eq!(tree.put(range("x", "")), [range("e", "")]);
        assert_eq!(tree.incomplete(), [range("", "b"), range("d", "x")]);
    }

    #[test]
    fn a_range_that_ends_before_it_starts_is_empty() {
        assert!(range("b", "a").is_empty() && range("b", "b").is_empty());
        assert!(!range("b", "").is_empty() && !range("", "a").is_empty());
    }
}
