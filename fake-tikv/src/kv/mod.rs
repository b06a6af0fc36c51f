//! Keys and values of one store: wire to cluster and back.
//!
//! * [`command`]: what a request is to the cluster
//! * [`raw`]: raw keys, one file a command
//! * [`txn`]: transactions, one file a command
//! * [`service`]: the methods on the wire, alone or in a batch

mod command;
mod raw;
mod service;
mod txn;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tonic::Status;

use self::command::{Command, On, OnStore, Step, StoreCommand};
use crate::answer::{Scripted, Seen};
use crate::cluster::admit::{Refused, in_region};
use crate::proto::kvrpcpb;
use crate::proto::tikvpb::tikv_server::{Tikv, TikvServer};
use crate::shared::Shared;

/// The service of one store.
pub(crate) fn service(shared: Arc<Shared>, store: u64) -> TikvServer<impl Tikv> {
    TikvServer::new(Arc::new(Store { shared, store }))
}

/// One store, as its commands see it.
#[derive(Debug)]
struct Store {
    shared: Arc<Shared>,
    store: u64,
}

impl Store {
    /// Carries out a command: whatever a script says first, then the truth, as soon as no lock is in the way.
    async fn carry_out<C: Command>(&self, command: C) -> Result<C::Answer, Status> {
        let mut keys: Vec<&[u8]> = Vec::new();
        command.each_key(&mut |key| keys.push(key));
        let region = command.context().map_or(0, |context| context.region_id);
        let seen = Seen { store: self.store, method: C::METHOD, region, keys: &keys };
        match self.shared.answers.instead(seen).await {
            Some(Scripted::Region(error)) => return Ok(C::refused(*error)),
            Some(Scripted::Status(status)) => return Err(status),
            None => {}
        }
        drop(keys);
        let began = self.shared.clock.elapsed();
        loop {
            let released = self.shared.released.notified();
            let waited = self.shared.clock.elapsed().saturating_sub(began);
            let until = match self.step(&command, waited) {
                Ok(Step::Done(answer)) => return Ok(answer),
                Ok(Step::Wait(until)) => until,
                Err(refused) => return Ok(C::refused(*refused)),
            };
            tokio::select! {
                biased;
                () = released => {}
                () = tokio::time::sleep(until.saturating_sub(waited)) => {}
            }
        }
    }

    /// Runs a command once, if the region that it names takes it.
    fn step<C: Command>(&self, command: &C, waited: Duration) -> Result<Step<C::Answer>, Refused> {
        let mut all = self.shared.lock();
        let all = &mut *all;
        let region =
            all.cluster.admit(self.store, command.context().unwrap_or(&kvrpcpb::Context::default()))?;
        let mut outside: Option<Bytes> = None;
        command.each_key(&mut |key| {
            let key = self.shared.mode.region_key(key);
            if !region.contains(&key) {
                outside.get_or_insert(key);
            }
        });
        if let Some(key) = outside {
            in_region(region, &key)?;
        }
        let mut on = On {
            storage: &mut all.storage,
            region,
            store: self.store,
            mode: self.shared.mode,
            unix_ms: self.shared.clock.unix_ms(),
            waited,
        };
        let step = command.run(&mut on);
        if all.storage.mvcc.take_released() {
            self.shared.released.notify_waiters();
        }
        Ok(step)
    }

    /// Carries out a command that no region has to take.
    async fn carry_out_whole<C: StoreCommand>(&self, command: C) -> Result<C::Answer, Status> {
        let seen = Seen { store: self.store, method: C::METHOD, region: 0, keys: &[] };
        match self.shared.answers.instead(seen).await {
            Some(Scripted::Region(error)) => return Ok(C::refused(*error)),
            Some(Scripted::Status(status)) => return Err(status),
            None => {}
        }
        let mut all = self.shared.lock();
        let (storage, unix_ms) = (&mut all.storage, self.shared.clock.unix_ms());
        let answer = command.run(&mut OnStore { storage, store: self.store, unix_ms });
        if all.storage.mvcc.take_released() {
            self.shared.released.notify_waiters();
        }
        Ok(answer)
    }
}
