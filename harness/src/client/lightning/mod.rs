//! A model of `TiDB` Lightning's local backend, as tidb 46321 and 48352 met it and as the patches changed it.
//!
//! It imports a sorted data set into the regions of a cluster: it writes each region's keys to all of its peers over
//! streams, then has the leader ingest the files. It hangs where the original hangs, for the original's reasons: the
//! streams of a failed write stay open until nothing is left of a connection's quota (46321), and a send that meets a
//! dead stream receives for the reason, on a stream that gRPC has silently opened anew (48352).
//!
//! Start at [`import`]. Modules, in reading order:
//!
//! * [`revision`]: what the patches changed
//! * [`import`]: who works, and when it is over
//! * [`worker`], [`write`], [`ingest`]: one job
//! * [`dispatch`], [`retryer`]: what becomes of it
//! * [`scan`]: from ranges to jobs
//! * [`job`], [`data`], [`error`]: a job, its batches, what can go wrong
//! * [`pool`], [`limiter`], [`log`]: what the jobs share ([`backend`]); [`call`]: frames of a dump

mod backend;
mod call;
mod data;
mod dispatch;
mod error;
mod import;
mod ingest;
mod job;
mod limiter;
mod log;
mod pool;
mod retryer;
mod revision;
mod scan;
mod wait_group;
mod worker;
mod write;

use std::future::Future;
use std::pin::Pin;

use fake_tikv::{Observed, Speed};
use unstuck_record::Work;

use super::{Client, Env, Failure, Timers, Workload};
use crate::probe::meter::Counts;
pub use revision::{Revision, WRITE_TIMEOUT};

/// `TiDB` Lightning's local backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lightning {
    revision: Revision,
    write_limit: Option<u64>,
}

impl Lightning {
    /// The client at a revision.
    pub fn new(revision: Revision) -> Self {
        Self { revision, write_limit: None }
    }
    /// At most so many bytes a second to each store (`store-write-bwlimit`); by default there is no limit.
    pub fn write_limit(mut self, bytes_per_second: u64) -> Self {
        self.write_limit = Some(bytes_per_second);
        self
    }
}

impl Client for Lightning {
    fn name(&self) -> &'static str {
        "lightning"
    }
    fn revision(&self) -> &'static str {
        self.revision.name()
    }
    fn unit(&self) -> &'static str {
        "keys"
    }
    fn timers(&self) -> Timers {
        // a peer that is gone is noticed after a silent time and an unanswered ping
        let keepalive = pool::KEEPALIVE_TIME + pool::KEEPALIVE_TIMEOUT;
        Timers {
            longest: keepalive.max(self.revision.write_timeout().unwrap_or_default()),
            backoff_cap: dispatch::MAX_BACKOFF,
            // nothing larger than a job ever starts anew, and a job does so after this wait
            restart_period: dispatch::FIRST_BACKOFF,
        }
    }
    /// The workers take as many jobs at a time as there are of them. A job's batches go one after the other, to all
    /// peers at once, and its ingest takes as long as a batch.
    fn speed(&self, workload: &Workload, _stores: u32) -> Speed {
        let turns = workload.regions.div_ceil(workload.workers.max(1)).max(1);
        let steps = turns.saturating_mul(workload.batches.saturating_add(1));
        let step = workload.duration / steps;
        Speed { write_batch: step, ingest: step, ..Speed::default() }
    }
    fn run(&self, env: Env) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>> {
        Box::pin(import::import(env, self.revision, self.write_limit))
    }
    fn progress(&self, seen: &Observed, _counts: &Counts) -> (u64, u64) {
        (seen.keys_ingested, seen.keys_total)
    }
    fn audit(&self, seen: &Observed, _counts: &Counts) -> Work {
        let mut missing = seen.regions_incomplete.clone();
        if seen.keys_wrong > 0 {
            missing.push(format!("{} keys with wrong data or in the wrong region", seen.keys_wrong));
        }
        Work { expected: seen.keys_total, unique: seen.keys_ingested, duplicated: seen.keys_wrong, missing }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_longest_timer_is_the_keepalive_and_as_long_as_the_write_timeout() {
        for revision in Revision::ALL {
            assert_eq!(Lightning::new(revision).timers().longest, 15 * MINUTE);
        }
    }

    #[test]
    fn the_stores_are_as_fast_as_the_workloads_duration_asks() {
        let workload = Workload {
            regions: 65,
            batches: 8,
            batch_bytes: 16 << 10,
            workers: 32,
            connections: 16,
            duration: 27 * MINUTE,
        };
        let speed = Lightning::new(Revision::Fixed).speed(&workload, 3);
        // three turns of 32 workers, each of eight batches and an ingest
        assert_eq!((speed.write_batch, speed.ingest), (MINUTE, MINUTE));
    }

    #[test]
    fn wrong_keys_are_told() {
        let seen = Observed {
            keys_ingested: 7,
            keys_wrong: 2,
            keys_total: 9,
            regions_incomplete: vec!["region 3".into()],
            ..Observed::default()
        };
        let work = Lightning::new(Revision::Fixed).audit(&seen, &Counts::default());
        assert_eq!((work.expected, work.unique, work.duplicated), (9, 7, 2));
        assert_eq!(work.missing, ["region 3", "2 keys with wrong data or in the wrong region"]);
    }
}
