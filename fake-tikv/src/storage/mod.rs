//! What the cluster holds: what was written but not ingested, store by store, and what was ingested.
//!
//! * [`sst`]: sorted keys on their way in, and the space they take
//! * [`uploads`]: written, not ingested; each store its own
//! * [`engine`]: ingested; one copy, which is what raft makes all peers agree on
//! * [`audit`]: how much of the data set has arrived
//! * [`raw`]: raw keys
//! * [`mvcc`]: transactional keys
//! * [`ranges`]: which key ranges are backed up

pub(crate) mod audit;
pub(crate) mod engine;
pub(crate) mod mvcc;
pub(crate) mod ranges;
pub(crate) mod raw;
pub(crate) mod sst;
pub(crate) mod uploads;

use self::audit::Audit;
use self::engine::Engine;
use self::mvcc::Mvcc;
use self::ranges::Ranges;
use self::raw::Raw;
use self::uploads::Uploads;
use crate::spec::Mode;

/// All that is stored.
#[derive(Debug)]
pub(crate) struct Storage {
    pub(crate) uploads: Uploads,
    pub(crate) engine: Engine,
    pub(crate) raw: Raw,
    pub(crate) mvcc: Mvcc,
    pub(crate) audit: Audit,
    pub(crate) backed_up: Ranges,
}

impl Storage {
    /// Nothing yet, of a data set of so many shares.
    pub(crate) fn new(regions: u32, keys_per_region: u32) -> Self {
        Self {
            uploads: Uploads::default(),
            engine: Engine::default(),
            raw: Raw::default(),
            mvcc: Mvcc::default(),
            audit: Audit::new(regions, keys_per_region),
            backed_up: Ranges::default(),
        }
    }
    /// Ingests a store's file; the copies at other stores go with it. Returns false if the store has no such file.
    ///
    /// With transactions, its keys become versions that readers see.
    pub(crate) fn ingest(&mut self, store: u64, uuid: &bytes::Bytes, mode: Mode) -> bool {
        let Some(sst) = self.uploads.take(store, uuid) else { return false };
        for change in sst.changes() {
            self.audit.apply(&mut self.engine, change);
            if mode == Mode::Txn {
                self.mvcc.ingest(change, sst.commit_ts());
            }
        }
        true
    }
}
