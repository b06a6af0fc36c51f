//! What others do about a lock once they know what became of its transaction.

use bytes::Bytes;

use super::changes::Changes;
use super::error::Error;
use super::rollback::Trace;
use super::{Mvcc, Ts};

impl Mvcc {
    /// Commits a transaction's lock at a key, or rolls it back.
    pub(crate) fn resolve(
        &self,
        changes: &mut Changes,
        key: &Bytes,
        start_ts: Ts,
        commit_ts: Option<Ts>,
    ) -> Result<(), Error> {
        match commit_ts {
            Some(commit_ts) => self.commit(changes, key, start_ts, commit_ts),
            None => self.cleanup(changes, key, start_ts, None, Trace::Collapsible),
        }
    }
}
