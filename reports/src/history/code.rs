//! Words as small numbers in the file: a number is the place in a list that only grows at its end.

use unstuck_record::{Outcome, Verdict};

use super::row::Origin;

pub(super) const ORIGINS: [Origin; 3] = [Origin::Pinned, Origin::Fresh, Origin::Sockets];
pub(super) const OUTCOMES: [Outcome; 5] =
    [Outcome::Completed, Outcome::Slow, Outcome::Stuck, Outcome::Failed, Outcome::Interrupted];
pub(super) const VERDICTS: [Verdict; 3] = [Verdict::Pass, Verdict::Fail, Verdict::Unknown];

/// The number of a word.
pub(super) fn encoded<T: PartialEq>(all: &[T], word: &T) -> u8 {
    all.iter().position(|known| known == word).expect("every word has a number") as u8
}

/// What a code stands for; one that stands for nothing is damage.
pub(super) fn decoded<T: Copy>(
    row: &rusqlite::Row<'_>,
    column: usize,
    all: &[T],
) -> rusqlite::Result<Option<T>> {
    let Some(code) = row.get::<_, Option<i64>>(column)? else { return Ok(None) };
    let found = usize::try_from(code).ok().and_then(|place| all.get(place).copied());
    found.map(Some).ok_or(rusqlite::Error::IntegralValueOutOfRange(column, code))
}
