//! Keys and values of one store: wire to cluster and back.
//!
//! * [`command`]: what a request is to the cluster
//! * [`raw`]: raw keys, one file a command
//! * [`read_index`], [`destroy_range`], [`safe_ts`], [`lock_waits`], [`split_region`]: about regions or the store as a whole
//! * [`batch`]: many commands on one stream
//! * [`txn`]: transactions, one file a command
//! * [`service`]: the methods on the wire, alone or in a batch

mod batch;
mod command;
mod destroy_range;
mod lock_waits;
mod raw;
mod read_index;
mod safe_ts;
mod service;
mod split_region;
pub(crate) mod txn;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tonic::Status;

use self::command::{Command, On, Step};
use crate::answer::Seen;
use crate::cluster::admit::{Refused, data_is_not_ready, key_not_in_region};
use crate::journal::{CURRENT, note_refused};
use crate::proto::kvrpcpb;
use crate::proto::tikvpb::tikv_server::{Tikv, TikvServer};
use crate::shared::{Scripted, Shared};
use crate::spec::Node;

/// The largest request that is read: room for what is too large for raft, so that raft can say so. A real store reads any.
const MAX_REQUEST: usize = 32 << 20;
/// The largest answer; TiKV's default (server.max-grpc-send-msg-len).
const MAX_ANSWER: usize = 10 << 20;

/// The service of one store.
pub(crate) fn service(shared: Arc<Shared>, store: u64) -> TikvServer<impl Tikv> {
    let cluster_id = shared.lock().cluster.cluster_id;
    TikvServer::new(Arc::new(Store { shared, id: store, cluster_id }))
        .max_decoding_message_size(MAX_REQUEST)
        .max_encoding_message_size(MAX_ANSWER)
}

/// One store, as its commands see it.
#[derive(Debug)]
struct Store {
    shared: Arc<Shared>,
    id: u64,
    cluster_id: u64,
}

impl Store {
    /// Carries out a command that came alone.
    async fn carry_out<C: Command>(&self, command: C) -> Result<C::Answer, Status> {
        self.answer(command, false).await
    }

    /// Carries out a command of a batch, which is a call of its own.
    async fn carry_out_in_batch<C: Command>(&self, command: C) -> Result<C::Answer, Status> {
        let call = self.shared.journal.in_batch(Node::Store(self.id), C::METHOD, &command);
        let answer = CURRENT.scope(call.noted(), self.answer(command, true)).await;
        call.answered(&answer);
        answer
    }

    /// Whatever a script says first, then the truth, as soon as no lock is in the way.
    async fn answer<C: Command>(&self, command: C, in_batch: bool) -> Result<C::Answer, Status> {
        let none = kvrpcpb::Context::default();
        let context = command.context().unwrap_or(&none);
        if context.cluster_id != 0 && context.cluster_id != self.cluster_id {
            return Err(Status::invalid_argument(
                "the cluster id of the request does not match the TiKV cluster",
            ));
        }
        let mut keys: Vec<&[u8]> = Vec::new();
        command.each_key(&mut |key| keys.push(key));
        let (store, method, region) = (self.id, C::METHOD, context.region_id);
        match self.shared.instead(Seen { store, method, in_batch, region, keys: &keys }).await {
            Some(Scripted::Region(error)) => return Ok(C::refused(*error)),
            Some(Scripted::Status(status)) => return Err(status),
            None => {}
        }
        drop(keys);
        if let Err(answer) = command.check(self.shared.mode) {
            return Ok(answer);
        }
        let began = self.shared.clock.elapsed();
        loop {
            let released = self.shared.released.notified();
            let waited = self.shared.clock.elapsed().saturating_sub(began);
            let until = match self.step(&command, context, waited) {
                Ok(Step::Done(answer)) => return Ok(answer),
                Ok(Step::Wait(until)) => until,
                Err(refused) => {
                    note_refused(&refused);
                    return Ok(C::refused(*refused));
                }
            };
            tokio::select! {
                biased;
                () = released => {}
                () = tokio::time::sleep(until.saturating_sub(waited)) => {}
            }
        }
    }

    /// Runs a command once, if the region that it names takes it.
    fn step<C: Command>(
        &self,
        command: &C,
        context: &kvrpcpb::Context,
        waited: Duration,
    ) -> Result<Step<C::Answer>, Refused> {
        let mut all = self.shared.lock();
        let all = &mut *all;
        let region = all.cluster.admit(self.id, context, C::PEERS)?;
        let mut outside: Option<Bytes> = None;
        command.each_key(&mut |key| {
            let key = self.shared.mode.region_key(key);
            let at_the_end = C::TO_THE_END && !key.is_empty() && key == region.meta.end_key;
            if !at_the_end && !region.contains(&key) {
                outside.get_or_insert(key);
            }
        });
        if let Some(key) = outside {
            return Err(key_not_in_region(region, &key));
        }
        let unix_ms = self.shared.clock.unix_ms();
        if let Some(ts) = command.read_ts().filter(|_| context.stale_read) {
            let safe = all.storage.mvcc.safe_ts(unix_ms);
            if ts > safe {
                return Err(data_is_not_ready(region, self.id, safe));
            }
        }
        let mut on =
            On { storage: &mut all.storage, region, store: self.id, mode: self.shared.mode, unix_ms, waited };
        let step = command.run(&mut on);
        if all.storage.mvcc.take_released() {
            self.shared.released.notify_waiters();
        }
        Ok(step)
    }
}
