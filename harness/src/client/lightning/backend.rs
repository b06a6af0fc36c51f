//! What all tasks of one import share.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use unstuck_net::Clock;

use super::data::Engine;
use super::limiter::Limiter;
use super::log::Log;
use super::pool::Pool;
use super::revision::Revision;
use crate::client::Scale;
use crate::client::pd::PdClient;
use crate::probe::Meter;

/// What all tasks of one import share; the original's `local.Backend`.
#[derive(Debug)]
pub(super) struct Backend {
    pub(super) revision: Revision,
    pub(super) scale: Scale,
    pub(super) clock: Clock,
    pub(super) seed: u64,
    pub(super) engine: Engine,
    pub(super) pd: PdClient,
    pub(super) pool: Pool,
    pub(super) limiter: Limiter,
    pub(super) log: Log,
    pub(super) meter: Meter,
    pub(super) files: AtomicU64,
}

impl Backend {
    /// 16 bytes that no other file of this run has.
    pub(super) fn uuid(&self) -> Bytes {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let bytes = [self.seed.to_be_bytes(), number.to_be_bytes()].concat();
        Bytes::from(bytes)
    }
}
