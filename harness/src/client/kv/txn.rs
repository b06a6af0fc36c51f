//! Transactions: client-go's `txnkv.Client` as far as an optimistic two-phase commit goes, and the load that `txn_kv` is.
//!
//! ```text
//!   timestamp ─► prewrite every key ─► timestamp ─► commit the primary ─► done ─► commit the others, behind its back
//!                     │ failed: roll back, behind its back    │ failed: nobody knows
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fake_tikv::data;
use fake_tikv::proto::kvrpcpb::{
    BatchRollbackRequest, CommitRequest, GetRequest, KeyError, Mutation, Op, PrewriteRequest,
};

use super::backoff::{Backoffer, Kind};
use super::command::{Answer, Command};
use super::error::Error;
use super::keys::Keys;
use super::load::{self, Doing, Stopped};
use super::raw::TIMEOUT;
use super::revision::Revision;
use super::sender::Sender;
use super::tools::Tools;
use crate::client::ctx::Ctx;
use crate::client::pd::{self, Tso};
use crate::client::{Env, Failure};
use crate::probe::frame;

// Budgets; source: client-go, `TsoMaxBackoff`, `PrewriteMaxBackoff`, `CommitMaxBackoff`, `CommitSecondaryMaxBackoff`,
// `cleanupMaxBackoff`, `getMaxBackoff`.
const TSO_BUDGET: Duration = Duration::from_secs(15);
const PREWRITE_BUDGET: Duration = Duration::from_secs(40);
const COMMIT_BUDGET: Duration = Duration::from_secs(40);
const COMMIT_SECONDARY_BUDGET: Duration = Duration::from_secs(41);
const CLEANUP_BUDGET: Duration = Duration::from_secs(20);
const GET_BUDGET: Duration = Duration::from_secs(20);
/// How long an attempt to commit may take; source: `tikv-client.commit-timeout`.
pub(super) const COMMIT_TIMEOUT: Duration = Duration::from_secs(41);
/// How long a small transaction's locks are respected; source: `defaultLockTTL`.
const LOCK_TTL: Duration = Duration::from_secs(3);
/// Rows of one transaction, each in another region.
pub(super) const ROWS: u64 = 2;

/// A client of transactions. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Client {
    sender: Arc<Sender>,
    oracle: Tso,
    requests: Arc<AtomicU64>,
}

/// A key and its value.
type Row = (Bytes, Bytes);

impl Client {
    pub(super) fn new(sender: Arc<Sender>, oracle: Tso) -> Self {
        Self { sender, oracle, requests: Arc::default() }
    }
    pub(super) fn backoffer(&self, budget: Duration) -> Backoffer {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        Backoffer::new(budget, self.sender.tools.seed_of(0, number))
    }
    pub(super) async fn pause(&self, backoffer: &mut Backoffer, kind: Kind, why: &str) -> Result<(), Error> {
        backoffer.pause(&self.sender.tools.env, kind, why).await
    }
    pub(super) async fn send(
        &self,
        backoffer: &mut Backoffer,
        key: &[u8],
        command: Command,
        limit: Duration,
    ) -> Result<Answer, Error> {
        self.sender.send(backoffer, key, &command, limit).await
    }
    /// A timestamp, later than all that were given before it was asked for.
    pub(super) async fn timestamp(&self, backoffer: &mut Backoffer) -> Result<u64, Error> {
        let ctx = Ctx::background();
        loop {
            match frame("oracle.GetTimestamp", Box::pin(self.oracle.get(&ctx))).await {
                Ok(timestamp) => return Ok(timestamp),
                Err(error) => {
                    let why = format!("get timestamp failed: {error}");
                    self.pause(backoffer, Kind::PdRpc, &why).await?;
                }
            }
        }
    }

    /// Writes the rows together. An error of the primary's commit leaves open whether they are written.
    pub(super) async fn write(&self, rows: &[Row]) -> Result<(), Error> {
        let start_ts = self.timestamp(&mut self.backoffer(TSO_BUDGET)).await?;
        let mut backoffer = self.backoffer(PREWRITE_BUDGET);
        for row in rows {
            let prewriting = Box::pin(self.prewrite(&mut backoffer, row, &rows[0].0, start_ts));
            if let Err(error) = frame("twoPhaseCommitter.prewriteMutations", prewriting).await {
                self.behind("cleanup", self.clone().roll_back(keys(rows), start_ts));
                return Err(error);
            }
        }
        let commit_ts = self.timestamp(&mut self.backoffer(TSO_BUDGET)).await?;
        let mut backoffer = self.backoffer(COMMIT_BUDGET);
        let committing = Box::pin(self.commit(&mut backoffer, &rows[0].0, start_ts, commit_ts));
        frame("twoPhaseCommitter.commitMutations", committing).await?;
        self.behind("commit secondaries", self.clone().commit_others(keys(&rows[1..]), start_ts, commit_ts));
        Ok(())
    }

    pub(super) async fn prewrite(
        &self,
        backoffer: &mut Backoffer,
        (key, value): &Row,
        primary: &Bytes,
        start_ts: u64,
    ) -> Result<(), Error> {
        let mutation =
            Mutation { op: Op::Put.into(), key: key.clone(), value: value.clone(), ..Mutation::default() };
        let request = PrewriteRequest {
            mutations: vec![mutation],
            primary_lock: primary.clone(),
            start_version: start_ts,
            lock_ttl: LOCK_TTL.as_millis() as u64,
            txn_size: ROWS,
            ..PrewriteRequest::default()
        };
        loop {
            let answer = self.send(backoffer, key, Command::Prewrite(request.clone()), TIMEOUT).await?;
            let Answer::Prewrite(answer) = answer else { return Err(Error::strange()) };
            let Some(error) = answer.errors.first() else { return Ok(()) };
            let Some(lock) = &error.locked else { return Err(of_key(error)) };
            if !Box::pin(self.resolve(backoffer, lock, start_ts)).await? {
                self.pause(backoffer, Kind::TxnLock, "a lock is in the way").await?;
            }
        }
    }

    async fn commit(
        &self,
        backoffer: &mut Backoffer,
        key: &Bytes,
        start_version: u64,
        commit_version: u64,
    ) -> Result<(), Error> {
        let keys = vec![key.clone()];
        let request = CommitRequest { start_version, keys, commit_version, ..CommitRequest::default() };
        match self.send(backoffer, key, Command::Commit(request), COMMIT_TIMEOUT).await? {
            Answer::Commit(answer) => answer.error.as_ref().map_or(Ok(()), |error| Err(of_key(error))),
            _ => Err(Error::strange()),
        }
    }

    /// A lock that stays is resolved by whoever meets it.
    async fn commit_others(self, keys: Vec<Bytes>, start_ts: u64, commit_ts: u64) {
        let mut backoffer = self.backoffer(COMMIT_SECONDARY_BUDGET);
        for key in keys {
            if let Err(error) = Box::pin(self.commit(&mut backoffer, &key, start_ts, commit_ts)).await {
                self.sender.tools.log(&format!("2PC async commit of transaction {start_ts} failed: {error}"));
            }
        }
    }
    async fn roll_back(self, keys: Vec<Bytes>, start_version: u64) {
        let mut backoffer = self.backoffer(CLEANUP_BUDGET);
        for key in keys {
            let request = BatchRollbackRequest {
                start_version,
                keys: vec![key.clone()],
                ..BatchRollbackRequest::default()
            };
            let rolling = self.send(&mut backoffer, &key, Command::BatchRollback(request), TIMEOUT);
            if let Err(error) = Box::pin(rolling).await {
                self.sender.tools.log(&format!("2PC cleanup of transaction {start_version} failed: {error}"));
            }
        }
    }
    fn behind(&self, name: &str, work: impl Future<Output = ()> + Send + 'static) {
        let _the_client_ends_it = self.sender.tools.env.tasks.spawn(name, work);
    }

    /// The value of a key as of a timestamp.
    pub(super) async fn get(&self, key: &Bytes, version: u64) -> Result<Option<Bytes>, Error> {
        let mut backoffer = self.backoffer(GET_BUDGET);
        let request = GetRequest { key: key.clone(), version, ..GetRequest::default() };
        loop {
            let answer = self.send(&mut backoffer, key, Command::Get(request.clone()), TIMEOUT).await?;
            let Answer::Get(answer) = answer else { return Err(Error::strange()) };
            let Some(error) = &answer.error else {
                return Ok((!answer.not_found).then_some(answer.value));
            };
            let Some(lock) = &error.locked else { return Err(of_key(error)) };
            if !Box::pin(self.resolve(&mut backoffer, lock, version)).await? {
                self.pause(&mut backoffer, Kind::TxnLockFast, "a lock is in the way").await?;
            }
        }
    }
}

fn keys(rows: &[Row]) -> Vec<Bytes> {
    rows.iter().map(|(key, _)| key.clone()).collect()
}

/// What a key said, in words.
pub(super) fn of_key(error: &KeyError) -> Error {
    let said = [&error.retryable, &error.abort].into_iter().find(|text| !text.is_empty());
    Error::Final(said.cloned().unwrap_or_else(|| format!("{error:?}")))
}

/// Commits transactions of two rows and reads them back.
pub(super) async fn run(env: Env, revision: Revision) -> Result<(), Failure> {
    let tools = Tools { env, behaviour: revision.behaviour() };
    let oracle = Tso::connect(&Ctx::background(), &tools.env, pd::Behaviour::default()).await;
    let oracle = oracle.map_err(|status| Failure(format!("no timestamps: {}", status.message())))?;
    let pd = tools.pd();
    let starts = Arc::new(load::region_starts(&tools, &pd, Keys::Txn).await?);
    let total = starts.len() as u64 * u64::from(tools.env.workload.batches.max(1));
    let sender = Arc::new(Sender::new(tools.clone(), pd, Keys::Txn));
    let client = Client::new(sender, oracle);
    let operation =
        move |number| -> Doing { Box::pin(write_and_read(client.clone(), rows(&starts, total, number))) };
    load::run(&tools, total, Arc::new(operation)).await
}

/// The rows of transaction `number`: no other one has them, and the second lies half of the regions away from the first.
fn rows(starts: &[Bytes], total: u64, number: u64) -> Vec<Row> {
    let other = total + number + starts.len() as u64 / 2;
    [number, other].map(|number| (load::key(starts, number), data::value(number))).to_vec()
}

async fn write_and_read(client: Client, rows: Vec<Row>) -> Result<(), Stopped> {
    frame("KVTxn.Commit", Box::pin(client.write(&rows))).await?;
    let read_ts = client.timestamp(&mut client.backoffer(TSO_BUDGET)).await?;
    for (key, value) in rows {
        let found = frame("KVSnapshot.Get", Box::pin(client.get(&key, read_ts))).await?;
        if found.as_ref() != Some(&value) {
            let what = if found.is_some() {
                "has a value that nobody wrote"
            } else {
                "is not there after its commit"
            };
            return Err(Stopped::Wrong(format!("key `{}` {what}", String::from_utf8_lossy(&key))));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_transactions_have_a_row_in_common_and_a_transactions_rows_lie_in_two_regions() {
        let starts: Vec<Bytes> = (0..6).map(|region| data::border(region, 4)).collect();
        let all: Vec<Vec<Row>> = (0..24).map(|number| rows(&starts, 24, number)).collect();
        let unique: BTreeSet<&Bytes> = all.iter().flatten().map(|(key, _)| key).collect();
        assert_eq!(unique.len() as u64, 24 * ROWS);
        let region = |key: &Bytes| starts.iter().rposition(|start| start <= key);
        assert!(all.iter().all(|rows| region(&rows[0].0) != region(&rows[1].0)));
    }
}
