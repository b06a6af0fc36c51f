//! Rules that label regions: kept and told again, nothing more.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::super::{At, Member};
use super::config::parsed;
use super::reply::{Json, Wrong, json, wrong};

/// A rule's id, without which PD takes none.
fn id(rule: &Value) -> Result<String, Wrong> {
    let id = rule.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
    id.map(str::to_owned)
        .ok_or_else(|| wrong(StatusCode::BAD_REQUEST, "[PD:region:ErrRegionRuleContent]empty rule id"))
}

fn listed<'a>(rules: impl Iterator<Item = &'a Value>) -> Response {
    Json(rules.collect::<Vec<_>>()).into_response()
}

pub(super) async fn all(State(member): State<Member>) -> Response {
    listed(member.at().cluster().settings.label_rules.values())
}

pub(super) async fn by_ids(State(member): State<Member>, body: Bytes) -> Result<Response, Wrong> {
    let ids: Vec<String> = parsed(&body)?;
    let at: At<'_> = member.at();
    Ok(listed(ids.iter().filter_map(|id| at.cluster().settings.label_rules.get(id))))
}

pub(super) async fn one(State(member): State<Member>, Path(id): Path<String>) -> Response {
    match member.at().cluster().settings.label_rules.get(&id) {
        Some(rule) => Json(rule).into_response(),
        None => json(StatusCode::NOT_FOUND, &Value::Null),
    }
}

pub(super) async fn set(State(member): State<Member>, body: Bytes) -> Result<Response, Wrong> {
    let rule: Value = parsed(&body)?;
    let id = id(&rule)?;
    member.at().all.cluster.settings.label_rules.insert(id, rule);
    Ok(Json("Update region label rule successfully.").into_response())
}

pub(super) async fn remove(State(member): State<Member>, Path(id): Path<String>) -> Result<Response, Wrong> {
    if member.at().all.cluster.settings.label_rules.remove(&id).is_some() {
        return Ok(Json("Delete region label rule successfully.").into_response());
    }
    let text = format!("[PD:region:ErrRegionRuleNotFound]region label rule not found for id {id}");
    Err(wrong(StatusCode::NOT_FOUND, text))
}

/// All of a patch is done, or nothing.
pub(super) async fn patch(State(member): State<Member>, body: Bytes) -> Result<Response, Wrong> {
    #[derive(Deserialize)]
    struct Patch {
        #[serde(default)]
        sets: Vec<Value>,
        #[serde(default)]
        deletes: Vec<String>,
    }
    let patch: Patch = parsed(&body)?;
    let sets: Vec<_> =
        patch.sets.into_iter().map(|rule| Ok((id(&rule)?, rule))).collect::<Result<_, Wrong>>()?;
    let mut at = member.at();
    let rules = &mut at.all.cluster.settings.label_rules;
    for id in patch.deletes {
        rules.remove(&id);
    }
    rules.extend(sets);
    Ok(Json("Update region label rules successfully.").into_response())
}
