//! Proxies, over HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::Value;

use super::Api;
use super::error::{self, Refused};
use super::request::{At, Body};
use super::wire::{self, ProxyOut};

type Answer = Result<Json<ProxyOut>, Refused>;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/proxies", get(index).post(create))
        .route("/populate", post(populate))
        .route("/reset", post(reset))
        .route("/proxies/{proxy}", get(show).post(update).patch(update).delete(delete))
        .route("/proxies/{proxy}/connections", get(connections))
}

async fn index(State(api): State<Arc<Api>>) -> Json<BTreeMap<String, ProxyOut>> {
    Json(api.registry.all().into_iter().map(|view| (view.name.clone(), wire::proxy(view))).collect())
}

async fn create(State(api): State<Arc<Api>>, body: Body) -> Result<Response, Refused> {
    let spec = wire::spec(&body.read()?)?;
    let view = api.registry.create(spec).await?;
    Ok((StatusCode::CREATED, Json(wire::proxy(view))).into_response())
}

#[derive(Serialize)]
struct Populated {
    #[serde(flatten)]
    refused: Option<error::Body>,
    proxies: Option<Vec<ProxyOut>>,
}

/// Says what was made also when something could not be.
async fn populate(State(api): State<Arc<Api>>, body: Body) -> Response {
    let specs = body.read().and_then(|body| wire::specs(&body));
    let (views, refused) = match specs {
        Ok(specs) => {
            let (views, error) = api.registry.populate(specs).await;
            (Some(views), error.map(Refused::from))
        }
        Err(refused) => (None, Some(refused)),
    };
    // as Go has it: an empty list is null
    let views = views.filter(|views| !views.is_empty());
    let proxies = views.map(|views| views.into_iter().map(wire::proxy).collect());
    let status = refused.as_ref().map_or(StatusCode::CREATED, Refused::status);
    (status, Json(Populated { refused: refused.map(|refused| refused.body()), proxies })).into_response()
}

async fn reset(State(api): State<Arc<Api>>) -> Result<StatusCode, Refused> {
    api.registry.reset().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn show(State(api): State<Arc<Api>>, At(name): At<String>) -> Answer {
    Ok(Json(wire::proxy(api.registry.get(&name)?)))
}

async fn update(State(api): State<Arc<Api>>, At(name): At<String>, body: Body) -> Answer {
    // who asks for what is not there is told so, whatever the body
    api.registry.get(&name)?;
    let change = wire::change(&body.read()?)?;
    Ok(Json(wire::proxy(api.registry.update(&name, change).await?)))
}

async fn delete(State(api): State<Arc<Api>>, At(name): At<String>) -> Result<StatusCode, Refused> {
    api.registry.remove(&name)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn connections(State(api): State<Arc<Api>>, At(name): At<String>) -> Result<Json<Value>, Refused> {
    Ok(Json(api.registry.conns(&name)?.iter().map(wire::conn).collect()))
}
