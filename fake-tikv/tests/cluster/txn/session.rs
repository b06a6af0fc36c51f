//! Transactions as clients carry them out: what they do about locks in their way, and the ways to commit.

use std::time::Duration;

use bytes::Bytes;
use fake_tikv::proto::kvrpcpb::prewrite_request::PessimisticAction;
use fake_tikv::proto::kvrpcpb::*;
use tokio::time::sleep;

use super::client::Client;

/// How long a lock lives; short, as clients die often here.
const TTL: u64 = 400;
const PAUSE: Duration = Duration::from_millis(30);

/// How to commit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    TwoPhase,
    Async,
    OnePhase,
}

/// It did not happen.
#[derive(Debug)]
pub(crate) struct Aborted;

/// Transactions whose locks a reader need not wait for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    resolved: Vec<u64>,
    committed: Vec<u64>,
}

impl Known {
    fn context(&self) -> Context {
        let (resolved_locks, committed_locks) = (self.resolved.clone(), self.committed.clone());
        Context { resolved_locks, committed_locks, ..Default::default() }
    }
}

fn physical(ts: u64) -> u64 {
    ts >> 18
}

impl Client<'_> {
    /// A key's value as of a timestamp.
    pub(crate) async fn read(&self, key: &Bytes, version: u64, known: &mut Known) -> Option<Bytes> {
        loop {
            let request = GetRequest { key: key.clone(), version, context: Some(known.context()) };
            let answer = self.kv_get(key, request).await;
            match answer.error {
                None => return (!answer.not_found).then_some(answer.value),
                Some(error) => self.settle(&error.locked.unwrap(), version, known).await,
            }
        }
    }

    /// All keys from one to another that lie in one region.
    pub(crate) async fn scan(
        &self,
        start_key: &Bytes,
        end_key: &Bytes,
        version: u64,
        known: &mut Known,
    ) -> Vec<(Bytes, Bytes)> {
        loop {
            let request = ScanRequest {
                start_key: start_key.clone(),
                end_key: end_key.clone(),
                version,
                limit: 10_000,
                context: Some(known.context()),
                ..Default::default()
            };
            let pairs = self.kv_scan(start_key, request).await.pairs;
            let Some(error) = pairs.iter().find_map(|pair| pair.error.clone()) else {
                return pairs.into_iter().map(|pair| (pair.key, pair.value)).collect();
            };
            self.settle(&error.locked.unwrap(), version, known).await;
        }
    }

    /// Does about a lock what its transaction's fate demands, or waits a little.
    async fn settle(&self, lock: &LockInfo, reader: u64, known: &mut Known) {
        let now = self.ts().await;
        let reserved = lock.lock_type() == Op::PessimisticLock;
        let mut ask = CheckTxnStatusRequest {
            primary_key: lock.primary_lock.clone(),
            lock_ts: lock.lock_version,
            caller_start_ts: reader,
            current_ts: now,
            rollback_if_not_exist: physical(lock.lock_version) + lock.lock_ttl < physical(now),
            resolving_pessimistic_lock: reserved,
            ..Default::default()
        };
        let mut status = self.kv_check_status(&lock.primary_lock, ask.clone()).await;
        let mut all = vec![lock.key.clone()];
        if let Some(primary) = status.lock_info.clone().filter(|primary| primary.use_async_commit)
            && physical(primary.lock_version) + primary.lock_ttl < physical(now)
        {
            if let Some(commit_ts) = self.fate_of_async(&primary).await {
                (status.commit_version, status.lock_ttl) = (commit_ts, 0);
                all.push(primary.primary_lock);
                all.extend(primary.secondaries);
            } else {
                ask.force_sync_commit = true;
                status = self.kv_check_status(&lock.primary_lock, ask).await;
            }
        }
        if status.error.is_some() || status.lock_ttl > 0 {
            if status.action() == Action::MinCommitTsPushed && !reserved {
                known.resolved.push(lock.lock_version);
            } else {
                sleep(PAUSE).await;
            }
            return;
        }
        let (start_version, commit_version) = (lock.lock_version, status.commit_version);
        if reserved {
            let keys = vec![lock.key.clone()];
            let give_up = PessimisticRollbackRequest {
                start_version,
                for_update_ts: u64::MAX,
                keys,
                ..Default::default()
            };
            self.kv_give_up(&lock.key, give_up).await;
            return;
        }
        // readers may go on before the lock is gone; every other one does here
        if reader != 0 && now % 2 == 0 && all.len() == 1 {
            let visible = commit_version != 0 && commit_version <= reader;
            if visible { &mut known.committed } else { &mut known.resolved }.push(start_version);
            return;
        }
        for key in all {
            let keys = vec![key.clone()];
            let resolve = ResolveLockRequest { start_version, commit_version, keys, ..Default::default() };
            let error = self.kv_resolve(&key, resolve).await.error;
            assert_eq!(error, None, "to resolve {start_version} at {commit_version}");
        }
    }

    /// When an async commit is committed, 0 if not at all; `None` if it is none.
    async fn fate_of_async(&self, primary: &LockInfo) -> Option<u64> {
        let mut at = primary.min_commit_ts;
        for key in &primary.secondaries {
            let keys = vec![key.clone()];
            let start_version = primary.lock_version;
            let ask = CheckSecondaryLocksRequest { keys, start_version, ..Default::default() };
            let answer = self.kv_check_secondaries(key, ask).await;
            let Some(lock) = answer.locks.first() else { return Some(answer.commit_ts) };
            if !lock.use_async_commit {
                return None;
            }
            at = at.max(lock.min_commit_ts);
        }
        Some(at)
    }

    /// Reserves a key and returns its value; `for_update_ts` moves on to what was seen.
    pub(crate) async fn reserve(
        &self,
        start_version: u64,
        for_update_ts: &mut u64,
        primary: &Bytes,
        key: &Bytes,
    ) -> Result<Bytes, Aborted> {
        loop {
            let mutation =
                Mutation { op: Op::PessimisticLock.into(), key: key.clone(), ..Default::default() };
            let request = PessimisticLockRequest {
                mutations: vec![mutation],
                primary_lock: primary.clone(),
                start_version,
                for_update_ts: *for_update_ts,
                lock_ttl: TTL,
                wait_timeout: 200,
                return_values: true,
                ..Default::default()
            };
            let mut answer = self.kv_lock(key, request).await;
            let Some(error) = answer.errors.pop() else { return Ok(answer.values.remove(0)) };
            if let Some(lock) = error.locked {
                self.settle(&lock, 0, &mut Known::default()).await;
            } else if error.conflict.is_some() {
                *for_update_ts = self.ts().await;
            } else {
                return Err(Aborted);
            }
        }
    }

    /// Commits changes, the first of which is the primary; `for_update_ts` is 0 in an optimistic transaction.
    ///
    /// Each key goes alone, but with one phase: there all of them have to lie in one region.
    pub(crate) async fn write(
        &self,
        start_version: u64,
        for_update_ts: u64,
        puts: &[(Bytes, Bytes)],
        reserved: usize,
        way: Way,
    ) -> Result<u64, Aborted> {
        let mutation = |(key, value): &(Bytes, Bytes)| Mutation {
            op: Op::Put.into(),
            key: key.clone(),
            value: value.clone(),
            ..Default::default()
        };
        let primary = &puts[0].0;
        let action = |at: usize| match for_update_ts {
            0 => None,
            _ if at < reserved => Some(PessimisticAction::DoPessimisticCheck.into()),
            _ => Some(PessimisticAction::SkipPessimisticCheck.into()),
        };
        let one_phase = matches!(way, Way::OnePhase);
        let size = if one_phase { puts.len() } else { 1 };
        let parts: Vec<_> = (0..puts.len()).step_by(size.max(1)).map(|at| at..at + size).collect();
        let (mut earliest, mut is_async) = (0, matches!(way, Way::Async));
        for part in parts {
            let request = PrewriteRequest {
                mutations: puts[part.clone()].iter().map(mutation).collect(),
                pessimistic_actions: part.clone().filter_map(action).collect(),
                primary_lock: primary.clone(),
                start_version,
                for_update_ts,
                lock_ttl: TTL,
                min_commit_ts: start_version.max(for_update_ts) + 1,
                try_one_pc: one_phase,
                use_async_commit: is_async,
                secondaries: if is_async && part.start == 0 {
                    puts[1..].iter().map(|(key, _)| key.clone()).collect()
                } else {
                    Vec::new()
                },
                ..Default::default()
            };
            loop {
                let answer = self.kv_prewrite(&puts[part.start].0, request.clone()).await;
                match answer.errors.first() {
                    None if answer.one_pc_commit_ts != 0 => return Ok(answer.one_pc_commit_ts),
                    None => {
                        earliest = earliest.max(answer.min_commit_ts);
                        is_async &= answer.min_commit_ts != 0;
                        break;
                    }
                    Some(KeyError { locked: Some(lock), .. }) => {
                        self.settle(lock, 0, &mut Known::default()).await;
                    }
                    Some(_) => {
                        self.roll_back(start_version, puts).await;
                        return Err(Aborted);
                    }
                }
            }
        }
        let mut commit_version = if is_async { earliest } else { self.ts().await };
        if start_version.is_multiple_of(3) {
            // time for readers to push it
            sleep(PAUSE).await;
        }
        for (key, _) in puts {
            loop {
                let keys = vec![key.clone()];
                let request = CommitRequest { start_version, commit_version, keys, ..Default::default() };
                let Some(error) = self.kv_commit(key, request).await.error else { break };
                // readers have pushed it; only the primary is ever pushed
                if error.commit_ts_expired.is_some() && key == primary && !is_async {
                    commit_version = self.ts().await;
                } else if key == primary && !is_async {
                    return Err(Aborted);
                } else {
                    assert!(!error.retryable.is_empty(), "a secondary of what is committed: {error:?}");
                    panic!("a transaction that is committed has lost a key: {error:?}");
                }
            }
        }
        Ok(commit_version)
    }

    pub(crate) async fn roll_back(&self, start_version: u64, puts: &[(Bytes, Bytes)]) {
        for (key, _) in puts {
            let keys = vec![key.clone()];
            let back = BatchRollbackRequest { start_version, keys, ..Default::default() };
            self.kv_rollback(key, back).await;
        }
    }
}
