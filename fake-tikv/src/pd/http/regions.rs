//! Regions.

use std::collections::BTreeMap;
use std::fmt::Write;

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::super::regions::down_peers;
use super::super::{At, Member};
use super::query::{Query, decoded};
use super::reply::{Json, Wrong, number, wrong};
use crate::cluster::region::Region;
use crate::proto::metapb;

/// Regions of a scan that does not say how many.
const LIMIT: usize = 16;
/// Regions that one scan can ask for.
const MAX_LIMIT: usize = 10_240;

fn peer(peer: &metapb::Peer) -> Value {
    let mut info = json!({"id": peer.id, "store_id": peer.store_id, "role_name": peer.role().as_str_name()});
    if peer.role != 0 {
        info["role"] = peer.role.into();
    }
    if peer.role() == metapb::PeerRole::Learner {
        info["is_learner"] = true.into();
    }
    info
}

fn hex(key: &[u8]) -> String {
    key.iter().fold(String::with_capacity(key.len() * 2), |mut hex, byte| {
        let _ = write!(hex, "{byte:02X}");
        hex
    })
}

fn info(at: &At<'_>, region: &Region) -> Value {
    let meta = &region.meta;
    let epoch = meta.region_epoch.unwrap_or_default();
    let mut info = json!({
        "id": meta.id,
        "start_key": hex(&meta.start_key),
        "end_key": hex(&meta.end_key),
        "epoch": {"conf_ver": epoch.conf_ver, "version": epoch.version},
        "peers": meta.peers.iter().map(peer).collect::<Vec<_>>(),
        "leader": region.leader_at_pd().map_or_else(|| json!({"role_name": ""}), peer),
        "cpu_usage": 0,
        "written_bytes": 0,
        "read_bytes": 0,
        "written_keys": 0,
        "read_keys": 0,
        "approximate_size": 1,
        "approximate_keys": 0,
    });
    let down: Vec<_> = down_peers(at, region)
        .iter()
        .map(|down| json!({"down_seconds": down.down_seconds, "peer": peer(&down.peer.unwrap_or_default())}))
        .collect();
    if !down.is_empty() {
        info["down_peers"] = down.into();
    }
    info
}

fn listed<'a>(at: &At<'_>, regions: impl Iterator<Item = &'a Region>) -> Response {
    let regions: Vec<_> = regions.map(|region| info(at, region)).collect();
    Json(json!({"count": regions.len(), "regions": regions})).into_response()
}

pub(super) async fn all(State(member): State<Member>) -> Response {
    let at = member.at();
    listed(&at, at.cluster().regions.iter())
}

pub(super) async fn none(State(member): State<Member>) -> Response {
    listed(&member.at(), std::iter::empty())
}

pub(super) async fn with_down_peers(State(member): State<Member>) -> Response {
    let at = member.at();
    listed(&at, at.cluster().regions.iter().filter(|region| !down_peers(&at, region).is_empty()))
}

pub(super) async fn count(State(member): State<Member>) -> Response {
    Json(json!({"count": member.at().cluster().regions.iter().count(), "regions": null})).into_response()
}

pub(super) async fn on_store(
    State(member): State<Member>,
    Path(store): Path<String>,
) -> Result<Response, Wrong> {
    let store = number(&store)?;
    let at = member.at();
    Ok(listed(&at, at.cluster().regions.iter().filter(|region| region.peer_on(store).is_some())))
}

pub(super) async fn scan(State(member): State<Member>, uri: Uri) -> Result<Response, Wrong> {
    let query = Query::of(&uri);
    let limit = match query.text("limit") {
        limit if limit.is_empty() => LIMIT,
        limit => number(&limit)?.try_into().unwrap_or(MAX_LIMIT).min(MAX_LIMIT),
    };
    let at = member.at();
    let (start, end) = (query.get("key"), query.get("end_key"));
    Ok(listed(&at, at.cluster().regions.scan(&start, &end).take(limit)))
}

/// A region that PD does not know is `null`.
fn one(at: &At<'_>, region: Option<&Region>) -> Response {
    Json(region.map(|region| info(at, region))).into_response()
}

pub(super) async fn by_id(State(member): State<Member>, Path(id): Path<String>) -> Result<Response, Wrong> {
    let id = number(&id)?;
    let at = member.at();
    Ok(one(&at, at.cluster().regions.by_id(id)))
}

/// The key is escaped in the path, and may be hexadecimal (`?format=hex`). Taken from the URI, since it is bytes.
pub(super) async fn by_key(State(member): State<Member>, uri: Uri) -> Result<Response, Wrong> {
    let escaped = uri.path().rsplit('/').next().unwrap_or_default();
    let mut key = decoded(escaped);
    if Query::of(&uri).get("format") == b"hex" {
        key = unhex(&key).ok_or_else(|| {
            wrong(StatusCode::BAD_REQUEST, "encoding/hex: invalid byte, or odd length hex string")
        })?;
    }
    let at = member.at();
    Ok(one(&at, at.cluster().regions.find(&key)))
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let pairs = text.chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect()
}

/// How many regions a range has, and whose they are.
pub(super) async fn stats(State(member): State<Member>, uri: Uri) -> Response {
    let query = Query::of(&uri);
    let (start, end) = (query.get("start_key"), query.get("end_key"));
    let at = member.at();
    let mut count = 0_u64;
    let (mut leaders, mut peers) = (BTreeMap::<u64, u64>::new(), BTreeMap::<u64, u64>::new());
    for region in at.cluster().regions.scan(&start, &end) {
        count += 1;
        if let Some(leader) = region.leader_at_pd() {
            *leaders.entry(leader.store_id).or_default() += 1;
        }
        for peer in &region.meta.peers {
            *peers.entry(peer.store_id).or_default() += 1;
        }
    }
    // asked for the number only, PD leaves all else empty
    if query.has("count") {
        (leaders, peers) = (BTreeMap::new(), BTreeMap::new());
    }
    Json(json!({
        "count": count,
        "empty_count": 0,
        "storage_size": 0,
        "user_storage_size": 0,
        "storage_keys": 0,
        "store_leader_count": leaders,
        "store_peer_count": peers,
        "store_leader_size": {},
        "store_leader_keys": {},
        "store_peer_size": {},
        "store_peer_keys": {},
    }))
    .into_response()
}
