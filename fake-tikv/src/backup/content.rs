//! What a piece of a backup holds: the data set where there is one, else what is stored.

use bytes::Bytes;

use super::KeyRange;
use crate::data;
use crate::proto::backup::{BackupRequest, File};
use crate::shared::All;
use crate::spec::Mode;
use crate::storage::mvcc::error::Error;
use crate::storage::mvcc::read::{Isolation, Page, View};
use crate::storage::raw::Cf;

/// Keys and bytes of a piece, by the client's keys.
pub(super) struct Content {
    cf: &'static str,
    keys: u64,
    bytes: u64,
}

impl Content {
    /// Looks at a piece, as of the request. A lock that may hide a version in it is an error.
    pub(super) fn of(
        all: &mut All,
        mode: Mode,
        asked: &BackupRequest,
        (start, end): &KeyRange,
        now: u64,
    ) -> Result<Self, Error> {
        let audit = &all.storage.audit;
        if audit.total() > 0 && mode != Mode::Txn {
            let keys = data::between(start, end, audit.total());
            let keys = keys.end - keys.start;
            let bytes = keys * (data::key(0).len() + data::value(0).len()) as u64;
            return Ok(Self { cf: "default", keys, bytes });
        }
        let mut content = Self { cf: "default", keys: 0, bytes: 0 };
        if asked.is_raw_kv || matches!(mode, Mode::Raw | Mode::RawTtl) {
            for (key, value) in all.storage.raw.scan(Cf::Default, start, end, now) {
                content.add(key, value);
            }
            return Ok(content);
        }
        content.cf = "write";
        all.storage.mvcc.read_at(asked.end_version);
        let view =
            View { ts: asked.end_version, isolation: Isolation::Snapshot, resolved: &[], committed: &[] };
        let page = Page { limit: usize::MAX, reverse: false, key_only: false, sample_step: 0 };
        for pair in all.storage.mvcc.scan(start, end, page, &view) {
            let (key, value) = pair?;
            content.add(&key, &value);
        }
        Ok(content)
    }

    fn add(&mut self, key: &Bytes, value: &Bytes) {
        self.keys += 1;
        self.bytes += (key.len() + value.len()) as u64;
    }

    /// As a file on the backup's storage; nothing is written there. A piece without keys has none.
    pub(super) fn file(
        &self,
        asked: &BackupRequest,
        store: u64,
        region: u64,
        (start, end): &KeyRange,
    ) -> Option<File> {
        (self.keys > 0).then(|| File {
            name: format!("{store}_{region}_{}_{}.sst", start.escape_ascii(), self.cf),
            start_key: start.clone(),
            end_key: end.clone(),
            start_version: asked.start_version,
            end_version: asked.end_version,
            total_kvs: self.keys,
            total_bytes: self.bytes,
            size: self.bytes,
            cf: self.cf.into(),
            ..Default::default()
        })
    }
}
