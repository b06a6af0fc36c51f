//! Configuration that tools read, and change while they work.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::super::{Member, VERSION};
use super::reply::{Json, Wrong, wrong};

/// What a scheduler that there is not is called.
const NO_SCHEDULER: &str = "[PD:scheduler:ErrSchedulerNotFound]scheduler not found";

pub(super) async fn cluster_version() -> Response {
    Json(VERSION).into_response()
}

pub(super) async fn all(State(member): State<Member>) -> Response {
    let at = member.at();
    let settings = &at.cluster().settings;
    let all = json!({
        "schedule": settings.schedule,
        "replication": settings.replication,
        "cluster-version": VERSION,
    });
    Json(all).into_response()
}

pub(super) async fn schedule(State(member): State<Member>) -> Response {
    Json(&member.at().cluster().settings.schedule).into_response()
}

pub(super) async fn replication(State(member): State<Member>) -> Response {
    Json(&member.at().cluster().settings.replication).into_response()
}

/// Sets items by name, for good: what a tool sets for a while (`?ttlSecond=`) it also sets back.
pub(super) async fn set(State(member): State<Member>, body: Bytes) -> Result<Response, Wrong> {
    let items: Map<String, Value> = parsed(&body)?;
    member
        .at()
        .all
        .cluster
        .settings
        .set(&items)
        .map_err(|name| wrong(StatusCode::BAD_REQUEST, format!("config item {name} not found")))?;
    Ok(Json("The config is updated.").into_response())
}

/// A body in JSON, or what is wrong with it.
pub(super) fn parsed<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Wrong> {
    serde_json::from_slice(body).map_err(|error| wrong(StatusCode::BAD_REQUEST, error.to_string()))
}

pub(super) async fn schedulers(State(member): State<Member>) -> Response {
    let at = member.at();
    Json(at.cluster().settings.schedulers.keys().collect::<Vec<_>>()).into_response()
}

pub(super) async fn add_scheduler(State(member): State<Member>, body: Bytes) -> Result<Response, Wrong> {
    let input: Map<String, Value> = parsed(&body)?;
    let Some(name) = input.get("name").and_then(Value::as_str) else {
        return Err(wrong(StatusCode::BAD_REQUEST, "missing scheduler name"));
    };
    member.at().all.cluster.settings.schedulers.entry(name.into()).or_insert(0);
    Ok(Json("The scheduler is created.").into_response())
}

pub(super) async fn remove_scheduler(
    State(member): State<Member>,
    Path(name): Path<String>,
) -> Result<Response, Wrong> {
    match member.at().all.cluster.settings.schedulers.remove(&name) {
        Some(_) => Ok(Json("The scheduler is removed.").into_response()),
        None => Err(wrong(StatusCode::NOT_FOUND, NO_SCHEDULER)),
    }
}

/// Pauses for `delay` seconds; 0 resumes.
pub(super) async fn pause_scheduler(
    State(member): State<Member>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Response, Wrong> {
    let input: Map<String, Value> = parsed(&body)?;
    let Some(delay) = input.get("delay").and_then(Value::as_u64) else {
        return Err(wrong(StatusCode::BAD_REQUEST, "missing pause time"));
    };
    let mut at = member.at();
    let until = if delay == 0 { 0 } else { at.unix_s().cast_unsigned().saturating_add(delay) };
    match at.all.cluster.settings.schedulers.get_mut(&name) {
        Some(paused) => *paused = until,
        None if name == "all" => {
            at.all.cluster.settings.schedulers.values_mut().for_each(|paused| *paused = until);
        }
        None => return Err(wrong(StatusCode::INTERNAL_SERVER_ERROR, NO_SCHEDULER)),
    }
    Ok(Json("Pause or resume the scheduler successfully.").into_response())
}
