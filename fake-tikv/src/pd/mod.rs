//! One PD member: wire to cluster and back, in three protocols.
//!
//! * `service`: the gRPC calls in one table: who answers, and how
//! * [`members`], [`tso`], [`stores`], [`regions`], [`operators`], [`safe_points`], [`config`], [`keyspace`]: the answers
//! * [`etcd`]: the embedded etcd
//! * [`http`]: the HTTP API

mod config;
mod etcd;
mod http;
mod keyspace;
mod members;
mod operators;
mod regions;
mod safe_points;
mod service;
mod stores;
mod tso;

use std::sync::{Arc, MutexGuard};

use tonic::Status;
use tonic::metadata::MetadataMap;
use unstuck_net::Clock;

use crate::cluster::State;
use crate::cluster::views::ViewId;
use crate::proto::pdpb::{Error, ErrorType, RequestHeader, ResponseHeader};
use crate::shared::{All, Shared};
use crate::spec::Node;

pub(crate) use etcd::{cluster_service, kv_service};
pub(crate) use http::routes as http_routes;
pub(crate) use keyspace::service as keyspace_service;
pub(crate) use service::service;

/// What members and stores say they are.
const VERSION: &str = "8.1.0";

/// The member to whom a client wants its call passed on.
const FORWARDED_HOST: &str = "pd-forwarded-host";

/// Set, to whatever, where a follower may answer for the leader.
const FOLLOWER_MAY: &str = "pd-allow-follower-handle";

/// A member as the clients of one of its listeners know it.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    shared: Arc<Shared>,
    id: u32,
    view: ViewId,
}

impl Member {
    pub(crate) fn new(shared: Arc<Shared>, id: u32, view: ViewId) -> Self {
        Self { shared, id, view }
    }

    fn at(&self) -> At<'_> {
        At { all: self.shared.lock(), view: self.view, clock: self.shared.clock }
    }

    /// The state, for a call that any member answers whoever asks.
    #[expect(clippy::unnecessary_wraps, reason = "one of three")]
    fn anyone<H>(&self, _: &MetadataMap, _: Option<&H>) -> Result<At<'_>, Status> {
        Ok(self.at())
    }

    /// The state, for a call that only the leader answers.
    fn leader(&self, metadata: &MetadataMap, header: Option<&RequestHeader>) -> Result<At<'_>, Status> {
        let at = self.at();
        if !at.leads(self.acting(&at, metadata)?) {
            return Err(Status::unavailable("not leader"));
        }
        at.same_cluster(header)
    }

    /// The state, for a call that a follower answers too where the client allows it.
    fn reader(&self, metadata: &MetadataMap, header: Option<&RequestHeader>) -> Result<At<'_>, Status> {
        let at = self.at();
        if !at.leads(self.acting(&at, metadata)?) && !metadata.contains_key(FOLLOWER_MAY) {
            return Err(Status::unavailable("not leader and follower handling not allowed"));
        }
        at.same_cluster(header)
    }

    /// Who is to answer: this member, or the one to whom the client wants its call passed on.
    fn acting(&self, at: &At<'_>, metadata: &MetadataMap) -> Result<u32, Status> {
        let Some(host) = metadata.get(FORWARDED_HOST).and_then(|host| host.to_str().ok()) else {
            return Ok(self.id);
        };
        let bare = host.trim_start_matches("http://");
        let named = at.members().find(|(id, _)| at.addr(Node::Pd(*id)) == bare);
        let reached = |id: &u32| at.cluster().reaches(Node::Pd(self.id), Node::Pd(*id));
        named
            .map(|(id, _)| id)
            .filter(reached)
            .ok_or_else(|| Status::unavailable(format!("cannot connect to `{host}`")))
    }
}

/// The state while an answer is made, as the clients of one listener see it.
struct At<'a> {
    all: MutexGuard<'a, All>,
    view: ViewId,
    clock: Clock,
}

impl<'a> At<'a> {
    fn cluster(&self) -> &State {
        &self.all.cluster
    }
    fn leads(&self, member: u32) -> bool {
        self.cluster().pd().leader() == Some(member.into())
    }
    /// All members, and whether each is up.
    fn members(&self) -> impl Iterator<Item = (u32, bool)> {
        self.cluster().nodes().filter_map(|(node, process)| match node {
            Node::Pd(id) => Some((id, process.up())),
            Node::Store(_) => None,
        })
    }
    /// Where clients find a node; empty for one that there is not.
    fn addr(&self, node: Node) -> String {
        self.cluster().addr(self.view, node).map(|addr| addr.to_string()).unwrap_or_default()
    }
    /// Refuses a client of another cluster. One that names no cluster at all is let through.
    fn same_cluster(self, header: Option<&RequestHeader>) -> Result<At<'a>, Status> {
        let (ours, asked) = (self.cluster().cluster_id, header.map_or(0, |header| header.cluster_id));
        if asked != 0 && asked != ours {
            return Err(mismatch(ours, asked));
        }
        Ok(self)
    }
    /// The header of an answer.
    #[expect(clippy::unnecessary_wraps, reason = "as the messages have it")]
    fn header(&self) -> Option<ResponseHeader> {
        Some(ResponseHeader { cluster_id: self.cluster().cluster_id, error: None })
    }
    /// The header of an answer that is none. Clients take any error here for a failure.
    #[expect(clippy::unnecessary_wraps, reason = "as the messages have it")]
    fn refusal(&self, kind: ErrorType, message: impl Into<String>) -> Option<ResponseHeader> {
        let error = Some(Error { r#type: kind.into(), message: message.into() });
        Some(ResponseHeader { cluster_id: self.cluster().cluster_id, error })
    }
    /// Seconds since 1970.
    fn unix_s(&self) -> i64 {
        (self.clock.unix_ms() / 1000).cast_signed()
    }
}

fn mismatch(ours: u64, asked: u64) -> Status {
    Status::failed_precondition(format!("mismatch cluster id, need {ours} but got {asked}"))
}
