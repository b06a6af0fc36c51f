//! A lock.

use bytes::Bytes;

use super::write::{Kind, Write};
use super::{Ts, physical};

/// What a lock stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// A change that is prewritten.
    Change(Kind),
    /// Nothing yet: a pessimistic transaction reserves the key.
    Reservation,
}

/// What a transaction has put on a key and neither committed nor rolled back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lock {
    pub(crate) holds: Holds,
    /// The key whose lock decides for the whole transaction.
    pub(crate) primary: Bytes,
    pub(crate) start_ts: Ts,
    /// Milliseconds from `start_ts`.
    pub(crate) ttl: u64,
    /// Zero in optimistic transactions.
    pub(crate) for_update_ts: Ts,
    pub(crate) txn_size: u64,
    /// It cannot be committed earlier; zero where nobody may raise that.
    pub(crate) min_commit_ts: Ts,
    /// The value of a `Put`.
    pub(crate) value: Bytes,
    /// With async commit, the transaction's other keys, at its primary; the others have an empty list.
    pub(crate) secondaries: Option<Vec<Bytes>>,
    /// Transactions that were rolled back under this lock at a timestamp which may become its commit timestamp.
    pub(crate) rolled_back: Vec<Ts>,
    /// Locked although a later version exists than the transaction has seen.
    pub(crate) with_conflict: bool,
}

impl Lock {
    /// Whether its owner has not been heard of for too long.
    pub(crate) fn expired(&self, now: Ts) -> bool {
        physical(self.start_ts).saturating_add(self.ttl) < physical(now)
    }
    pub(crate) fn is_reservation(&self) -> bool {
        self.holds == Holds::Reservation
    }
    /// Of a pessimistic transaction.
    pub(crate) fn is_pessimistic(&self) -> bool {
        self.for_update_ts != 0
    }
    pub(crate) fn async_commit(&self) -> bool {
        self.secondaries.is_some()
    }
    /// What it is as a version that is committed. A reservation that is left over is a mere lock.
    pub(crate) fn into_write(self, commit_ts: Ts) -> Write {
        let kind = match self.holds {
            Holds::Change(kind) => kind,
            Holds::Reservation => Kind::Lock,
        };
        Write {
            kind,
            start_ts: self.start_ts,
            value: self.value,
            rolled_back: self.rolled_back.contains(&commit_ts),
            protected: false,
        }
    }
    pub(super) fn bytes(&self) -> usize {
        let secondaries = self.secondaries.iter().flatten().map(Bytes::len).sum::<usize>();
        size_of::<Self>() + self.primary.len() + self.value.len() + secondaries + 8 * self.rolled_back.len()
    }
}
