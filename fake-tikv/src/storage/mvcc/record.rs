//! What became of a transaction at a key.

use bytes::Bytes;

use super::write::{Kind, Write};
use super::{Mvcc, Ts};

/// What the versions of a key say about one transaction.
#[derive(Debug)]
pub(crate) enum Fate<'a> {
    Committed(Ts),
    RolledBack,
    /// Nothing. Another transaction may have committed at the very timestamp at which this one began.
    Unknown {
        overlapped: Option<&'a Write>,
    },
}

impl Mvcc {
    pub(crate) fn fate(&self, key: &Bytes, start_ts: Ts) -> Fate<'_> {
        for (commit_ts, write) in self.versions(key, Ts::MAX).take_while(|(ts, _)| *ts >= start_ts) {
            if write.start_ts == start_ts {
                return if write.kind == Kind::Rollback {
                    Fate::RolledBack
                } else {
                    Fate::Committed(commit_ts)
                };
            }
            if commit_ts == start_ts {
                return if write.rolled_back {
                    Fate::RolledBack
                } else {
                    Fate::Unknown { overlapped: Some(write) }
                };
            }
        }
        Fate::Unknown { overlapped: None }
    }
}
