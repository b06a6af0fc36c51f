//! Models of client-go: loads of raw keys and of transactions, over its region cache, its back-off and its batched connections.
//!
//! Modules, in reading order:
//!
//! * [`revision`]: what the issues and pull requests changed
//! * `raw`: puts and gets; `txn`: two-phase commits (`lock`: other transactions' locks); `load`: a steady pace
//! * `sender`: a request to a region, and again (`selector`: to which replica)
//! * `region`, `keys`: what is known of regions; `store`: address, probe
//! * `batch`: many requests on one stream (`conn`, `command`)
//! * `backoff`, `error`: how long, and what then; `tools`: what all of them need

mod backoff;
mod batch;
mod command;
mod conn;
mod error;
mod keys;
mod load;
mod lock;
mod raw;
mod region;
mod revision;
mod selector;
mod sender;
mod store;
#[cfg(test)]
mod tests;
mod tools;
mod txn;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use fake_tikv::{Observed, Speed};
use unstuck_record::Work;

use super::{Client, Env, Failure, Timers, Workload};
use crate::probe::meter::Counts;
pub use revision::Revision;

/// client-go under a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kv {
    /// What it does.
    pub load: Load,
    /// Its version.
    pub revision: Revision,
}

/// What a client does all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// Puts raw keys and reads them back.
    Raw,
    /// Commits transactions of two rows, and reads them back.
    Txn,
}

impl Load {
    /// Rows that one unit of progress writes.
    fn rows(self) -> u64 {
        match self {
            Self::Raw => 1,
            Self::Txn => txn::ROWS,
        }
    }
}

impl Client for Kv {
    fn name(&self) -> &'static str {
        match self.load {
            Load::Raw => "raw_kv",
            Load::Txn => "txn_kv",
        }
    }
    fn revision(&self) -> &'static str {
        self.revision.name()
    }
    fn unit(&self) -> &'static str {
        match self.load {
            Load::Raw => "keys",
            Load::Txn => "transactions",
        }
    }
    fn timers(&self) -> Timers {
        Timers {
            longest: match self.load {
                Load::Raw => raw::TIMEOUT,
                Load::Txn => txn::COMMIT_TIMEOUT,
            },
            backoff_cap: backoff::LONGEST,
            // an operation is a few requests: nothing larger ever starts anew
            restart_period: Duration::ZERO,
        }
    }
    fn speed(&self, _workload: &Workload, _stores: u32) -> Speed {
        // the load has a pace of its own
        Speed::default()
    }
    fn run(&self, env: Env) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>> {
        match self.load {
            Load::Raw => Box::pin(raw::run(env, self.revision)),
            Load::Txn => Box::pin(txn::run(env, self.revision)),
        }
    }
    fn progress(&self, _seen: &Observed, counts: &Counts) -> (u64, u64) {
        (counts.unique(), counts.total)
    }
    fn audit(&self, seen: &Observed, counts: &Counts) -> Work {
        audit(seen, counts, self.load.rows(), self.unit())
    }
}

/// Every unit is to be read back right by the client, and its rows are to be in the cluster: a row more or fewer is told.
fn audit(seen: &Observed, counts: &Counts, rows: u64, unit: &str) -> Work {
    let (done, total) = (counts.unique(), counts.total);
    let mut missing = vec![];
    if done < total {
        missing.push(format!("{} of {total} {unit} were not read back", total - done));
    }
    let gone = (done * rows).saturating_sub(seen.rows);
    if gone > 0 {
        missing.push(format!("{gone} rows were read back that were never in the cluster"));
    }
    let strange = seen.rows.saturating_sub(total * rows);
    if strange > 0 {
        missing.push(format!("{strange} rows are in the cluster that nobody was to write"));
    }
    Work { expected: total, unique: done.min(seen.rows / rows), duplicated: strange, missing }
}

#[cfg(test)]
mod audits {
    use super::*;
    use crate::probe::Meter;

    /// Two of three units of so many rows were read back.
    fn work(rows_each: u64, rows: u64) -> Work {
        let meter = Meter::default();
        meter.expect(3);
        meter.done("a");
        meter.done("b");
        audit(&Observed { rows, ..Observed::default() }, &meter.read(), rows_each, "keys")
    }

    #[test]
    fn a_unit_counts_when_it_was_read_back_and_the_cluster_has_its_rows() {
        let right = work(1, 3);
        assert_eq!((right.expected, right.unique, right.duplicated), (3, 2, 0));
        assert_eq!(right.missing, ["1 of 3 keys were not read back"]);
        let claimed = work(2, 3);
        assert_eq!(claimed.unique, 1);
        assert_eq!(claimed.missing[1], "1 rows were read back that were never in the cluster");
        let strange = work(1, 5);
        assert_eq!((strange.unique, strange.duplicated), (2, 2));
        assert_eq!(strange.missing[1], "2 rows are in the cluster that nobody was to write");
    }

    #[test]
    fn every_revision_has_a_name_of_its_own_and_is_found_by_it() {
        for revision in Revision::ALL {
            assert_eq!(Revision::named(revision.name()), Some(revision));
        }
        assert_eq!(Revision::named("as-reported"), None);
    }
}
