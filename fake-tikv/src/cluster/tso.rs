//! The timestamp oracle.

/// Logical timestamps within a millisecond, as PD has it.
const LOGICAL: u64 = 1 << 18;

/// The last timestamp given. It outlives every leader, so timestamps grow over a change of leaders too.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    physical: u64,
    logical: u64,
}

impl Oracle {
    /// The last of the next `count` timestamps at `now` (milliseconds since 1970), as physical and logical part.
    /// `None` when `count` is none or more than a millisecond holds.
    pub(crate) fn next(&mut self, now: u64, count: u32) -> Option<(u64, u64)> {
        let count = Some(u64::from(count)).filter(|count| (1..LOGICAL).contains(count))?;
        if now > self.physical {
            (self.physical, self.logical) = (now, 0);
        }
        if self.logical + count >= LOGICAL {
            (self.physical, self.logical) = (self.physical + 1, 0);
        }
        self.logical += count;
        Some((self.physical, self.logical))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_never_overlap_even_when_the_clock_stands() {
        let mut oracle = Oracle::default();
        let mut last = (0, 0);
        for count in [1, 5, 200_000, 200_000, 1, 262_143, 262_143] {
            let (physical, logical) = oracle.next(1_000, count).unwrap();
            // the first of this batch is after the last of the batch before
            assert!((physical, logical - u64::from(count) + 1) > last);
            last = (physical, logical);
        }
        assert!(oracle.next(2_000, 1).unwrap() > last);
    }

    #[test]
    fn a_batch_of_none_or_too_many_is_refused() {
        let mut oracle = Oracle::default();
        assert_eq!(oracle.next(1, 0), None);
        assert_eq!(oracle.next(1, u32::MAX), None);
    }
}
