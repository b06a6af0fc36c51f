//! What can be done: each handler is one method of [`Cluster`].

use std::net::SocketAddr;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request, State};
use axum::http::{StatusCode, request};
use axum::routing::post;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Api;
use super::error::Refused;
use crate::cluster::error::MoveError;
use crate::cluster::partition::Direction;
use crate::spec::Node;

type Answer = Result<Json<Value>, Refused>;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/nodes/{node}/{what}", post(node))
        .route("/pd/leader", post(pd_leader))
        .route("/stores", post(add_store))
        .route("/stores/{id}/{what}", post(store))
        .route("/regions/split", post(split))
        .route("/regions/{id}/{what}", post(region))
        .route("/partitions", post(partition))
        .route("/partitions/heal", post(heal))
        .route("/shutdown", post(shutdown))
}

/// What stands in a path. What is no text is in no path of ours.
pub(super) struct Parts<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Parts<T> {
    type Rejection = Refused;
    async fn from_request_parts(parts: &mut request::Parts, state: &S) -> Result<Self, Refused> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(parts)| Self(parts)).map_err(|_| Refused::no_such_path())
    }
}

/// A body of JSON, whatever its content type; none is `{}`.
pub(super) struct Body(Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Refused;
    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let too_large = |rejection: axum::extract::rejection::BytesRejection| {
            Refused::new(rejection.status(), rejection.body_text(), "a request has at most 256 KiB")
        };
        Bytes::from_request(request, state).await.map(Self).map_err(too_large)
    }
}

impl Body {
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        let text: &[u8] = if self.0.is_empty() { b"{}" } else { &self.0 };
        serde_json::from_slice(text).map_err(|error| {
            Refused::new(StatusCode::BAD_REQUEST, error.to_string(), "`GET /` shows each path's JSON")
        })
    }
}

/// A number in a path.
fn number(what: &str, text: &str) -> Result<u64, Refused> {
    text.parse().map_err(|_| {
        let help = "`GET /cluster` lists nodes and regions with their ids";
        Refused::new(StatusCode::NOT_FOUND, format!("`{text}` is no {what}'s id"), help)
    })
}

fn done() -> Json<Value> {
    Json(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advertise {
    address: SocketAddr,
}
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Health {
    serving: bool,
}

async fn node(State(api): State<Api>, Parts((node, what)): Parts<(String, String)>, body: Body) -> Answer {
    let unknown = || {
        let help = "nodes are `pd-0`, `pd-1`, … and `tikv-1`, `tikv-2`, …";
        Refused::new(StatusCode::NOT_FOUND, format!("there is no `{node}`"), help)
    };
    let node: Node = node.parse().map_err(|_| unknown())?;
    let cluster = &api.cluster;
    if !cluster.has(node) {
        return Err(unknown());
    }
    match &what[..] {
        "stop" => cluster.stop(node),
        "start" => {
            cluster.may_start(node)?;
            cluster.restart(node);
        }
        "restart" => {
            cluster.may_start(node)?;
            cluster.stop(node);
            cluster.restart(node);
        }
        "freeze" => cluster.freeze(node),
        "resume" => cluster.resume(node),
        "advertise" => cluster.advertise(node, body.read::<Advertise>()?.address),
        "health" => cluster.set_serving(node, body.read::<Health>()?.serving),
        _ => return Err(Refused::no_such_path()),
    }
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Leader {
    member: u32,
}

async fn pd_leader(State(api): State<Api>, body: Body) -> Answer {
    api.cluster.transfer_pd_leader(body.read::<Leader>()?.member)?;
    Ok(done())
}

async fn add_store(State(api): State<Api>) -> Answer {
    let (id, address) = api.cluster.add_store()?;
    Ok(Json(json!({ "id": id, "address": address })))
}

async fn store(State(api): State<Api>, Parts((id, what)): Parts<(String, String)>) -> Answer {
    let (id, cluster) = (number("store", &id)?, &api.cluster);
    if !cluster.has(Node::Store(id)) {
        return Err(MoveError::NoNode(Node::Store(id)).into());
    }
    match &what[..] {
        "address" => {
            cluster.may_start(Node::Store(id))?;
            let address = cluster.change_address(id)?;
            return Ok(Json(json!({ "address": address })));
        }
        "offline" => cluster.offline(id)?,
        "stay" => cluster.cancel_offline(id)?,
        "tombstone" => cluster.tombstone(id)?,
        _ => return Err(Refused::no_such_path()),
    }
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Keys {
    #[serde(default)]
    keys: Vec<String>,
    #[serde(default)]
    hex_keys: Vec<String>,
}

async fn split(State(api): State<Api>, body: Body) -> Answer {
    let Keys { keys, hex_keys } = body.read()?;
    let mut keys: Vec<Bytes> = keys.into_iter().map(Bytes::from).collect();
    for text in hex_keys {
        let key = crate::start::unhex(&text).ok_or_else(|| {
            let help = "an even number of the digits 0 to 9 and a to f";
            Refused::new(StatusCode::BAD_REQUEST, format!("`{text}` is no key in hexadecimal"), help)
        })?;
        keys.push(key);
    }
    Ok(Json(json!({ "regions": api.cluster.split(&keys)? })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    #[serde(rename = "into")]
    id: u64,
}
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct At {
    store: u64,
}
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FromTo {
    from: u64,
    to: u64,
}

async fn region(State(api): State<Api>, Parts((id, what)): Parts<(String, String)>, body: Body) -> Answer {
    let (id, cluster) = (number("region", &id)?, &api.cluster);
    match &what[..] {
        "merge" => cluster.merge(id, body.read::<Target>()?.id)?,
        "leader" => cluster.transfer_leader(id, body.read::<At>()?.store)?,
        "add-peer" => cluster.add_peer(id, body.read::<At>()?.store)?,
        "remove-peer" => cluster.remove_peer(id, body.read::<At>()?.store)?,
        "move-peer" => {
            let FromTo { from, to } = body.read()?;
            cluster.move_peer(id, from, to)?;
        }
        "scatter" => cluster.scatter(id)?,
        _ => return Err(Refused::no_such_path()),
    }
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Apart {
    between: Vec<Node>,
    and: Vec<Node>,
    #[serde(default)]
    lost: Direction,
}

async fn partition(State(api): State<Api>, body: Body) -> Answer {
    let Apart { between, and, lost } = body.read()?;
    Ok(Json(json!({ "pairs": api.cluster.partition(&between, &and, lost)? })))
}

async fn heal(State(api): State<Api>, body: Body) -> Answer {
    let Apart { between, and, lost } = body.read()?;
    Ok(Json(json!({ "pairs": api.cluster.heal(&between, &and, lost)? })))
}

async fn shutdown(State(api): State<Api>) -> Json<Value> {
    api.stop.notify_one();
    done()
}
