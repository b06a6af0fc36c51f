//! Keys and values of one store: wire to cluster and back.
//!
//! * [`command`]: what a request is to the cluster
//! * [`raw`]: raw keys, one file a command
//! * [`service`]: the methods on the wire, alone or in a batch

mod command;
mod raw;
mod service;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tonic::Status;

use self::command::{Command, On, Step};
use crate::answer::Seen;
use crate::cluster::admit::{Refused, in_region};
use crate::journal::{CURRENT, note_refused};
use crate::proto::kvrpcpb;
use crate::proto::tikvpb::tikv_server::{Tikv, TikvServer};
use crate::shared::{Scripted, Shared};
use crate::spec::Node;

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
    /// Carries out a command that came alone.
    async fn carry_out<C: Command>(&self, command: C) -> Result<C::Answer, Status> {
        self.answer(command, false).await
    }

    /// Carries out a command of a batch, which is a call of its own.
    async fn carry_out_in_batch<C: Command>(&self, command: C) -> Result<C::Answer, Status> {
        let call = self.shared.journal.in_batch(Node::Store(self.store), C::METHOD, &command);
        let answer = CURRENT.scope(call.noted(), self.answer(command, true)).await;
        call.answered(&answer);
        answer
    }

    /// Whatever a script says first, then the truth, as soon as no lock is in the way.
    async fn answer<C: Command>(&self, command: C, in_batch: bool) -> Result<C::Answer, Status> {
        let mut keys: Vec<&[u8]> = Vec::new();
        command.each_key(&mut |key| keys.push(key));
        let region = command.context().map_or(0, |context| context.region_id);
        let seen = Seen { store: self.store, method: C::METHOD, in_batch, region, keys: &keys };
        match self.shared.instead(seen).await {
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
        Ok(command.run(&mut on))
    }
}
