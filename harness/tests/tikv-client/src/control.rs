//! What the cluster does for a client with deadlines, meanwhile and through the same proxies.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use fake_tikv::proto::kvrpcpb::{Context, RawGetRequest};
use fake_tikv::proto::pdpb::pd_client::PdClient;
use fake_tikv::proto::pdpb::{GetMembersRequest, GetRegionRequest, GetStoreRequest};
use fake_tikv::proto::tikvpb::tikv_client::TikvClient;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};
use unstuck::Env;

/// For connecting and for each call.
const DEADLINE: Duration = Duration::from_secs(1);
/// It says in the log how far it is, so often.
const SAYS_EVERY: u64 = 10;
const PACE: Duration = Duration::from_millis(500);

/// How often it was answered, and how often not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Control(Arc<(AtomicU64, AtomicU64)>);

impl Control {
    /// Starts it: it reads a key without end, on connections of its own.
    pub(crate) fn start(env: &Env) -> Self {
        let control = Self::default();
        let _ends_with_the_job = env.spawn("control", control.clone().run(env.clone()));
        control
    }
    /// How far it is, for whoever reads of a client that is not.
    pub(crate) fn told(&self) -> String {
        let (answered, failed) = (self.0.0.load(Relaxed), self.0.1.load(Relaxed));
        format!("control: {answered} reads answered, {failed} not")
    }
    async fn run(self, env: Env) {
        let mut channels = Channels { env: env.clone(), open: BTreeMap::new() };
        loop {
            let counter = if once(&mut channels).await.is_ok() { &self.0.0 } else { &self.0.1 };
            if counter.fetch_add(1, Relaxed) % SAYS_EVERY == SAYS_EVERY - 1 {
                env.log.line(self.told());
            }
            tokio::time::sleep(PACE).await;
        }
    }
}

/// Asks the PD members in turn until one leads, and the store that it names.
async fn once(channels: &mut Channels) -> Result<(), Status> {
    let mut failure = Status::unavailable("no PD member");
    for member in channels.env.pd.clone() {
        match through(channels, member).await {
            Ok(()) => return Ok(()),
            Err(status) => failure = status,
        }
    }
    Err(failure)
}

async fn through(channels: &mut Channels, member: SocketAddr) -> Result<(), Status> {
    let mut pd = PdClient::new(channels.to(member));
    let members = pd.get_members(GetMembersRequest::default()).await?.into_inner();
    let leads = members.leader.is_some_and(|leader| {
        leader.client_urls.iter().any(|url| url.trim_start_matches("http://") == member.to_string())
    });
    if !leads {
        return Err(Status::unavailable("not the leader"));
    }
    let found = pd.get_region(GetRegionRequest::default()).await?.into_inner();
    let (Some(region), Some(peer)) = (found.region, found.leader) else {
        return Err(Status::unavailable("the region has no leader"));
    };
    let ask = GetStoreRequest { store_id: peer.store_id, ..Default::default() };
    let store = pd.get_store(ask).await?.into_inner().store.unwrap_or_default();
    let at = store.address.parse().map_err(|_| Status::unavailable("no address"))?;
    let context = Context {
        region_id: region.id,
        region_epoch: region.region_epoch,
        peer: Some(peer),
        ..Default::default()
    };
    let mut tikv = TikvClient::new(channels.to(at));
    let answer = tikv.raw_get(RawGetRequest { context: Some(context), ..Default::default() }).await?;
    match answer.into_inner().region_error {
        Some(error) => Err(Status::unavailable(error.message)),
        None => Ok(()),
    }
}

/// Connections are kept: those that it gave up would count as the client's.
#[derive(Debug)]
struct Channels {
    env: Env,
    open: BTreeMap<SocketAddr, Channel>,
}

impl Channels {
    fn to(&mut self, addr: SocketAddr) -> Channel {
        let connector = self.env.connector();
        let dial = || {
            let endpoint =
                Endpoint::from_shared(format!("http://{addr}")).expect("an address is an authority");
            endpoint.timeout(DEADLINE).connect_timeout(DEADLINE).connect_with_connector_lazy(connector)
        };
        self.open.entry(addr).or_insert_with(dial).clone()
    }
}
