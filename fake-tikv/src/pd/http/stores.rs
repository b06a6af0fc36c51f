//! Stores.

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use super::super::{At, Member, stores as known};
use super::query::Query;
use super::reply::{Json, Wrong, empty, go_duration, number, rfc3339, wrong};
use crate::proto::metapb::{self, StoreState};

/// A store, as Go writes the message: what is empty is left out, the state of a store that is up too.
#[derive(Serialize)]
struct MetaStore {
    id: u64,
    address: String,
    #[serde(skip_serializing_if = "empty")]
    state: i32,
    #[serde(skip_serializing_if = "empty")]
    labels: Vec<Label>,
    version: String,
    #[serde(skip_serializing_if = "empty")]
    peer_address: String,
    #[serde(skip_serializing_if = "empty")]
    status_address: String,
    start_timestamp: i64,
    last_heartbeat: i64,
    #[serde(skip_serializing_if = "empty")]
    node_state: i32,
    state_name: &'static str,
}

#[derive(PartialEq, Serialize)]
struct Label {
    key: String,
    value: String,
}

fn info(at: &At<'_>, store: metapb::Store) -> Value {
    let (state_name, told) = (known::state_name(at, &store), known::stats(at, &store));
    let leads = |store| {
        let leaders = at.cluster().regions.iter().filter_map(|region| region.leader_at_pd());
        leaders.filter(|peer| peer.store_id == store).count()
    };
    let (started_ms, heard_ms) = (store.start_timestamp * 1000, store.last_heartbeat / 1_000_000);
    let up_ms = heard_ms.saturating_sub(started_ms).max(0).cast_unsigned();
    let status = json!({
        "capacity": bytes(told.capacity),
        "available": bytes(told.available),
        "used_size": bytes(told.used_size),
        "leader_count": leads(store.id),
        "leader_weight": 1,
        "leader_score": leads(store.id),
        "leader_size": 0,
        "region_count": told.region_count,
        "region_weight": 1,
        "region_score": 0,
        "region_size": 0,
        "slow_score": 1,
        "start_ts": rfc3339(started_ms),
        "last_heartbeat_ts": rfc3339(heard_ms),
        "uptime": go_duration(std::time::Duration::from_millis(up_ms)),
    });
    let store = MetaStore {
        id: store.id,
        address: store.address,
        state: store.state,
        labels: store.labels.into_iter().map(|l| Label { key: l.key, value: l.value }).collect(),
        version: store.version,
        peer_address: store.peer_address,
        status_address: store.status_address,
        start_timestamp: store.start_timestamp,
        last_heartbeat: store.last_heartbeat,
        node_state: store.node_state,
        state_name,
    };
    json!({"store": store, "status": status})
}

/// A size as PD writes it, where it is a round one.
fn bytes(size: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit =
        (0..units.len()).rev().find(|unit| size > 0 && size.is_multiple_of(1 << (10 * unit))).unwrap_or(0);
    format!("{}{}", size >> (10 * unit), units[unit])
}

/// All stores in the asked states (`state=0`: up, 1: offline, 2: tombstone); without any, those that are not tombstones.
pub(super) async fn all(State(member): State<Member>, uri: Uri) -> Result<Response, Wrong> {
    let mut states = Vec::new();
    for asked in Query::of(&uri).all("state") {
        let asked = String::from_utf8_lossy(&asked).into_owned();
        match asked.parse::<i32>().ok().and_then(|state| StoreState::try_from(state).ok()) {
            Some(state) => states.push(state),
            None => {
                return Err(wrong(StatusCode::INTERNAL_SERVER_ERROR, format!("unknown StoreState: {asked}")));
            }
        }
    }
    if states.is_empty() {
        states = vec![StoreState::Up, StoreState::Offline];
    }
    let at = member.at();
    let stores = known::known(&at).into_iter().filter(|store| states.contains(&store.state()));
    let stores: Vec<_> = stores.map(|store| info(&at, store)).collect();
    Ok(Json(json!({"count": stores.len(), "stores": stores})).into_response())
}

pub(super) async fn one(State(member): State<Member>, Path(id): Path<String>) -> Result<Response, Wrong> {
    let id = number(&id)?;
    let at = member.at();
    let store = known::store(&at, id).ok_or_else(|| {
        wrong(StatusCode::NOT_FOUND, format!("[PD:core:ErrStoreNotFound]store {id} not found"))
    })?;
    Ok(Json(info(&at, store)).into_response())
}
