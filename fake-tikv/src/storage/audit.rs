//! How much of the data set has arrived.

use bytes::Bytes;

use super::engine::Engine;
use super::sst::Change;
use crate::data;

/// Counts against the data set, share by share: the share of region `r` of a new cluster is `data::region(r)`.
#[derive(Debug)]
pub(crate) struct Audit {
    per_region: u32,
    /// By share: keys that the engine holds with the value that the data set gives them.
    right: Vec<u32>,
    wrong: u64,
}

impl Audit {
    pub(crate) fn new(regions: u32, per_region: u32) -> Self {
        Self { per_region, right: vec![0; regions as usize], wrong: 0 }
    }

    /// Applies a change to the engine and counts it. The same change twice counts once.
    pub(crate) fn apply(&mut self, engine: &mut Engine, change: &Change) {
        let share = self.share(&change.0);
        let before = engine.apply(change);
        if before == change.1 {
            return;
        }
        let want = share.map(|(number, _)| data::value(number));
        let right = |value: &Option<Bytes>| value.is_some() && *value == want;
        if !right(&change.1) {
            self.wrong += 1;
        }
        if let Some((_, share)) = share {
            self.right[share] = self.right[share] + u32::from(right(&change.1)) - u32::from(right(&before));
        }
    }

    /// A key was to go into a region that does not hold it.
    pub(crate) fn misplaced(&mut self, keys: u64) {
        self.wrong += keys;
    }

    /// A key's number and share, if it belongs to the data set.
    fn share(&self, key: &[u8]) -> Option<(u64, usize)> {
        let number = data::number(key)?;
        let share = usize::try_from(number.checked_div(self.per_region.into())?).ok()?;
        (share < self.right.len()).then_some((number, share))
    }

    pub(crate) fn right(&self) -> u64 {
        self.right.iter().map(|n| u64::from(*n)).sum()
    }
    pub(crate) fn wrong(&self) -> u64 {
        self.wrong
    }
    pub(crate) fn total(&self) -> u64 {
        self.right.len() as u64 * u64::from(self.per_region)
    }
    /// The shares that lack keys, with the keys they have.
    pub(crate) fn incomplete(&self) -> impl Iterator<Item = (u32, u32)> {
        (0u32..).zip(self.right.iter().copied()).filter(|(_, right)| *right < self.per_region)
    }
    pub(crate) fn per_region(&self) -> u32 {
        self.per_region
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(audit: &mut Audit, engine: &mut Engine, key: &Bytes, value: Option<Bytes>) {
        audit.apply(engine, &(key.clone(), value));
    }

    #[test]
    fn a_key_counts_once_however_often_it_comes() {
        let (mut audit, mut engine) = (Audit::new(2, 10), Engine::default());
        for _ in 0..3 {
            put(&mut audit, &mut engine, &data::key(19), Some(data::value(19)));
        }
        assert_eq!((audit.right(), audit.wrong(), audit.total()), (1, 0, 20));
        assert_eq!(audit.incomplete().collect::<Vec<_>>(), [(0, 0), (1, 1)]);
    }

    #[test]
    fn other_data_is_wrong_and_undoes_what_was_right() {
        let (mut audit, mut engine) = (Audit::new(1, 1), Engine::default());
        put(&mut audit, &mut engine, &data::key(0), Some(data::value(0)));
        put(&mut audit, &mut engine, &data::key(0), Some("x".into()));
        assert_eq!((audit.right(), audit.wrong()), (0, 1));
        put(&mut audit, &mut engine, &data::key(0), None);
        assert_eq!((audit.right(), audit.wrong()), (0, 2));
        put(&mut audit, &mut engine, &data::key(0), Some(data::value(0)));
        assert_eq!((audit.right(), audit.wrong()), (1, 2));
    }

    #[test]
    fn keys_beyond_the_data_set_are_wrong() {
        let (mut audit, mut engine) = (Audit::new(1, 1), Engine::default());
        put(&mut audit, &mut engine, &data::key(1), Some(data::value(1)));
        put(&mut audit, &mut engine, &"foreign".into(), Some("x".into()));
        assert_eq!((audit.right(), audit.wrong()), (0, 2));
        let mut none = Audit::new(1, 0);
        put(&mut none, &mut engine, &data::key(5), Some(data::value(5)));
        assert_eq!((none.right(), none.wrong(), none.total()), (0, 1, 0));
    }
}
