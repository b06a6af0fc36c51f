//! Against a model that knows only what was committed when.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;

use super::changes::Changes;
use super::prewrite::{Intent, Mutation, Prewrite, Prewritten, Reserved, Way};
use super::read::{Isolation, Page, View};
use super::rollback::Trace;
use super::{Mvcc, Ts};

/// One transaction of its own: begun, then ended or left, each at the next timestamp.
#[derive(Clone, Debug)]
struct Txn {
    /// Keys with a new value, or deleted.
    writes: BTreeMap<u8, bool>,
    commits: bool,
    one_phase: bool,
    /// The last so many timestamps are read again before it begins.
    again: bool,
}

fn txn() -> impl Strategy<Value = Txn> {
    let writes = prop::collection::btree_map(0..6u8, any::<bool>(), 1..4);
    (writes, prop::bool::weighted(0.7), any::<bool>(), any::<bool>())
        .prop_map(|(writes, commits, one_phase, again)| Txn { writes, commits, one_phase, again })
}

fn key(n: u8) -> Bytes {
    Bytes::from(vec![b'a' + n])
}

/// What is there at a timestamp, by the model's list of all that was ever committed.
fn at(model: &[(Ts, u8, Option<Bytes>)], ts: Ts) -> BTreeMap<Bytes, Bytes> {
    let mut there = BTreeMap::new();
    for (_, n, value) in model.iter().filter(|(commit_ts, ..)| *commit_ts <= ts) {
        match value {
            Some(value) => there.insert(key(*n), value.clone()),
            None => there.remove(&key(*n)),
        };
    }
    there
}

fn run(mvcc: &mut Mvcc, txn: &Txn, clock: &mut Ts, model: &mut Vec<(Ts, u8, Option<Bytes>)>) {
    *clock += 1;
    let start_ts = *clock;
    let value = Bytes::from(start_ts.to_string());
    let mutation = |(n, put): (&u8, &bool)| Mutation {
        key: key(*n),
        value: value.clone(),
        intent: if *put { Intent::Put } else { Intent::Delete },
        assertion: None,
        reserved: Reserved::Not,
        expected_for_update_ts: None,
    };
    let mutations: Vec<_> = txn.writes.iter().map(mutation).collect();
    let prewrite = Prewrite {
        start_ts,
        primary: &mutations[0].key,
        ttl: 0,
        txn_size: 0,
        for_update_ts: 0,
        min_commit_ts: 0,
        max_commit_ts: 0,
        way: if txn.one_phase { Way::OnePhase } else { Way::TwoPhase },
        skip_constraint_check: false,
        strict: false,
        retry: false,
    };
    let mut changes = Changes::default();
    let prewritten = mvcc.prewrite(&mut changes, &prewrite, &mutations).unwrap();
    mvcc.apply(changes);
    let mut changes = Changes::default();
    let committed = match prewritten {
        Prewritten::OnePhase(commit_ts) => Some(commit_ts),
        _ if txn.commits => {
            *clock += 1;
            for mutation in &mutations {
                mvcc.commit(&mut changes, &mutation.key, start_ts, *clock).unwrap();
            }
            Some(*clock)
        }
        _ => {
            for mutation in &mutations {
                mvcc.cleanup(&mut changes, &mutation.key, start_ts, None, Trace::Collapsible).unwrap();
            }
            None
        }
    };
    mvcc.apply(changes);
    if let Some(commit_ts) = committed {
        *clock = (*clock).max(commit_ts);
        model.extend(txn.writes.iter().map(|(n, put)| (commit_ts, *n, put.then(|| value.clone()))));
    }
}

fn check(mvcc: &mut Mvcc, model: &[(Ts, u8, Option<Bytes>)], ts: Ts) -> Result<(), TestCaseError> {
    mvcc.read_at(ts);
    let view = View { ts, isolation: Isolation::Snapshot, resolved: &[], committed: &[] };
    let want: Vec<_> = at(model, ts).into_iter().map(Ok).collect();
    let page = |reverse| Page { limit: usize::MAX, reverse, key_only: false, sample_step: 0 };
    prop_assert_eq!(mvcc.scan(b"", b"", page(false), &view), &want[..], "at {}", ts);
    let mut down = mvcc.scan(b"", b"", page(true), &view);
    down.reverse();
    prop_assert_eq!(down, want);
    Ok(())
}

proptest! {
    #[test]
    fn every_timestamp_shows_what_was_committed_until_then(txns in prop::collection::vec(txn(), 1..40), part in 0..100u64) {
        let (mut mvcc, mut model, mut clock) = (Mvcc::default(), Vec::new(), 0);
        for txn in &txns {
            run(&mut mvcc, txn, &mut clock, &mut model);
            if txn.again {
                let now = clock;
                check(&mut mvcc, &model, now)?;
            }
        }
        for ts in 0..=clock {
            check(&mut mvcc, &model, ts)?;
        }
        // whoever reads at the safe point or later sees no difference
        let (safe_point, before) = (clock * part / 100, mvcc.bytes());
        mvcc.collect(b"", b"", safe_point);
        prop_assert!(mvcc.bytes() <= before);
        for ts in safe_point..=clock {
            check(&mut mvcc, &model, ts)?;
        }
        // and the space is given back to the last byte
        mvcc.destroy(b"", b"");
        prop_assert_eq!((mvcc.bytes(), mvcc.keys.len(), mvcc.locked.len()), (0, 0, 0));
    }
}
