//! Keyspaces of API V2, as PD keeps them.

use std::collections::BTreeMap;

use crate::proto::keyspacepb::{KeyspaceMeta, KeyspaceState};

/// The keyspace that every cluster has, with id 0.
pub(crate) const DEFAULT: &str = "DEFAULT";

/// Ids have three bytes.
const MAX_ID: u32 = 0xff_ff_ff;

/// Why a keyspace cannot be created. The words are PD's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyspaceError {
    /// There is one of that name.
    #[error("keyspace already exists")]
    Exists,
    /// A name that PD does not allow.
    #[error("illegal keyspace name {0}, should contain only alphanumerical and underline")]
    Name(String),
    /// All ids are taken.
    #[error("illegal keyspace id {}, larger than spaceID Max {MAX_ID}", MAX_ID + 1)]
    TooMany,
}

/// All keyspaces by id.
#[derive(Debug)]
pub(crate) struct Keyspaces(BTreeMap<u32, KeyspaceMeta>);

impl Default for Keyspaces {
    fn default() -> Self {
        Self(BTreeMap::from([(0, meta(0, DEFAULT, 0))]))
    }
}

impl Keyspaces {
    /// One more, enabled; returns its id. `now` is in seconds since 1970.
    pub(crate) fn create(&mut self, name: &str, now: i64) -> Result<u32, KeyspaceError> {
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            return Err(KeyspaceError::Name(name.into()));
        }
        if self.named(name).is_some() {
            return Err(KeyspaceError::Exists);
        }
        let next = self.0.last_key_value().map_or(0, |(last, _)| last + 1);
        let id = Some(next).filter(|id| *id <= MAX_ID).ok_or(KeyspaceError::TooMany)?;
        self.0.insert(id, meta(id, name, now));
        Ok(id)
    }
    pub(crate) fn named(&self, name: &str) -> Option<&KeyspaceMeta> {
        self.0.values().find(|keyspace| keyspace.name == name)
    }
    /// In the order of their ids.
    pub(crate) fn since(&self, id: u32) -> impl Iterator<Item = &KeyspaceMeta> {
        self.0.range(id..).map(|(_, keyspace)| keyspace)
    }
}

fn meta(id: u32, name: &str, now: i64) -> KeyspaceMeta {
    let config = [("tso_keyspace_group_id", "0"), ("user_kind", "basic")];
    KeyspaceMeta {
        id,
        name: name.into(),
        state: KeyspaceState::Enabled.into(),
        created_at: now,
        state_changed_at: now,
        config: config.map(|(key, value)| (key.into(), value.into())).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyspaces_are_numbered_in_the_order_of_their_creation() {
        let mut keyspaces = Keyspaces::default();
        assert_eq!(keyspaces.named(DEFAULT).map(|keyspace| keyspace.id), Some(0));
        assert_eq!((keyspaces.create("a", 1), keyspaces.create("b-_9", 1)), (Ok(1), Ok(2)));
        assert_eq!(keyspaces.since(1).map(|keyspace| &keyspace.name[..]).collect::<Vec<_>>(), ["a", "b-_9"]);
    }

    #[test]
    fn a_name_is_taken_once_and_is_a_word() {
        let mut keyspaces = Keyspaces::default();
        assert_eq!(keyspaces.create(DEFAULT, 1), Err(KeyspaceError::Exists));
        for name in ["", "a b", "ü"] {
            assert_eq!(keyspaces.create(name, 1), Err(KeyspaceError::Name(name.into())));
        }
    }
}
