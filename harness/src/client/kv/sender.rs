//! A request to whichever region holds a key: looked up, sent, and sent again as client-go's `RegionRequestSender` does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fake_tikv::proto::errorpb;
use fake_tikv::proto::{kvrpcpb, metapb};

use super::backoff::{Backoffer, Kind, sleep};
use super::batch::BatchConn;
use super::command::{Answer, Command, addressed, region_error};
use super::error::{Error, SendError};
use super::keys::Keys;
use super::region::{Cache, Peer, Region};
use super::revision::IN_PLACE_PAUSE;
use super::selector::{Named, Selector};
use super::store::{Liveness, Store};
use super::tools::Tools;
use crate::client::ctx::Ctx;
use crate::client::pd::PdClient;
use crate::probe::frame;

/// Sends requests. Shared by all of them.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) tools: Tools,
    pd: PdClient,
    keys: Keys,
    ctx: Ctx,
    cache: Mutex<Cache>,
    stores: Mutex<BTreeMap<u64, Arc<Store>>>,
}

/// What came of a request to a region.
enum Sent {
    Answer(Box<Answer>),
    /// The region has to be looked up anew, for this reason.
    Stale(String),
}

/// What is to be done about a region's error.
enum Then {
    Retry,
    LookUp,
}

impl Sender {
    pub(super) fn new(tools: Tools, pd: PdClient, keys: Keys) -> Self {
        let ctx = Ctx::background();
        Self { tools, pd, keys, ctx, cache: Mutex::default(), stores: Mutex::default() }
    }

    /// The answer of the region that holds `key`; each attempt may take `limit` (unscaled).
    pub(super) async fn send(
        &self,
        backoffer: &mut Backoffer,
        key: &[u8],
        command: &Command,
        limit: Duration,
    ) -> Result<Answer, Error> {
        loop {
            let region = frame("RegionCache.LocateKey", Box::pin(self.locate(backoffer, key))).await?;
            let sending = Box::pin(self.send_to_region(backoffer, &region, command, limit));
            match frame("RegionRequestSender.SendReq", sending).await? {
                Sent::Answer(answer) => return Ok(*answer),
                Sent::Stale(why) => backoffer.pause(&self.tools.env, Kind::RegionMiss, &why).await?,
            }
        }
    }

    /// The region that holds `key`, from PD if it is not known.
    pub(super) async fn locate(&self, backoffer: &mut Backoffer, key: &[u8]) -> Result<Region, Error> {
        if let Some(region) = self.cache().find(key) {
            return Ok(region.clone());
        }
        loop {
            let found = self.pd.get_region(&self.ctx, &self.keys.to_region(key)).await;
            let why = match found {
                Ok(Some((meta, leader))) if !meta.peers.is_empty() => {
                    let region = self.region(&meta, leader.as_ref())?;
                    self.cache().insert(region.clone());
                    return Ok(region);
                }
                Ok(_) => "region not found".to_owned(),
                Err(status) => format!("loadRegion from PD failed: {}", status.message()),
            };
            backoffer.pause(&self.tools.env, Kind::PdRpc, &why).await?;
        }
    }

    async fn send_to_region(
        &self,
        backoffer: &mut Backoffer,
        region: &Region,
        command: &Command,
        limit: Duration,
    ) -> Result<Sent, Error> {
        let mut selector = Selector::new(region, self.tools.behaviour.asks_named_leader);
        loop {
            let Some(at) = selector.next(|store| self.store(store).liveness()) else {
                self.cache().forget(region);
                return Ok(Sent::Stale("no replica available".to_owned()));
            };
            let to = region.peers[at];
            let store = self.store(to.peer.store_id);
            if store.epoch() != to.store_epoch {
                self.cache().forget(region);
                return Ok(Sent::Stale(format!("store {} has failed since", store.id)));
            }
            let conn = self.conn(backoffer, &store).await?;
            let command = addressed(command, context(region, to));
            let answer = match self.call(&conn, command, limit).await {
                Ok(answer) => answer,
                Err(error) => {
                    self.send_failed(backoffer, &mut selector, &store, to, &error).await?;
                    continue;
                }
            };
            let Some(error) = region_error(&answer) else {
                if let Some(another) = selector.found_another(region) {
                    self.cache().lead(region, another);
                }
                return Ok(Sent::Answer(Box::new(answer)));
            };
            let told = Box::pin(self.region_told(backoffer, &mut selector, region, to, error));
            if let Then::LookUp = frame("RegionRequestSender.onRegionError", told).await? {
                return Ok(Sent::Stale(error.message.clone()));
            }
        }
    }

    /// One attempt, or as many in place as the revision makes.
    async fn call(&self, conn: &BatchConn, command: Command, limit: Duration) -> Result<Answer, SendError> {
        let mut answer = conn.call(&self.tools, command.clone(), limit).await;
        for _ in 0..self.tools.behaviour.tries_in_place.unwrap_or(0) {
            if answer.is_ok() {
                break;
            }
            self.tools.env.meter.retry();
            sleep(&self.tools.env, "newStream/retry", IN_PLACE_PAUSE).await;
            answer = conn.call(&self.tools, command.clone(), limit).await;
        }
        answer
    }

    async fn send_failed(
        &self,
        backoffer: &mut Backoffer,
        selector: &mut Selector,
        store: &Arc<Store>,
        to: Peer,
        error: &SendError,
    ) -> Result<(), Error> {
        let liveness = match self.tools.behaviour.tries_in_place {
            None => frame("requestLiveness", Box::pin(store.check())).await,
            Some(_) => Liveness::Unknown,
        };
        selector.send_failed(liveness);
        if liveness != Liveness::Reachable && self.tools.behaviour.tries_in_place.is_none() {
            store.doubt(to.store_epoch);
        }
        let why = format!("send tikv request error: {error}, store {}, try next peer later", store.id);
        backoffer.pause(&self.tools.env, Kind::TikvRpc, &why).await
    }

    /// In the order of kvproto's `errorpb.Error`, as client-go's `onRegionError`.
    async fn region_told(
        &self,
        backoffer: &mut Backoffer,
        selector: &mut Selector,
        region: &Region,
        from: Peer,
        error: &errorpb::Error,
    ) -> Result<Then, Error> {
        let pause = if let Some(not_leader) = &error.not_leader {
            let liveness = |store| self.store(store).liveness();
            match selector.not_leader(region, not_leader.leader.as_ref(), liveness) {
                Named::Leader(at) => {
                    self.cache().lead(region, at);
                    return Ok(Then::Retry);
                }
                Named::Unhealthy => return Ok(Then::Retry),
                Named::Stranger => return Ok(self.look_up(region)),
                Named::Nobody => Kind::RegionScheduling,
            }
        } else if error.disk_full.is_some() {
            Kind::DiskFull
        } else if error.recovery_in_progress.is_some() {
            backoffer.pause(&self.tools.env, Kind::RegionRecovery, &error.message).await?;
            return Ok(self.look_up(region));
        } else if let Some(changed) = &error.epoch_not_match {
            if !self.changed(region, from, &changed.current_regions)? {
                return Ok(Then::LookUp);
            }
            Kind::RegionMiss
        } else if error.server_is_busy.is_some() {
            Kind::ServerBusy
        } else if error.store_not_match.is_some() {
            self.store(from.peer.store_id).forget_address();
            return Ok(self.look_up(region));
        } else if error.max_timestamp_not_synced.is_some() {
            Kind::MaxTsNotSynced
        } else if error.region_not_initialized.is_some() {
            Kind::RegionNotInitialized
        } else if error.read_index_not_ready.is_some() || error.proposal_in_merging_mode.is_some() {
            Kind::RegionScheduling
        } else if error.raft_entry_too_large.is_some()
            || error.flashback_in_progress.is_some()
            || error.flashback_not_prepared.is_some()
        {
            return Err(Error::Final(error.message.clone()));
        } else if error.region_not_found.is_some()
            || error.key_not_in_region.is_some()
            || error.mismatch_peer_id.is_some()
            || error.is_witness.is_some()
            || error.bucket_version_not_match.is_some()
        {
            return Ok(self.look_up(region));
        } else {
            // a stale command, and whatever is not known: the next attempt decides
            return Ok(Then::Retry);
        };
        backoffer.pause(&self.tools.env, pause, &error.message).await?;
        Ok(Then::Retry)
    }

    fn look_up(&self, region: &Region) -> Then {
        self.cache().forget(region);
        Then::LookUp
    }

    /// The store tells the regions as they are now. True if we know a newer one than the store does.
    fn changed(&self, region: &Region, from: Peer, now: &[metapb::Region]) -> Result<bool, Error> {
        let ours = region.epoch;
        let is_behind = |meta: &metapb::Region| {
            let theirs = meta.region_epoch.unwrap_or_default();
            meta.id == region.id && (theirs.conf_ver < ours.conf_ver || theirs.version < ours.version)
        };
        if now.iter().any(is_behind) {
            return Ok(true);
        }
        self.cache().forget(region);
        for meta in now.iter().filter(|meta| !meta.peers.is_empty()) {
            // who told is taken to lead them all
            let leader = meta.peers.iter().find(|peer| peer.store_id == from.peer.store_id).copied();
            let region = self.region(meta, leader.as_ref())?;
            self.cache().insert(region);
        }
        Ok(false)
    }

    fn region(&self, meta: &metapb::Region, leader: Option<&metapb::Peer>) -> Result<Region, Error> {
        let border = |key: &Bytes| {
            let key = self.keys.of_region(key);
            key.ok_or_else(|| Error::Final(format!("failed to decode the range of region {}", meta.id)))
        };
        let peer = |peer: &metapb::Peer| Peer { peer: *peer, store_epoch: self.store(peer.store_id).epoch() };
        let mut region = Region {
            id: meta.id,
            start: border(&meta.start_key)?,
            end: border(&meta.end_key)?,
            epoch: meta.region_epoch.unwrap_or_default(),
            peers: meta.peers.iter().map(peer).collect(),
            leader: 0,
        };
        region.leader = leader.and_then(|leader| region.place(leader)).unwrap_or(0);
        Ok(region)
    }

    async fn conn(&self, backoffer: &mut Backoffer, store: &Arc<Store>) -> Result<Arc<BatchConn>, Error> {
        loop {
            match Box::pin(store.conn(&self.ctx)).await {
                Ok(conn) => return Ok(conn),
                Err(status) => {
                    let why = format!("loadStore from PD failed: {}", status.message());
                    backoffer.pause(&self.tools.env, Kind::PdRpc, &why).await?;
                }
            }
        }
    }
    fn store(&self, id: u64) -> Arc<Store> {
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Store::new(id, self.tools.clone(), self.pd.clone());
        Arc::clone(stores.entry(id).or_insert_with(new))
    }
    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn context(region: &Region, to: Peer) -> kvrpcpb::Context {
    kvrpcpb::Context {
        region_id: region.id,
        region_epoch: Some(region.epoch),
        peer: Some(to.peer),
        ..kvrpcpb::Context::default()
    }
}
