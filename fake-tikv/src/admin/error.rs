//! What is refused, and why: `{"error": "...", "help": "..."}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::cluster::error::MoveError;

/// A refusal. Nothing has changed then.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    status: StatusCode,
    body: Body,
}

#[derive(Clone, Debug, Serialize)]
struct Body {
    error: String,
    help: String,
}

impl Refused {
    pub(super) fn new(status: StatusCode, error: impl Into<String>, help: impl Into<String>) -> Self {
        Self { status, body: Body { error: error.into(), help: help.into() } }
    }
    pub(super) fn no_such_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no such path", "`GET /` lists all paths")
    }
    pub(super) fn wrong_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "the path does not take this method",
            "look with GET, change with POST",
        )
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

/// The closed table of refused moves.
impl From<MoveError> for Refused {
    fn from(error: MoveError) -> Self {
        use MoveError as E;
        let (missing, conflict) = (StatusCode::NOT_FOUND, StatusCode::CONFLICT);
        let (status, help) = match error {
            E::NoRegion(_) => (missing, "`GET /cluster` lists the regions; a merged one is gone"),
            E::NoNode(_) => (
                missing,
                "`GET /cluster` lists the nodes: `pd-0` is the first member, `tikv-1` the first store",
            ),
            E::NoPeer { .. } => (conflict, "`GET /cluster` lists each region's peers"),
            E::HasPeer { .. } => (conflict, "choose a store without a peer of the region"),
            E::NotInside { .. } => (conflict, "a key where a region begins already divides nothing"),
            E::NotNeighbours { .. } => (conflict, "merge regions of which one ends where the other begins"),
            E::NoLeader(_) | E::NoPdLeader => {
                (conflict, "wait for the election, or start the nodes that it lacks")
            }
            E::LastPeer(_) => (conflict, "add a peer on another store first"),
            E::OutOfReach(_) => (conflict, "start it, resume it, or heal its partitions first"),
            E::NotUp { .. } => (conflict, "choose a store that stays"),
            E::HasPeers { .. } => (conflict, "let it leave first: its peers move elsewhere, a few at a time"),
        };
        Self::new(status, error.to_string(), help)
    }
}

impl From<std::io::Error> for Refused {
    fn from(error: std::io::Error) -> Self {
        let help = "is there a free port, and a free file descriptor?";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string(), help)
    }
}
