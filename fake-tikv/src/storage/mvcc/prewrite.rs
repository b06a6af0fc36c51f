//! The first phase, and the whole of a transaction that needs only one.

use bytes::Bytes;

use super::changes::Changes;
use super::error::{Assertion, Conflict, Error};
use super::lock::{Holds, Lock};
use super::record::Fate;
use super::write::{Kind, Write};
use super::{Mvcc, Ts};

/// What the mutations of one request have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prewrite<'a> {
    pub(crate) start_ts: Ts,
    pub(crate) primary: &'a Bytes,
    pub(crate) ttl: u64,
    pub(crate) txn_size: u64,
    /// Zero in optimistic transactions.
    pub(crate) for_update_ts: Ts,
    pub(crate) min_commit_ts: Ts,
    /// Zero is no limit.
    pub(crate) max_commit_ts: Ts,
    pub(crate) way: Way<'a>,
    /// The client vouches that no key has a later version.
    pub(crate) skip_constraint_check: bool,
    /// Check assertions even where that takes another look at the key.
    pub(crate) strict: bool,
    /// The client has sent it before, and does not know what became of it.
    pub(crate) retry: bool,
}

/// How the transaction wants to be committed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way<'a> {
    /// Its client says when.
    TwoPhase,
    /// As soon as all is prewritten. Names all keys but the primary.
    Async(&'a [Bytes]),
    /// With this request, which is all there is.
    OnePhase,
}

/// What a transaction does to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    Put,
    /// A put of a key that must not be there.
    Insert,
    Delete,
    Lock,
    /// Nothing, but the key must not be there.
    CheckNotExists,
}

/// What a pessimistic transaction knows of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reserved {
    /// It has not reserved it, and others keep away by reserving another.
    Not,
    /// It has.
    Yes,
    /// It has not, and left the check for conflicts to now.
    Late,
}

/// One key's part.
#[derive(Clone, Debug)]
pub(crate) struct Mutation {
    pub(crate) key: Bytes,
    pub(crate) value: Bytes,
    pub(crate) intent: Intent,
    pub(crate) assertion: Option<Assertion>,
    pub(crate) reserved: Reserved,
    /// The `for_update_ts` that its reservation must have.
    pub(crate) expected_for_update_ts: Option<Ts>,
}

/// How far the transaction got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prewritten {
    /// Its commit is up to the client.
    TwoPhase,
    /// It is as good as committed once all its keys are, at no earlier time than this.
    Async(Ts),
    /// It is committed, at this time.
    OnePhase(Ts),
}

/// How far one key got.
enum Step {
    /// This lock is to be put on it, in place of a reservation or not.
    Lock(Lock, Option<Ts>),
    /// Nothing is to be done, and it cannot be committed earlier.
    Nothing(Option<Ts>),
}

impl Mvcc {
    /// Prewrites all mutations of a request, or none.
    pub(crate) fn prewrite(
        &self,
        changes: &mut Changes,
        txn: &Prewrite<'_>,
        mutations: &[Mutation],
    ) -> Result<Prewritten, Vec<Error>> {
        let (mut locks, mut errors, mut unfit) = (Vec::new(), Vec::new(), None);
        let one_phase = matches!(txn.way, Way::OnePhase);
        let mut two_phase = matches!(txn.way, Way::TwoPhase);
        let mut latest = 0;
        for mutation in mutations {
            let step = match self.prewrite_key(txn, mutation) {
                Ok(step) => step,
                Err(error @ Error::KeyIsLocked { .. }) => {
                    errors.push(error);
                    continue;
                }
                // other errors come first: an assertion can fail because of them
                Err(error @ Error::AssertionFailed { .. }) => {
                    unfit.get_or_insert(error);
                    continue;
                }
                Err(error) => {
                    return match self.committed_before(txn, &mutation.key, &error) {
                        Some(commit_ts) => Ok(txn.committed(commit_ts)),
                        None => Err(vec![error]),
                    };
                }
            };
            let earliest = match step {
                Step::Lock(lock, earliest) => {
                    locks.push((&mutation.key, lock));
                    earliest
                }
                Step::Nothing(earliest) => earliest,
            };
            // a key for which no time can be promised takes the whole transaction back to two phases
            two_phase |= earliest.is_none();
            latest = latest.max(earliest.unwrap_or(0));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        if let Some(error) = unfit {
            return Err(vec![error]);
        }
        for (key, mut lock) in locks {
            if two_phase {
                lock.secondaries = None;
            }
            if one_phase && !two_phase {
                if self.own_lock(key, txn.start_ts).is_some() {
                    changes.unlock(key);
                }
                changes.write(key, latest, lock.into_write(latest));
            } else {
                changes.lock(key, lock);
            }
        }
        Ok(if two_phase { Prewritten::TwoPhase } else { txn.committed(latest) })
    }

    fn prewrite_key(&self, txn: &Prewrite<'_>, mutation: &Mutation) -> Result<Step, Error> {
        let Mutation { key, intent, reserved, .. } = mutation;
        let (start_ts, pessimistic) = (txn.start_ts, txn.for_update_ts != 0);
        if pessimistic && *intent == Intent::CheckNotExists {
            return Err(Error::Other("cannot handle checkNotExists in pessimistic prewrite"));
        }
        let not_found = || Error::PessimisticLockNotFound { start_ts, key: key.clone() };
        let mut reservation = None;
        let mut amended = false;
        match self.lock(key) {
            Some(lock) if lock.start_ts != start_ts => {
                return Err(match reserved {
                    Reserved::Yes if pessimistic => not_found(),
                    _ => in_the_way(txn, mutation, lock),
                });
            }
            Some(lock) if !lock.is_reservation() => {
                let earliest = lock.async_commit().then_some(lock.min_commit_ts);
                return Ok(Step::Nothing(earliest));
            }
            Some(_) if !pessimistic => {
                return Err(Error::LockTypeNotMatch { start_ts, key: key.clone(), pessimistic: true });
            }
            Some(lock) => {
                let wrong = |expected| lock.for_update_ts != expected;
                if *reserved == Reserved::Yes && mutation.expected_for_update_ts.is_some_and(wrong) {
                    return Err(not_found());
                }
                reservation = Some(lock);
            }
            None if pessimistic && *reserved == Reserved::Yes => {
                // the reservation may have been lost: as long as nobody came in between, that does not matter
                if self.versions(key, Ts::MAX).next().is_some_and(|(commit_ts, _)| commit_ts >= start_ts) {
                    return Err(not_found());
                }
                self.check_assertion(start_ts, mutation)?;
                amended = true;
            }
            None => {}
        }
        let check = match reserved {
            _ if !pessimistic => !txn.skip_constraint_check,
            Reserved::Not => txn.retry,
            Reserved::Yes => false,
            Reserved::Late => true,
        };
        if check {
            self.check_newer(txn, mutation)?;
        }
        if !amended && (check || txn.strict) {
            self.check_assertion(start_ts, mutation)?;
        }
        let kind = match intent {
            Intent::Put | Intent::Insert => Kind::Put,
            Intent::Delete => Kind::Delete,
            Intent::Lock => Kind::Lock,
            Intent::CheckNotExists => {
                return Ok(Step::Nothing(Some(txn.min_commit_ts.max(start_ts + 1))));
            }
        };
        let secondaries = match txn.way {
            Way::Async(all) if key == txn.primary => Some(all.to_vec()),
            Way::Async(_) => Some(Vec::new()),
            Way::TwoPhase | Way::OnePhase => None,
        };
        let mut lock = Lock {
            holds: Holds::Change(kind),
            primary: txn.primary.clone(),
            start_ts,
            ttl: txn.ttl.max(reservation.map_or(0, |lock| lock.ttl)),
            for_update_ts: txn.for_update_ts,
            txn_size: txn.txn_size,
            min_commit_ts: txn.min_commit_ts.max(reservation.map_or(0, |lock| lock.min_commit_ts)),
            value: if kind == Kind::Put { mutation.value.clone() } else { Bytes::new() },
            secondaries,
            rolled_back: Vec::new(),
            with_conflict: false,
        };
        let earliest = self.earliest_commit(txn, lock.min_commit_ts);
        if !matches!(txn.way, Way::TwoPhase) {
            lock.min_commit_ts = earliest.unwrap_or(lock.min_commit_ts);
        }
        Ok(Step::Lock(lock, earliest))
    }

    /// When a change that nobody has read before can become visible; `None` where the client does not want that.
    fn earliest_commit(&self, txn: &Prewrite<'_>, min_commit_ts: Ts) -> Option<Ts> {
        let unread = self.max_ts.max(txn.start_ts).max(txn.for_update_ts).saturating_add(1);
        let earliest = unread.max(min_commit_ts);
        (txn.max_commit_ts == 0 || earliest <= txn.max_commit_ts).then_some(earliest)
    }

    /// Looks for versions that the transaction has not seen.
    fn check_newer(&self, txn: &Prewrite<'_>, mutation: &Mutation) -> Result<(), Error> {
        let key = &mutation.key;
        for (commit_ts, write) in self.versions(key, Ts::MAX) {
            let conflict = |reason| Error::WriteConflict {
                start_ts: txn.start_ts,
                conflict_start_ts: write.start_ts,
                conflict_commit_ts: commit_ts,
                key: key.clone(),
                primary: txn.primary.clone(),
                reason,
            };
            if commit_ts == txn.start_ts && write.rolls_back() {
                return Err(conflict(Conflict::SelfRolledBack));
            }
            if txn.for_update_ts == 0 {
                if commit_ts > txn.start_ts {
                    return Err(conflict(Conflict::Optimistic));
                }
            } else {
                if mutation.reserved == Reserved::Late && commit_ts > txn.start_ts {
                    return Err(conflict(Conflict::LazyUniquenessCheck));
                }
                if commit_ts > txn.for_update_ts {
                    // the rollback of a later transaction is no conflict
                    if write.kind == Kind::Rollback {
                        continue;
                    }
                    return Err(Error::PessimisticLockNotFound { start_ts: txn.start_ts, key: key.clone() });
                }
            }
            break;
        }
        let absent = matches!(mutation.intent, Intent::Insert | Intent::CheckNotExists);
        if absent && self.latest_data(key).is_some_and(|(_, write)| write.kind == Kind::Put) {
            return Err(Error::AlreadyExist { key: key.clone() });
        }
        Ok(())
    }

    fn check_assertion(&self, start_ts: Ts, mutation: &Mutation) -> Result<(), Error> {
        let Some(assertion) = mutation.assertion else { return Ok(()) };
        let latest = self.latest_data(&mutation.key);
        let exists = latest.is_some_and(|(_, write)| write.kind == Kind::Put);
        if exists == (assertion == Assertion::Exist) {
            return Ok(());
        }
        Err(Error::AssertionFailed {
            start_ts,
            key: mutation.key.clone(),
            assertion,
            existing_start_ts: latest.map_or(0, |(_, write)| write.start_ts),
            existing_commit_ts: latest.map_or(0, |(commit_ts, _)| commit_ts),
        })
    }

    /// The latest version that readers see.
    pub(super) fn latest_data(&self, key: &[u8]) -> Option<(Ts, &Write)> {
        self.versions(key, Ts::MAX).find(|(_, write)| write.is_data())
    }

    /// Whether a failure only says that the request has been carried out, and committed, before.
    fn committed_before(&self, txn: &Prewrite<'_>, key: &Bytes, error: &Error) -> Option<Ts> {
        let newer = match error {
            Error::WriteConflict { start_ts, conflict_commit_ts, .. } => conflict_commit_ts > start_ts,
            error => matches!(error, Error::PessimisticLockNotFound { .. }),
        };
        match self.fate(key, txn.start_ts) {
            Fate::Committed(commit_ts) if newer => Some(commit_ts),
            _ => None,
        }
    }
}

impl Prewrite<'_> {
    fn committed(&self, at: Ts) -> Prewritten {
        match self.way {
            Way::OnePhase => Prewritten::OnePhase(at),
            Way::Async(_) => Prewritten::Async(at),
            Way::TwoPhase => Prewritten::TwoPhase,
        }
    }
}

/// Another transaction's lock, for whoever has to resolve it.
fn in_the_way(txn: &Prewrite<'_>, mutation: &Mutation, lock: &Lock) -> Error {
    let mut lock = lock.clone();
    if txn.for_update_ts != 0 && mutation.reserved != Reserved::Late {
        // a pessimistic transaction holds what guards this key: whoever is here has no right to, and goes at once
        lock.ttl = 0;
    }
    Error::locked(&mutation.key, &lock)
}
