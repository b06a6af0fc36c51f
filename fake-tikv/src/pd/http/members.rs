//! Who the members are.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use super::super::members::{known, member_id};
use super::super::{At, Member, VERSION};
use super::reply::{Json, empty, json as answer};
use crate::proto::pdpb;

/// A member, as Go writes the message.
#[derive(Serialize)]
struct MemberInfo {
    #[serde(skip_serializing_if = "empty")]
    name: String,
    member_id: u64,
    peer_urls: Vec<String>,
    client_urls: Vec<String>,
    binary_version: String,
}

impl From<pdpb::Member> for MemberInfo {
    fn from(member: pdpb::Member) -> Self {
        let pdpb::Member { name, member_id, peer_urls, client_urls, binary_version, .. } = member;
        Self { name, member_id, peer_urls, client_urls, binary_version }
    }
}

pub(super) async fn version() -> Response {
    let version = format!("v{VERSION}");
    Json(json!({"version": version, "build_time": "", "hash": "", "branch": ""})).into_response()
}

pub(super) async fn all(State(member): State<Member>) -> Response {
    #[derive(Serialize)]
    struct Known {
        header: serde_json::Value,
        members: Vec<MemberInfo>,
        #[serde(skip_serializing_if = "Option::is_none")]
        leader: Option<MemberInfo>,
        #[serde(skip_serializing_if = "Option::is_none")]
        etcd_leader: Option<MemberInfo>,
    }
    let at = member.at();
    let (members, leader) = known(&at);
    Json(Known {
        header: json!({"cluster_id": at.cluster().cluster_id}),
        members: members.into_iter().map(Into::into).collect(),
        etcd_leader: leader.clone().map(Into::into),
        leader: leader.map(Into::into),
    })
    .into_response()
}

pub(super) async fn leader(State(member): State<Member>) -> Response {
    let (_, leader) = known(&member.at());
    Json(leader.map(MemberInfo::from)).into_response()
}

pub(super) async fn health(State(member): State<Member>) -> Response {
    let at = member.at();
    let up = |id| at.members().any(|(member, up)| member_id(member) == id && up);
    let health = |member: pdpb::Member| {
        let health = up(member.member_id);
        json!({
            "name": member.name,
            "member_id": member.member_id,
            "client_urls": member.client_urls,
            "health": health,
        })
    };
    let all: Vec<_> = known(&at).0.into_iter().map(health).collect();
    Json(all).into_response()
}

pub(super) async fn cluster(State(member): State<Member>) -> Response {
    let at: At<'_> = member.at();
    Json(json!({"id": at.cluster().cluster_id, "max_peer_count": 3})).into_response()
}

/// Nothing is told by stores here: no lower bound is known, and that is what a cluster answers in which it is turned off.
pub(super) async fn min_resolved_ts() -> Response {
    let unknown = json!({"min_resolved_ts": 0, "persist_interval": "0s", "stores_min_resolved_ts": null});
    answer(axum::http::StatusCode::OK, &unknown)
}
