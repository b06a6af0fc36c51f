//! A small loader: four workers put keys into TiKV, a collector counts what they have done.
//!
//! It is here to be tested. With [`OnError::GiveUp`] a worker whose store fails ends without a word, and the collector
//! waits for its results for ever: the kind of bug that shows only when a store goes away and comes back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fake_tikv::data;
use fake_tikv::proto::kvrpcpb::{Context, RawPutRequest};
use fake_tikv::proto::pdpb::pd_client::PdClient;
use fake_tikv::proto::pdpb::{GetMembersRequest, GetRegionRequest, GetStoreRequest};
use fake_tikv::proto::tikvpb::tikv_client::TikvClient;
use tokio::sync::{Mutex, mpsc};
use tonic::Status;
use tonic::transport::{Channel, Endpoint};
use unstuck::Env;
use unstuck::probe::{Actors, Site, frame, wait};

/// Keys to load.
const KEYS: u64 = 320;
/// Workers that load them.
const WORKERS: usize = 4;
/// How long one put may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// Each worker puts a key so often.
const PACE: Duration = Duration::from_secs(1);

/// What a worker does when a put fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// It tries again after a second.
    Retry,
    /// It ends.
    GiveUp,
}

/// Loads all keys.
pub async fn load(env: Env, on_error: OnError) -> Result<(), Status> {
    env.meter.expect(KEYS);
    let keys = Arc::new(Mutex::new(0..KEYS));
    let (done, mut results) = mpsc::channel::<u64>(1);
    let workers = Actors::new("results");
    for worker in 0..WORKERS {
        let (env, keys, done, workers) = (env.clone(), keys.clone(), done.clone(), workers.clone());
        let loading = env.clone();
        env.spawn(format!("worker {worker}"), async move {
            let _acts = workers.join();
            while let Some(key) = take(&keys).await {
                tokio::time::sleep(PACE).await;
                while let Err(status) = frame("put", put(&loading, key)).await {
                    loading.log.line(format!("key {key}: {}", status.message()));
                    if on_error == OnError::GiveUp {
                        return;
                    }
                    loading.meter.retry();
                    tokio::time::sleep(PACE).await;
                }
                if done.send(key).await.is_err() {
                    return;
                }
            }
        });
    }
    // `done` stays open here, as it did in the bug that this is modelled on: the channel never says that all have left
    for _ in 0..KEYS {
        let Some(key) = wait(Site::on("collect/results", &workers), results.recv()).await else { break };
        env.meter.done(key.to_string());
    }
    drop(done);
    Ok(())
}

async fn take(keys: &Mutex<std::ops::Range<u64>>) -> Option<u64> {
    keys.lock().await.next()
}

/// Asks PD where the key lives, and puts it there.
async fn put(env: &Env, number: u64) -> Result<(), Status> {
    env.meter.attempt();
    let key = data::key(number);
    let member = env.pd[number as usize % env.pd.len()];
    let mut pd = PdClient::new(dial(env, member).await?);
    let members = pd.get_members(GetMembersRequest::default()).await?.into_inner();
    let leader = members.leader.and_then(|leader| leader.client_urls.into_iter().next()).unwrap_or_default();
    let leader =
        leader.trim_start_matches("http://").parse().map_err(|_| Status::unavailable("no leader"))?;
    let mut pd = PdClient::new(dial(env, leader).await?);
    let find = GetRegionRequest { region_key: key.clone(), ..Default::default() };
    let found = pd.get_region(find).await?.into_inner();
    let (Some(region), Some(peer)) = (found.region, found.leader) else {
        return Err(Status::unavailable("the region has no leader"));
    };
    let ask = GetStoreRequest { store_id: peer.store_id, ..Default::default() };
    let store = pd.get_store(ask).await?.into_inner().store.unwrap_or_default();
    let at: SocketAddr = store.address.parse().map_err(|_| Status::unavailable("no address"))?;
    let mut tikv = TikvClient::new(dial(env, at).await?);
    let context = Context {
        region_id: region.id,
        region_epoch: region.region_epoch,
        peer: Some(peer),
        ..Default::default()
    };
    let request =
        RawPutRequest { context: Some(context), key, value: data::value(number), ..Default::default() };
    let answer = wait(Site::peer("RawPut", at, 0), tikv.raw_put(request)).await?.into_inner();
    match answer.region_error {
        Some(error) => Err(Status::unavailable(error.message)),
        None => Ok(()),
    }
}

/// A connection with a deadline for each call. A real client would keep it.
async fn dial(env: &Env, to: SocketAddr) -> Result<Channel, Status> {
    let endpoint =
        Endpoint::from_shared(format!("http://{to}")).map_err(|error| Status::internal(error.to_string()))?;
    let endpoint = endpoint.timeout(DEADLINE).connect_timeout(DEADLINE);
    wait(Site::peer("dial", to, 0), endpoint.connect_with_connector(env.connector()))
        .await
        .map_err(|error| Status::unavailable(error.to_string()))
}
