//! The HTTP API, as far as clients of this kind use it.
//!
//! * `reply`: what every answer looks like
//! * `query`: what follows the question mark
//! * [`members`], [`stores`], [`regions`], [`config`], [`labels`]: the answers
//!
//! A follower passes a request on to the leader. All members know the same, so it answers in the leader's stead.

mod config;
mod labels;
mod members;
mod query;
mod regions;
mod reply;
mod stores;

use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};

use super::Member;
use crate::spec::Node;
use reply::{not_found, plain};

/// Set by a member that passes a request on, to its name.
const REDIRECTED: &str = "PD-Redirector";
/// Set, to anything but nothing, by a client to whom a follower may answer.
const FOLLOWER_MAY: &str = "PD-Allow-follower-handle";
/// How long a follower waits for a leader that it reaches at first, then twice as long, …
const WAIT: Duration = Duration::from_millis(100);
/// … and in total.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// The HTTP API of one member.
pub(crate) fn routes(member: Member) -> Router {
    let api = Router::new()
        .route("/version", get(members::version))
        .route("/ping", get(async || ()))
        .route("/members", get(members::all))
        .route("/leader", get(members::leader))
        .route("/health", get(members::health))
        .route("/cluster", get(members::cluster))
        .route("/stores", get(stores::all))
        .route("/store/{id}", get(stores::one))
        .route("/stats/region", get(regions::stats))
        .route("/regions", get(regions::all))
        .route("/regions/key", get(regions::scan))
        .route("/regions/count", get(regions::count))
        .route("/regions/store/{id}", get(regions::on_store))
        .route("/regions/check/empty-region", get(regions::none))
        .route("/regions/check/miss-peer", get(regions::none))
        .route("/regions/check/pending-peer", get(regions::none))
        .route("/regions/check/down-peer", get(regions::with_down_peers))
        .route("/region/id/{id}", get(regions::by_id))
        .route("/region/key/{key}", get(regions::by_key))
        .route("/config", get(config::all).post(config::set))
        .route("/config/cluster-version", get(config::cluster_version))
        .route("/config/schedule", get(config::schedule).post(config::set))
        .route("/config/replicate", get(config::replication).post(config::set))
        .route("/schedulers", get(config::schedulers).post(config::add_scheduler))
        .route("/schedulers/{name}", post(config::pause_scheduler).delete(config::remove_scheduler))
        .route("/config/region-label/rules", get(labels::all).patch(labels::patch))
        .route("/config/region-label/rules/ids", get(labels::by_ids))
        .route("/config/region-label/rule", post(labels::set))
        .route("/config/region-label/rule/{id}", get(labels::one).delete(labels::remove))
        .route("/min-resolved-ts", get(members::min_resolved_ts))
        .route("/min-resolved-ts/{store}", get(members::min_resolved_ts))
        .layer(middleware::from_fn_with_state(member.clone(), led));
    Router::new()
        .route("/pd/ping", get(async || ()))
        .route("/pd/health", get(members::health))
        .nest("/pd/api/v1", api)
        .fallback(async || not_found())
        .with_state(member)
}

/// Answers where this member leads, may answer all the same, or can pass the request on.
async fn led(State(member): State<Member>, request: Request, next: Next) -> Response {
    let leads = || member.at().leads(member.id);
    let allowed = request.headers().get(FOLLOWER_MAY).is_some_and(|value| !value.is_empty());
    if allowed || leads() {
        return next.run(request).await;
    }
    if request.headers().get(REDIRECTED).is_some_and(|value| !value.is_empty()) {
        let text = "[PD:apiutil:ErrRedirectToNotLeader]redirect to not leader";
        return plain(StatusCode::INTERNAL_SERVER_ERROR, text);
    }
    let (mut wait, mut waited) = (WAIT, Duration::ZERO);
    loop {
        let leader = member.at().cluster().pd().leader().map(|leader| Node::Pd(leader as u32));
        if leader.is_some_and(|leader| member.at().cluster().reaches(Node::Pd(member.id), leader)) {
            return next.run(request).await;
        }
        if waited >= MAX_WAIT {
            let (status, text) = if leader.is_some() {
                (StatusCode::INTERNAL_SERVER_ERROR, "[PD:apiutil:ErrRedirect]redirect failed")
            } else {
                let text = "[PD:apiutil:ErrRedirectNoLeader]redirect finds no leader";
                (StatusCode::SERVICE_UNAVAILABLE, text)
            };
            return plain(status, text);
        }
        tokio::time::sleep(wait).await;
        waited += wait;
        wait = (wait * 2).min(MAX_WAIT.saturating_sub(waited));
    }
}
