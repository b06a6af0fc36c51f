//! Scripted answers and the journal, over HTTP.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{delete, get};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::Api;
use super::error::Refused;
use super::moves::{Body, Parts};
use crate::answer::Script;
use crate::journal::Filter;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/answers", get(list).post(set))
        .route("/answers/{id}", delete(remove))
        .route("/journal", get(calls))
        .route("/journal/totals", get(totals))
}

async fn list(State(api): State<Api>) -> Json<Value> {
    Json(json!(api.cluster.answers().list()))
}

async fn set(State(api): State<Api>, body: Body) -> Result<Json<Value>, Refused> {
    let script: Script = body.read()?;
    let guard = api.cluster.script(script).map_err(|error| {
        Refused::new(
            StatusCode::BAD_REQUEST,
            error.to_string(),
            "the README of fake-tikv lists what scripts say",
        )
    })?;
    Ok(Json(json!({"id": guard.keep()})))
}

async fn remove(State(api): State<Api>, Parts(id): Parts<String>) -> Result<Json<Value>, Refused> {
    let answers = api.cluster.answers();
    let set = answers.list().into_iter().find(|set| set.id.to_string() == id);
    let Some(set) = set.filter(|set| answers.remove(set.id)) else {
        let help = "`GET /answers` lists the scripts that are set";
        return Err(Refused::new(StatusCode::NOT_FOUND, format!("there is no script `{id}`"), help));
    };
    Ok(Json(json!(set)))
}

/// As many calls as an answer has without a `limit`.
const LIMIT: usize = 1_000;

async fn calls(
    State(api): State<Api>,
    filter: Result<Query<Filter>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Value>, Refused> {
    let Query(mut filter) = filter.map_err(|error| {
        let help =
            "choose from `method`, `node`, `outcome`, `since`, `until`, `limit`; times are milliseconds";
        Refused::new(StatusCode::BAD_REQUEST, error.body_text(), help)
    })?;
    filter.limit.get_or_insert(LIMIT);
    let journal = api.cluster.journal();
    Ok(Json(json!({"dropped": journal.dropped(), "calls": journal.calls(&filter)})))
}

async fn totals(State(api): State<Api>) -> Json<Value> {
    Json(json!(api.cluster.journal().totals()))
}
