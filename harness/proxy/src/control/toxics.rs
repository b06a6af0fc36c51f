//! Toxics, over HTTP.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};

use super::Api;
use super::error::Refused;
use super::request::{At, Body};
use super::wire::{self, ToxicOut};

type Answer = Result<Json<ToxicOut>, Refused>;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/proxies/{proxy}/toxics", get(index).post(create))
        .route("/proxies/{proxy}/toxics/{toxic}", get(show).post(update).patch(update).delete(delete))
}

async fn index(State(api): State<Arc<Api>>, At(proxy): At<String>) -> Result<Json<Vec<ToxicOut>>, Refused> {
    Ok(Json(api.registry.get(&proxy)?.toxics.into_iter().map(wire::toxic).collect()))
}

async fn create(State(api): State<Arc<Api>>, At(proxy): At<String>, body: Body) -> Answer {
    api.registry.get(&proxy)?;
    let wire::NewToxic { name, stream, toxic } = wire::new_toxic(&body.read()?)?;
    Ok(Json(wire::toxic(api.registry.add(&proxy, name, stream, toxic)?)))
}

async fn show(State(api): State<Arc<Api>>, At((proxy, name)): At<(String, String)>) -> Answer {
    Ok(Json(wire::toxic(api.registry.toxic(&proxy, &name)?)))
}

async fn update(State(api): State<Arc<Api>>, At((proxy, name)): At<(String, String)>, body: Body) -> Answer {
    let now = api.registry.toxic(&proxy, &name)?;
    let toxic = wire::changed_toxic(&body.read()?, &now.toxic)?;
    Ok(Json(wire::toxic(api.registry.change(&proxy, &name, toxic)?)))
}

async fn delete(
    State(api): State<Arc<Api>>,
    At((proxy, name)): At<(String, String)>,
) -> Result<StatusCode, Refused> {
    api.registry.take_out(&proxy, &name)?;
    Ok(StatusCode::NO_CONTENT)
}
