//! A small cluster on the sim net, and clients for it.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use fake_tikv::proto::backup::backup_client::BackupClient;
use fake_tikv::proto::import_sstpb::import_sst_client::ImportSstClient;
use fake_tikv::proto::pdpb::{self, pd_client::PdClient};
use fake_tikv::proto::tikvpb::tikv_client::TikvClient;
use fake_tikv::proto::{kvrpcpb, metapb};
use fake_tikv::{Cluster, Node, PeerOrder, Spec, Speed};
use hyper_util::rt::TokioIo;
use tonic::codegen::Service;
use tonic::codegen::http::Uri;
use tonic::transport::{Channel, Endpoint};
use unstuck_net::sim::{SimConfig, SimNet, runtime};
use unstuck_net::{Clock, Conn, Net};

/// Six regions of five keys on three stores.
pub(crate) fn spec() -> Spec {
    Spec {
        pd: 3,
        stores: 3,
        regions: 6,
        keys_per_region: 5,
        max_concurrent_streams: 8,
        keepalive_time: Duration::from_secs(10),
        keepalive_timeout: Duration::from_secs(3),
        election: Duration::from_secs(10),
        speed: Speed {
            write_batch: Duration::from_millis(20),
            ingest: Duration::from_millis(50),
            backup_region: Duration::from_secs(2),
        },
        peer_order: PeerOrder::Shuffled,
        seed: 7,
        ..Spec::default()
    }
}

/// A cluster in virtual time.
pub(crate) struct Fixture {
    pub(crate) net: Net,
    pub(crate) cluster: Cluster,
}

/// Runs a test against a cluster, in virtual time.
pub(crate) fn with<F: Future<Output = ()>>(spec: Spec, test: impl FnOnce(Fixture) -> F) {
    runtime(spec.seed).block_on(async {
        let net = Net::Sim(SimNet::new(SimConfig::default()));
        let cluster = Cluster::start(&net, Clock::start(), spec).await.unwrap();
        test(Fixture { net, cluster: cluster.clone() }).await;
        cluster.shutdown();
    });
}

impl Fixture {
    pub(crate) fn addr(&self, node: Node) -> SocketAddr {
        self.cluster.nodes().into_iter().find(|(n, _)| *n == node).unwrap().1
    }
    /// A connection of its own to a node.
    pub(crate) async fn channel(&self, node: Node) -> Result<Channel, tonic::transport::Error> {
        self.channel_to(self.addr(node)).await
    }
    pub(crate) async fn channel_to(&self, addr: SocketAddr) -> Result<Channel, tonic::transport::Error> {
        let endpoint = Endpoint::from_shared(format!("http://{addr}")).unwrap();
        endpoint.connect_with_connector(Connector(self.net.clone())).await
    }
    pub(crate) async fn pd(&self, member: u32) -> PdClient<Channel> {
        PdClient::new(self.channel(Node::Pd(member)).await.unwrap())
    }
    pub(crate) async fn pd_leader(&self) -> PdClient<Channel> {
        self.pd(self.cluster.pd_leader()).await
    }
    pub(crate) async fn import(&self, store: u64) -> ImportSstClient<Channel> {
        ImportSstClient::new(self.channel(Node::Store(store)).await.unwrap())
    }
    pub(crate) async fn backup(&self, store: u64) -> BackupClient<Channel> {
        BackupClient::new(self.channel(Node::Store(store)).await.unwrap())
    }
    pub(crate) async fn tikv(&self, store: u64) -> TikvClient<Channel> {
        TikvClient::new(self.channel(Node::Store(store)).await.unwrap())
    }
    /// A region with a client of its leader, and the context that the leader takes.
    pub(crate) async fn led(&self, region: usize) -> (TikvClient<Channel>, kvrpcpb::Context) {
        let region = &self.regions().await[region];
        (self.tikv(leader(region).store_id).await, context(region))
    }
    /// All regions, as PD tells them.
    pub(crate) async fn regions(&self) -> Vec<pdpb::Region> {
        let scan = pdpb::ScanRegionsRequest::default();
        self.pd_leader().await.scan_regions(scan).await.unwrap().into_inner().regions
    }
    pub(crate) async fn cluster_id(&self) -> u64 {
        let answer = self.pd(0).await.get_members(pdpb::GetMembersRequest::default()).await.unwrap();
        answer.into_inner().header.unwrap().cluster_id
    }
    pub(crate) fn changes(&self) -> Vec<(u64, String)> {
        self.cluster.take_changes()
    }
}

/// The context of a request to a region's leader.
pub(crate) fn context(region: &pdpb::Region) -> kvrpcpb::Context {
    let meta = region.region.clone().unwrap();
    kvrpcpb::Context {
        region_id: meta.id,
        region_epoch: meta.region_epoch,
        peer: region.leader,
        ..Default::default()
    }
}
pub(crate) fn leader(region: &pdpb::Region) -> metapb::Peer {
    region.leader.unwrap()
}

/// Connects over a [`Net`].
#[derive(Clone)]
struct Connector(Net);

impl Service<Uri> for Connector {
    type Response = TokioIo<Conn>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<TokioIo<Conn>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn call(&mut self, uri: Uri) -> Self::Future {
        let net = self.0.clone();
        let to: SocketAddr = uri.authority().unwrap().as_str().parse().unwrap();
        Box::pin(async move { Ok(TokioIo::new(net.connect(to).await?)) })
    }
}
