//! What a call costs the server, in CPU: the fake beside a tonic server that answers the same bytes without work.
//!
//! Server and client have a thread each, over real sockets; only the server's thread is measured, by its own clock. divan
//! times what its own thread does, so this is a program of its own: a line for each call, the ratio at its end.

mod side;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use fake_tikv::proto::kvrpcpb::{
    CommitRequest, CommitResponse, Context, Mutation, PrewriteRequest, PrewriteResponse, RawGetRequest,
    RawGetResponse, RawPutRequest, RawPutResponse,
};
use fake_tikv::proto::pdpb::GetRegionRequest;
use fake_tikv::proto::pdpb::pd_client::PdClient;
use fake_tikv::proto::tikvpb::tikv_client::TikvClient;
use fake_tikv::proto::tikvpb::tikv_server::{Tikv, TikvServer};
use futures_util::future::{BoxFuture, join_all};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};

use self::side::{Side, fake, runtime};

/// Calls of a round, and those in flight at once.
const CALLS: usize = 20_000;
/// Rounds of each server, in turn, of which the median counts.
const ROUNDS: usize = 9;
const KEY: &[u8] = b"k000000000042";
static VALUE: [u8; 100] = [7; 100];

fn main() {
    let (fake, plain) = (Side::start(fake), Side::start(plain));
    let runtime = runtime();
    // both are sent the same bytes
    let context = runtime.block_on(context(fake.addrs[1]));
    println!("{:<24}{:>10}{:>10}{:>8}", "server CPU a call", "fake", "plain", "ratio");
    for at_once in [1, 32] {
        for call in [Call::Put, Call::Get, Call::Commit] {
            let sides = [&fake, &plain];
            let clients = sides.map(|side| runtime.block_on(client(side.addrs[0])));
            let mut costs = [vec![], vec![]];
            for _ in 0..ROUNDS {
                for ((side, client), costs) in sides.iter().zip(&clients).zip(&mut costs) {
                    let before = side.cpu();
                    runtime.block_on(round(client, &context, call, at_once));
                    costs.push(side.cpu().saturating_sub(before) / CALLS as u32);
                }
            }
            let [fake, plain] = costs.map(|mut costs| {
                costs.sort();
                costs[ROUNDS / 2]
            });
            let ratio = fake.as_secs_f64() / plain.as_secs_f64();
            println!("{:<24}{fake:>10.1?}{plain:>10.1?}{ratio:>8.2}", format!("{call:?}, {at_once} at once"));
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Call {
    Put,
    Get,
    /// A transaction of one key: two calls.
    Commit,
}

async fn client(addr: SocketAddr) -> TikvClient<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{addr}")).expect("a URL");
    TikvClient::new(endpoint.connect().await.expect("it listens"))
}

/// What a client that knows the only region says about it.
async fn context(pd: SocketAddr) -> Context {
    let endpoint = Endpoint::from_shared(format!("http://{pd}")).expect("a URL");
    let mut client = PdClient::new(endpoint.connect().await.expect("it listens"));
    let answer = client.get_region(GetRegionRequest::default()).await.expect("PD leads").into_inner();
    let region = answer.region.expect("one region");
    let (region_id, region_epoch) = (region.id, region.region_epoch);
    Context { region_id, region_epoch, peer: answer.leader, ..Context::default() }
}

/// Calls, by so many tasks.
async fn round(client: &TikvClient<Channel>, context: &Context, call: Call, at_once: usize) {
    join_all((0..at_once).map(async |_| {
        let mut client = client.clone();
        for _ in 0..CALLS / at_once {
            let (context, key) = (Some(context.clone()), Bytes::from_static(KEY));
            match call {
                Call::Get => {
                    let get = RawGetRequest { context, key, ..RawGetRequest::default() };
                    assert_eq!(client.raw_get(get).await.expect("answers").get_ref().value, VALUE[..]);
                }
                Call::Put => {
                    let value = Bytes::from_static(&VALUE);
                    let put = RawPutRequest { context, key, value, ..RawPutRequest::default() };
                    assert_eq!(client.raw_put(put).await.expect("answers").get_ref().region_error, None);
                }
                Call::Commit => commit(&mut client, context, key).await,
            }
        }
    }))
    .await;
}

/// Writes a key in a transaction that nobody else is in the way of.
async fn commit(client: &mut TikvClient<Channel>, context: Option<Context>, key: Bytes) {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let start_version = LAST.fetch_add(2, Ordering::Relaxed) + 1;
    // another key for each of those at once
    let key = Bytes::from([&key[..], &(start_version % 1024).to_be_bytes()].concat());
    let value = Bytes::from_static(&VALUE);
    let prewrite = PrewriteRequest {
        context: context.clone(),
        mutations: vec![Mutation { key: key.clone(), value, ..Mutation::default() }],
        primary_lock: key.clone(),
        start_version,
        lock_ttl: 3_000,
        ..PrewriteRequest::default()
    };
    assert_eq!(client.kv_prewrite(prewrite).await.expect("answers").get_ref().errors, []);
    let (keys, commit_version) = (vec![key], start_version + 1);
    let commit = CommitRequest { context, start_version, keys, commit_version, ..CommitRequest::default() };
    assert_eq!(client.kv_commit(commit).await.expect("answers").get_ref().error, None);
}

/// Answers without work.
struct Plain;

#[tonic::async_trait]
impl Tikv for Plain {
    async fn raw_get(&self, _: Request<RawGetRequest>) -> Result<Response<RawGetResponse>, Status> {
        Ok(Response::new(RawGetResponse { value: Bytes::from_static(&VALUE), ..RawGetResponse::default() }))
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
        tokio::spawn(Server::builder().add_service(TikvServer::new(Plain)).serve_with_incoming(incoming));
        vec![addr]
    })
}
