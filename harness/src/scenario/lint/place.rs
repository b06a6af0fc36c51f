//! Where in a file a key stands.

use std::ops::Range;

use super::super::node::{Node, Value};

/// A mapping of the file.
#[derive(Clone, Copy)]
pub(super) struct Place<'a>(pub(super) &'a Node);

impl<'a> Place<'a> {
    fn get(self, key: &str) -> Option<&'a Node> {
        let Value::Map(entries) = &self.0.value else { return None };
        let (_, value) = entries.iter().find(|(name, _)| name.scalar() == Some(key))?;
        Some(value).filter(|value| value.value != Value::Null)
    }
    /// Where the value behind these keys stands, or as much of the way as there is.
    pub(super) fn value(self, path: &[&str]) -> Range<usize> {
        let step = |place: Self, key: &&str| place.get(key).map(Place).ok_or(place);
        let (Ok(end) | Err(end)) = path.iter().try_fold(self, step);
        end.0.span.clone()
    }
    /// Whether a key has a value.
    pub(super) fn has(self, key: &str) -> bool {
        self.get(key).is_some()
    }
}

/// The faults of a case, in the order of [`Case::faults`](super::Case): its own, if it has one, then those of its list.
pub(super) fn faults(case: &Node) -> Vec<Place<'_>> {
    let case = Place(case);
    let own = Some(case).filter(|case| case.has("faultType"));
    let list = match case.get("faults").map(|list| &list.value) {
        Some(Value::List(list)) => list.as_slice(),
        _ => &[],
    };
    own.into_iter().chain(list.iter().map(Place)).collect()
}
