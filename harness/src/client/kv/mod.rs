//! Models of client-go: loads of raw keys and of transactions, over its region cache, its back-off and its batched connections.
//!
//! Modules, in reading order:
//!
//! * [`revision`]: what the issues and pull requests changed
//! * `raw`: puts and gets; `load`: a steady pace
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
mod raw;
mod region;
mod revision;
mod selector;
mod sender;
mod store;
mod tools;

use std::future::Future;
use std::pin::Pin;

use fake_tikv::{Observed, Speed};
use unstuck_record::Work;

use super::{Client, Env, Failure, Timers, Workload};
use crate::probe::meter::Counts;
pub use revision::Revision;

/// client-go's raw key-value client under a load of puts and gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawKv {
    /// Its version.
    pub revision: Revision,
}

impl Client for RawKv {
    fn name(&self) -> &'static str {
        "raw_kv"
    }
    fn revision(&self) -> &'static str {
        self.revision.name()
    }
    fn unit(&self) -> &'static str {
        "keys"
    }
    fn timers(&self) -> Timers {
        Timers {
            longest: raw::TIMEOUT,
            backoff_cap: backoff::LONGEST,
            // a key is a request or two: nothing larger ever starts anew
            restart_period: std::time::Duration::ZERO,
        }
    }
    fn speed(&self, _workload: &Workload, _stores: u32) -> Speed {
        // the load has a pace of its own
        Speed::default()
    }
    fn run(&self, env: Env) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>> {
        Box::pin(raw::run(env, self.revision))
    }
    fn progress(&self, _seen: &Observed, counts: &Counts) -> (u64, u64) {
        (counts.unique(), counts.total)
    }
    fn audit(&self, seen: &Observed, counts: &Counts) -> Work {
        audit(seen, counts)
    }
}

/// Every key is to be read back right by the client, and to be there as the cluster knows it: a key more or fewer is told.
fn audit(seen: &Observed, counts: &Counts) -> Work {
    let mut missing = vec![];
    if counts.unique() < counts.total {
        missing.push(format!(
            "{} of {} keys were not read back",
            counts.total - counts.unique(),
            counts.total
        ));
    }
    if seen.rows < counts.unique() {
        let gone = counts.unique() - seen.rows;
        missing.push(format!("{gone} of the keys that were read back were never in the cluster"));
    }
    let strange = seen.rows.saturating_sub(counts.total);
    if strange > 0 {
        missing.push(format!("{strange} keys are in the cluster that nobody was to put"));
    }
    Work { expected: counts.total, unique: counts.unique().min(seen.rows), duplicated: strange, missing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Meter;

    fn work(rows: u64) -> Work {
        let meter = Meter::default();
        meter.expect(3);
        meter.done("a");
        meter.done("b");
        audit(&Observed { rows, ..Observed::default() }, &meter.read())
    }

    #[test]
    fn a_key_counts_when_it_was_read_back_and_the_cluster_has_it() {
        let right = work(3);
        assert_eq!((right.expected, right.unique, right.duplicated), (3, 2, 0));
        assert_eq!(right.missing, ["1 of 3 keys were not read back"]);
        let claimed = work(1);
        assert_eq!(claimed.unique, 1);
        assert_eq!(claimed.missing[1], "1 of the keys that were read back were never in the cluster");
        let strange = work(5);
        assert_eq!((strange.unique, strange.duplicated), (2, 2));
    }

    #[test]
    fn every_revision_has_a_name_of_its_own_and_is_found_by_it() {
        for revision in Revision::ALL {
            assert_eq!(Revision::named(revision.name()), Some(revision));
        }
        assert_eq!(Revision::named("as-reported"), None);
    }
}
