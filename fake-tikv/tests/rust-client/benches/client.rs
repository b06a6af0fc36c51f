//! What an operation of the real Rust client costs the server, in CPU: the fake beside a tonic server that answers the
//! same bytes without work. PD and the store are one thread, whose own clock is read.

#[path = "../../../benches/side/mod.rs"]
mod side;

use std::net::SocketAddr;

use fake_tikv::proto::kvrpcpb::{
    CommitRequest, CommitResponse, PrewriteRequest, PrewriteResponse, RawGetRequest, RawGetResponse,
    RawPutRequest, RawPutResponse,
};
use fake_tikv::proto::metapb;
use fake_tikv::proto::pdpb::pd_server::{Pd, PdServer};
use fake_tikv::proto::pdpb::{
    GetMembersRequest, GetMembersResponse, GetRegionRequest, GetRegionResponse, GetStoreRequest,
    GetStoreResponse, Member, ResponseHeader, Timestamp, TsoRequest, TsoResponse,
};
use fake_tikv::proto::tikvpb::tikv_server::{Tikv, TikvServer};
use futures_util::future::{BoxFuture, join_all};
use futures_util::stream::StreamExt as _;
use tikv_client::{RawClient, TransactionClient};
use tonic::codegen::BoxStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

use self::side::{Side, fake, runtime};

/// Operations of a round, and rounds of each server, in turn, of which the median counts.
const OPERATIONS: usize = 4_000;
const ROUNDS: usize = 9;
const KEY: &str = "k000000000042";
static VALUE: [u8; 100] = [7; 100];

#[derive(Clone, Copy, Debug)]
enum Operation {
    Put,
    Get,
    /// A transaction of one key.
    Commit,
}

impl Operation {
    const ALL: [Self; 3] = [Self::Put, Self::Get, Self::Commit];
}

fn main() {
    let (fake, plain) = (Side::start(fake), Side::start(plain));
    let runtime = runtime();
    // the fake's first address is the store's
    let ends = [(&fake, fake.addrs[1]), (&plain, plain.addrs[0])];
    println!("{:<32}{:>10}{:>10}{:>8}", "server CPU an operation", "fake", "plain", "ratio");
    for (at_once, operation) in [1, 32].into_iter().flat_map(|at_once| Operation::ALL.map(|op| (at_once, op)))
    {
        let clients = ends.map(|(_, pd)| {
            let pd = vec![pd.to_string()];
            runtime.block_on(async {
                let raw = RawClient::new(pd.clone()).await.expect("it is there");
                (raw, TransactionClient::new(pd).await.expect("it is there"))
            })
        });
        let mut costs = [vec![], vec![]];
        for _ in 0..ROUNDS {
            for (((side, _), (raw, txn)), costs) in ends.iter().zip(&clients).zip(&mut costs) {
                let before = side.cpu();
                runtime.block_on(round(raw, txn, operation, at_once));
                costs.push(side.cpu().saturating_sub(before) / OPERATIONS as u32);
            }
        }
        let [fake, plain] = costs.map(|mut costs| {
            costs.sort();
            costs[ROUNDS / 2]
        });
        let ratio = fake.as_secs_f64() / plain.as_secs_f64();
        let what = format!("{operation:?}, {at_once} at once");
        println!("{what:<32}{fake:>10.1?}{plain:>10.1?}{ratio:>8.2}");
    }
}

/// Operations, by a few tasks.
async fn round(raw: &RawClient, txn: &TransactionClient, operation: Operation, at_once: usize) {
    join_all((0..at_once).map(async |task| {
        for n in 0..OPERATIONS / at_once {
            match operation {
                Operation::Put => raw.put(KEY.to_owned(), VALUE.to_vec()).await.expect("it is put"),
                Operation::Get => {
                    assert_eq!(
                        raw.get(KEY.to_owned()).await.expect("it answers").as_deref(),
                        Some(&VALUE[..])
                    );
                }
                Operation::Commit => {
                    let mut transaction = txn.begin_optimistic().await.expect("there is a timestamp");
                    // another key for each of those at once
                    let key = format!("{KEY}-{task}-{}", n % 100);
                    transaction.put(key, VALUE.to_vec()).await.expect("it is noted");
                    transaction.commit().await.expect("it is committed");
                }
            }
        }
    }))
    .await;
}

/// Answers without work, as PD and as its only store.
struct Plain(SocketAddr);

impl Plain {
    const HEADER: ResponseHeader = ResponseHeader { cluster_id: 1, error: None };
}

#[tonic::async_trait]
impl Pd for Plain {
    async fn get_members(
        &self,
        _: Request<GetMembersRequest>,
    ) -> Result<Response<GetMembersResponse>, Status> {
        let leader = Member {
            name: "pd-0".into(),
            member_id: 1,
            client_urls: vec![format!("http://{}", self.0)],
            ..Member::default()
        };
        Ok(Response::new(GetMembersResponse {
            header: Some(Self::HEADER),
            members: vec![leader.clone()],
            leader: Some(leader),
            ..GetMembersResponse::default()
        }))
    }
    async fn get_region(&self, _: Request<GetRegionRequest>) -> Result<Response<GetRegionResponse>, Status> {
        let peer = metapb::Peer { id: 3, store_id: 1, ..metapb::Peer::default() };
        let region = metapb::Region {
            id: 2,
            region_epoch: Some(metapb::RegionEpoch { conf_ver: 1, version: 1 }),
            peers: vec![peer],
            ..metapb::Region::default()
        };
        Ok(Response::new(GetRegionResponse {
            header: Some(Self::HEADER),
            region: Some(region),
            leader: Some(peer),
            ..GetRegionResponse::default()
        }))
    }
    async fn get_store(&self, _: Request<GetStoreRequest>) -> Result<Response<GetStoreResponse>, Status> {
        let store = metapb::Store { id: 1, address: self.0.to_string(), ..metapb::Store::default() };
        let header = Some(Self::HEADER);
        Ok(Response::new(GetStoreResponse { header, store: Some(store), ..GetStoreResponse::default() }))
    }

    async fn tso(
        &self,
        asks: Request<Streaming<TsoRequest>>,
    ) -> Result<Response<BoxStream<TsoResponse>>, Status> {
        let mut physical = 1_767_225_600_000;
        Ok(Response::new(Box::pin(asks.into_inner().map(move |ask| {
            let count = ask?.count;
            physical += 1;
            let timestamp = Some(Timestamp { physical, logical: count.into(), ..Timestamp::default() });
            Ok(TsoResponse { header: Some(Self::HEADER), count, timestamp })
        }))))
    }
}

#[tonic::async_trait]
impl Tikv for Plain {
    async fn raw_get(&self, _: Request<RawGetRequest>) -> Result<Response<RawGetResponse>, Status> {
        let value = bytes::Bytes::from_static(&VALUE);
        Ok(Response::new(RawGetResponse { value, ..RawGetResponse::default() }))
    }
    async fn raw_put(&self, _: Request<RawPutRequest>) -> Result<Response<RawPutResponse>, Status> {
        Ok(Response::new(RawPutResponse::default()))
    }
    async fn kv_prewrite(&self, _: Request<PrewriteRequest>) -> Result<Response<PrewriteResponse>, Status> {
        Ok(Response::new(PrewriteResponse::default()))
    }
    async fn kv_commit(&self, _: Request<CommitRequest>) -> Result<Response<CommitResponse>, Status> {
        Ok(Response::new(CommitResponse::default()))
    }
}

/// tonic's own server.
fn plain() -> BoxFuture<'static, Vec<SocketAddr>> {
    Box::pin(async {
        let incoming = tonic::transport::server::TcpIncoming::bind(([127, 0, 0, 1], 0).into())
            .expect("a port")
            .with_nodelay(Some(true));
        let addr = incoming.local_addr().expect("bound");
        let server = Server::builder()
            .add_service(PdServer::new(Plain(addr)))
            .add_service(TikvServer::new(Plain(addr)));
        tokio::spawn(server.serve_with_incoming(incoming));
        vec![addr]
    })
}
