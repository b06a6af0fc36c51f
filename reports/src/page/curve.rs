//! A counter over time with few enough points to draw, none of which is made up.

use serde::Serialize;

/// Into so many spans of equal length a curve is cut once it has more than four points for each. Each span keeps its first,
/// lowest, highest and last value at their own times. A chart is about a thousand pixels wide.
const SPANS: u64 = 500;
/// So many spans for all cases of a page together, since a browser is to open it in a second or two.
const ALL: u64 = 20_000;
/// As few as this, however many cases there are.
const LEAST: u64 = 60;

/// How many spans a curve has on a page of so many cases.
pub(super) fn spans(cases: usize) -> u64 {
    (ALL / (cases as u64).max(1)).clamp(LEAST, SPANS)
}

/// The most points of a curve of so many spans.
pub(super) fn most(spans: u64) -> usize {
    4 * spans as usize
}

/// A counter that keeps its value until the next point. Times are differences to the time before, which are short to write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Curve {
    t: Vec<u64>,
    v: Vec<u64>,
}

/// A counter's values as they are sampled: a value that stays is one point.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps(Vec<(u64, u64)>);

impl Steps {
    /// The value at that time, which is not before the last one's.
    pub(super) fn add(&mut self, at_ms: u64, value: u64) {
        if self.0.last().is_none_or(|&(_, last)| last != value) {
            self.0.push((at_ms, value));
        }
    }

    /// The highest value.
    pub(super) fn top(&self) -> u64 {
        self.0.iter().map(|&(_, value)| value).max().unwrap_or(0)
    }

    /// The points to draw of a run that ended at `end_ms`, and whether some were left out.
    pub(super) fn curve(&self, end_ms: u64, spans: u64) -> (Curve, bool) {
        if self.0.len() <= most(spans) {
            return (Curve::of(&self.0), false);
        }
        let width = end_ms / spans + 1;
        let mut kept = vec![];
        for span in self.0.chunk_by(|a, b| a.0 / width == b.0 / width) {
            let lowest = (0..span.len()).min_by_key(|&at| span[at].1).expect("a span has a point");
            let highest = (0..span.len()).max_by_key(|&at| span[at].1).expect("a span has a point");
            let mut at = [0, lowest, highest, span.len() - 1];
            at.sort_unstable();
            for (index, &point) in at.iter().enumerate() {
                if index == 0 || at[index - 1] != point {
                    kept.push(span[point]);
                }
            }
        }
        (Curve::of(&kept), true)
    }
}

impl Curve {
    fn of(points: &[(u64, u64)]) -> Self {
        let mut before = 0;
        let since = |&(at, _): &(u64, u64)| at.saturating_sub(std::mem::replace(&mut before, at));
        Self { t: points.iter().map(since).collect(), v: points.iter().map(|&(_, value)| value).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(values: impl Iterator<Item = (u64, u64)>) -> Steps {
        let mut steps = Steps::default();
        values.for_each(|(at, value)| steps.add(at, value));
        steps
    }

    #[test]
    fn a_value_that_stays_is_one_point() {
        let (curve, less) = steps([(0, 7), (10, 7), (30, 8), (40, 8), (50, 7)].into_iter()).curve(60, 1);
        assert_eq!((curve, less), (Curve { t: vec![0, 30, 20], v: vec![7, 8, 7] }, false));
    }

    #[test]
    fn a_page_of_many_cases_has_fewer_points_for_each() {
        assert_eq!([0, 1, 40, 100, 1_000].map(spans), [500, 500, 500, 200, 60]);
    }

    /// A million samples with one spike and one dip, each a single sample: both are kept, at their times.
    #[test]
    fn extremes_are_kept_at_their_times_however_many_samples_there_are() {
        let value = |at: u64| match at {
            600_001 => 1_000_000,
            700_003 => 0,
            at => 500 + at % 7,
        };
        let all = steps((0..1_000_000).map(|at| (at, value(at))));
        let (curve, less) = all.curve(1_000_000, 100);
        assert!(less && curve.t.len() <= most(100), "{} points", curve.t.len());
        let mut now = 0;
        let points: Vec<(u64, u64)> = curve
            .t
            .iter()
            .map(|&since| {
                now += since;
                now
            })
            .zip(curve.v)
            .collect();
        assert!(points.contains(&(600_001, 1_000_000)) && points.contains(&(700_003, 0)));
        assert!(points.iter().all(|&(at, v)| value(at) == v), "every point is a sample");
        assert!(points.is_sorted_by_key(|&(at, _)| at));
        assert_eq!(all.top(), 1_000_000);
    }
}
