//! One connection to each store, which is closed and dialled anew whenever a store's backup begins.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tonic::Status;

use super::tools::Tools;
use crate::client::ctx::Ctx;
use crate::client::grpc::{ClientConn, DialOptions};
use crate::client::pd::PdClient;
use crate::probe::frame;

/// How long one dial may take (br/pkg/utils: `dialTimeout`).
const DIAL_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a reset dials (br/pkg/utils: `resetRetryTimes`).
const DIALS: u32 = 3;
/// The pause after the first failed dial; each further one is a second longer.
const FIRST_PAUSE: Duration = Duration::from_secs(3);
/// A reset that fails takes so long: three dials, and pauses of 3, 4 and 5 s.
pub(super) const LONGEST_RESET: Duration = Duration::from_secs(102);
/// The longest of those pauses.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(5);

// How a store is dialled: grpc-go's defaults, with BR's cap and the defaults of its keepalive flags.
const BACKOFF_BASE: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_secs(3);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const KEEPALIVE_TIME: Duration = Duration::from_secs(10);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(3);

/// The connections. They close when it drops.
#[derive(Debug)]
pub(super) struct StoreManager {
    tools: Tools,
    pd: PdClient,
    conns: BTreeMap<u64, ClientConn>,
    dialled: u64,
}

impl StoreManager {
    pub(super) fn new(tools: Tools, pd: PdClient) -> Self {
        Self { tools, pd, conns: BTreeMap::new(), dialled: 0 }
    }

    /// The connection that there is, else a new one.
    pub(super) async fn get(&mut self, ctx: &Ctx, store: u64) -> Result<ClientConn, Status> {
        match self.conns.get(&store) {
            Some(conn) => Ok(conn.clone()),
            None => self.reset(ctx, store).await,
        }
    }

    /// Closes the connection, whoever uses it, and dials until one is READY, three times at most.
    pub(super) async fn reset(&mut self, ctx: &Ctx, store: u64) -> Result<ClientConn, Status> {
        if let Some(error) = ctx.error() {
            return Err(Status::cancelled(error.to_string()));
        }
        if let Some(conn) = self.conns.remove(&store) {
            conn.close();
        }
        let mut last = Status::unavailable("not dialled");
        for retry in 0..DIALS {
            match frame("StoreManager.getGrpcConnLocked", self.dial(ctx, store)).await {
                Ok(conn) => {
                    self.conns.insert(store, conn.clone());
                    return Ok(conn);
                }
                Err(status) => last = status,
            }
            self.tools.env.meter.retry();
            let fields = format!("[retryTime={retry}] [error=\"{}\"]", last.message());
            self.tools.lines.say("failed to reset grpc connection, retry it", &fields);
            let pause = FIRST_PAUSE + Duration::from_secs(retry.into());
            self.tools.sleep("ResetBackupClient/sleep", pause).await;
        }
        Err(last)
    }

    async fn dial(&mut self, ctx: &Ctx, store: u64) -> Result<ClientConn, Status> {
        let known = self.pd.get_store(ctx, store).await?;
        let text = if known.peer_address.is_empty() { &known.address } else { &known.peer_address };
        let addr: SocketAddr =
            text.parse().map_err(|_| Status::unavailable(format!("address `{text}` of store {store}")))?;
        let fields = format!("[address={addr}] [store-id={store}]");
        self.tools.lines.say("StoreManager: dialing to store.", &fields);
        let limited = ctx.with_timeout(self.tools.env.scale.timer(DIAL_TIMEOUT));
        let _released = limited.cancel_on_drop();
        self.dialled += 1;
        Box::pin(ClientConn::dial_blocking(&limited, &self.tools.env.net, addr, self.options())).await
    }

    fn options(&self) -> DialOptions {
        let scale = self.tools.env.scale;
        DialOptions {
            backoff_base: scale.timer(BACKOFF_BASE),
            backoff_max: scale.timer(BACKOFF_MAX),
            min_connect_timeout: scale.timer(CONNECT_TIMEOUT),
            keepalive_time: Some(scale.timer(KEEPALIVE_TIME)),
            keepalive_timeout: scale.keepalive_timeout(KEEPALIVE_TIMEOUT),
            permit_without_stream: true,
            seed: self.tools.env.seed.wrapping_add(self.dialled),
        }
    }
}

impl Drop for StoreManager {
    fn drop(&mut self) {
        self.conns.values().for_each(ClientConn::close);
    }
}
