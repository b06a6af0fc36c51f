//! The connections to the stores: a few for each, made when first drawn, then drawn in turn.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::Mutex;
use tonic::Status;
use unstuck_net::Net;

use super::call::call;
use super::error::Error;
use crate::client::Scale;
use crate::client::ctx::Ctx;
use crate::client::grpc::{ClientConn, DialOptions};
use crate::client::pd::PdClient;
use crate::probe::{Actors, Site, wait};

/// Lightning's keepalive: a ping after 10 min without anything read; source: `gRPCKeepAliveTime` of the local backend.
pub(super) const KEEPALIVE_TIME: Duration = Duration::from_secs(10 * 60);
/// An unanswered ping ends the connection after 5 min; source: `gRPCKeepAliveTimeout`.
pub(super) const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// The longest back-off between two connects; source: `gRPCBackOffMaxDelay`.
const BACKOFF_MAX: Duration = Duration::from_secs(10 * 60);
/// The first back-off; source: grpc-go's `backoff.DefaultConfig`, with factor 1.6 and jitter 0.2.
const BACKOFF_BASE: Duration = Duration::from_secs(1);
/// How long one connect may take; source: grpc-go's `minConnectTimeout`.
const MIN_CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Connections by store.
#[derive(Debug)]
pub(super) struct Pool {
    net: Net,
    pd: PdClient,
    scale: Scale,
    seed: u64,
    /// `MaxConnPerStore`, which is range-concurrency.
    per_store: usize,
    /// Held while PD is asked for an address, as in the original.
    stores: Mutex<BTreeMap<u64, Slots>>,
    holder: Actors,
}

#[derive(Debug, Default)]
struct Slots {
    conns: Vec<ClientConn>,
    next: usize,
}

impl Pool {
    /// No connections yet.
    pub(super) fn new(net: &Net, pd: PdClient, scale: Scale, seed: u64, per_store: u32) -> Self {
        Self {
            net: net.clone(),
            pd,
            scale,
            seed,
            per_store: per_store.max(1) as usize,
            stores: Mutex::default(),
            holder: Actors::new("GRPCConns.mu"),
        }
    }

    /// A connection to `store`: a new one while there are slots, then the next in turn, whatever its state.
    pub(super) async fn get(&self, ctx: &Ctx, store: u64) -> Result<ClientConn, Error> {
        let mut stores = match self.stores.try_lock() {
            Ok(stores) => stores,
            // Go's mutex knows no context
            Err(_held) => wait(Site::on("GRPCConns.mu", &self.holder), self.stores.lock()).await,
        };
        let _holds = self.holder.join();
        let slots = stores.entry(store).or_default();
        if slots.conns.len() < self.per_store {
            let dial = self.dial(ctx, store, slots.conns.len());
            let conn = call("local.(*importClientFactoryImpl).makeConn", dial).await?;
            slots.conns.push(conn.clone());
            return Ok(conn);
        }
        let conn = slots.conns[slots.next].clone();
        slots.next = (slots.next + 1) % slots.conns.len();
        Ok(conn)
    }

    /// Closes every connection.
    pub(super) async fn close(&self) {
        for slots in std::mem::take(&mut *self.stores.lock().await).values() {
            slots.conns.iter().for_each(ClientConn::close);
        }
    }

    async fn dial(&self, ctx: &Ctx, store: u64, slot: usize) -> Result<ClientConn, Error> {
        let found = Box::pin(self.pd.get_store(ctx, store)).await?;
        let addr = if found.peer_address.is_empty() { &found.address } else { &found.peer_address };
        let addr: SocketAddr = addr.parse().map_err(|_| {
            Status::unavailable(format!("name resolver error: produced zero addresses for `{addr}`"))
        })?;
        let options = DialOptions {
            backoff_base: self.scale.timer(BACKOFF_BASE),
            backoff_max: self.scale.timer(BACKOFF_MAX),
            min_connect_timeout: self.scale.timer(MIN_CONNECT_TIMEOUT),
            keepalive_time: Some(self.scale.timer(KEEPALIVE_TIME)),
            keepalive_timeout: self.scale.keepalive_timeout(KEEPALIVE_TIMEOUT),
            permit_without_stream: true,
            // each connection jitters on its own
            seed: self.seed ^ (store << 16) ^ slot as u64,
        };
        Ok(ClientConn::dial(&self.net, addr, options))
    }
}
