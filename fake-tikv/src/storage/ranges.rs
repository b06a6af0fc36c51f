//! A set of keys made of ranges.

use std::collections::BTreeMap;
use std::ops::Bound::{Included, Unbounded};

use bytes::Bytes;

use crate::cluster::region::before_end;

/// Ranges that neither overlap nor touch, by start. An empty end is the end of the key space.
#[derive(Debug, Default)]
pub(crate) struct Ranges(BTreeMap<Bytes, Bytes>);

impl Ranges {
    /// Adds a range; an empty one changes nothing.
    pub(crate) fn add(&mut self, start: &Bytes, end: &Bytes) {
        if !before_end(start, end) {
            return;
        }
        let (mut start, mut end) = (start.clone(), end.clone());
        // swallow, from the right, every range that begins within the new one or at its end
        while let Some((s, e)) = self.last_until(&end).filter(|(_, e)| e.is_empty() || **e >= start) {
            let (s, e) = (s.clone(), e.clone());
            self.0.remove(&s);
            if s < start {
                start = s;
            }
            if before_end(&end, &e) && !end.is_empty() {
                end = e;
            }
        }
        self.0.insert(start, end);
    }

    /// Whether the whole range is in the set.
    pub(crate) fn covers(&self, start: &[u8], end: &[u8]) -> bool {
        let before = self.0.range::<[u8], _>((Unbounded, Included(start))).next_back();
        before.is_some_and(|(_, e)| e.is_empty() || (!end.is_empty() && end <= &e[..]))
    }

    /// The last range that starts at or before `end`, an end of a range.
    fn last_until(&self, end: &Bytes) -> Option<(&Bytes, &Bytes)> {
        let to = if end.is_empty() { Unbounded } else { Included(&end[..]) };
        self.0.range::<[u8], _>((Unbounded, to)).next_back()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pieces_that_touch_cover_the_whole() {
        let mut ranges = Ranges::default();
        for (start, end) in [("", "b"), ("d", ""), ("b", "c")] {
            ranges.add(&start.into(), &end.into());
        }
        assert!(ranges.covers(b"", b"c"));
        assert!(!ranges.covers(b"", b""));
        ranges.add(&"c".into(), &"d".into());
        assert!(ranges.covers(b"", b""));
        assert_eq!(ranges.0.len(), 1);
    }

    proptest! {
        /// Against a set of single keys `a`..`p`, where `p` stands for all that follows.
        #[test]
        fn the_set_holds_exactly_what_was_added(adds in prop::collection::vec((0u8..16, 0u8..17), 0..12), ask in (0u8..16, 1u8..17)) {
            let key = |n: u8| if n == 16 { Bytes::new() } else { Bytes::from(vec![b'a' + n]) };
            let (mut ranges, mut model) = (Ranges::default(), [false; 16]);
            for (start, end) in adds {
                ranges.add(&key(start), &key(end));
                for n in start..end {
                    model[usize::from(n)] = true;
                }
            }
            let (start, end) = ask;
            prop_assume!(start < end);
            let want = (start..end).all(|n| model[usize::from(n)]);
            prop_assert_eq!(ranges.covers(&key(start), &key(end)), want);
        }
    }
}
