//! Puts and gets of raw keys: client-go's `rawkv.Client`, and the load that `raw_kv` is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fake_tikv::data;
use fake_tikv::proto::kvrpcpb::{RawGetRequest, RawPutRequest};

use super::backoff::Backoffer;
use super::command::{Answer, Command};
use super::error::Error;
use super::keys::Keys;
use super::load::{self, Doing, Stopped};
use super::revision::Revision;
use super::sender::Sender;
use super::tools::Tools;
use crate::client::{Env, Failure};
use crate::probe::frame;

/// The budget of one put or get; source: `rawkvMaxBackoff`.
const MAX_BACKOFF: Duration = Duration::from_secs(20);
/// How long one attempt may take; source: `ReadTimeoutShort`.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// A client of raw keys. Cheap to clone.
#[derive(Clone, Debug)]
struct Client {
    sender: Arc<Sender>,
    requests: Arc<AtomicU64>,
}

impl Client {
    async fn put(&self, key: Bytes, value: Bytes) -> Result<(), Error> {
        let request = RawPutRequest { key: key.clone(), value, ..RawPutRequest::default() };
        match self.send(&key, Command::RawPut(request)).await? {
            Answer::RawPut(answer) if answer.error.is_empty() => Ok(()),
            Answer::RawPut(answer) => Err(Error::Final(answer.error)),
            _ => Err(Error::strange()),
        }
    }
    async fn get(&self, key: Bytes) -> Result<Option<Bytes>, Error> {
        let request = RawGetRequest { key: key.clone(), ..RawGetRequest::default() };
        match self.send(&key, Command::RawGet(request)).await? {
            Answer::RawGet(answer) if !answer.error.is_empty() => Err(Error::Final(answer.error)),
            Answer::RawGet(answer) => Ok((!answer.not_found).then_some(answer.value)),
            _ => Err(Error::strange()),
        }
    }
    async fn send(&self, key: &Bytes, command: Command) -> Result<Answer, Error> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let mut backoffer = Backoffer::new(MAX_BACKOFF, self.sender.tools.seed_of(0, number));
        self.sender.send(&mut backoffer, key, &command, TIMEOUT).await
    }
}

/// Puts every key and reads it back.
pub(super) async fn run(env: Env, revision: Revision) -> Result<(), Failure> {
    let tools = Tools { env, behaviour: revision.behaviour() };
    let pd = tools.pd();
    let starts = Arc::new(load::region_starts(&tools, &pd, Keys::Raw).await?);
    let total = starts.len() as u64 * u64::from(tools.env.workload.batches.max(1));
    let sender = Arc::new(Sender::new(tools.clone(), pd, Keys::Raw));
    let client = Client { sender, requests: Arc::default() };
    let operation = move |number| -> Doing {
        Box::pin(put_and_get(client.clone(), load::key(&starts, number), data::value(number)))
    };
    load::run(&tools, total, Arc::new(operation)).await
}

async fn put_and_get(client: Client, key: Bytes, value: Bytes) -> Result<(), Stopped> {
    frame("rawkv.(*Client).Put", Box::pin(client.put(key.clone(), value.clone()))).await?;
    let found = frame("rawkv.(*Client).Get", Box::pin(client.get(key.clone()))).await?;
    if found.as_ref() == Some(&value) {
        return Ok(());
    }
    let what = if found.is_some() { "has a value that nobody put" } else { "is not there after its put" };
    Err(Stopped::Wrong(format!("key `{}` {what}", String::from_utf8_lossy(&key))))
}
