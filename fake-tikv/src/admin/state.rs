//! What there is: nodes, regions, who leads.

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde::Serialize;

use super::Api;
use crate::spec::Node;
use crate::start::Cluster;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/", get(paths)).route("/cluster", get(cluster))
}

/// Every path with what it does, for people.
const PATHS: &str = include_str!("paths.txt");

async fn paths() -> &'static str {
    PATHS
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    cluster_id: u64,
    pd_leader: Option<Node>,
    pd: Vec<Member>,
    tikv: Vec<Store>,
    regions: Vec<Region>,
}

#[derive(Debug, Serialize)]
struct Member {
    node: Node,
    address: String,
    process: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Store {
    id: u64,
    node: Node,
    address: String,
    process: &'static str,
    /// As PD calls it.
    state: &'static str,
    peers: usize,
}

/// Keys as regions know them, in hexadecimal.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    id: u64,
    start_key: String,
    end_key: String,
    conf_ver: u64,
    version: u64,
    /// The id of the store whose peer leads; none while an election runs.
    leader: Option<u64>,
    /// The ids of the stores with a peer.
    stores: Vec<u64>,
}

async fn cluster(State(api): State<Api>) -> Json<View> {
    Json(view(&api.cluster))
}

fn view(cluster: &Cluster) -> View {
    let all = cluster.shared.lock();
    let state = &all.cluster;
    let (mut pd, mut tikv) = (Vec::new(), Vec::new());
    for (node, process) in state.nodes() {
        let (address, life) = (process.addr.to_string(), process.life.name());
        match node {
            Node::Pd(_) => pd.push(Member { node, address, process: life }),
            Node::Store(id) => tikv.push(Store {
                id,
                node,
                address,
                process: life,
                state: state.state_name(process),
                peers: state.regions.peers_on(id),
            }),
        }
    }
    let regions = state.regions.iter().map(|region| {
        let epoch = region.meta.region_epoch.unwrap_or_default();
        Region {
            id: region.meta.id,
            start_key: crate::start::hex(&region.meta.start_key),
            end_key: crate::start::hex(&region.meta.end_key),
            conf_ver: epoch.conf_ver,
            version: epoch.version,
            leader: region.group.leader(),
            stores: region.group.members().to_vec(),
        }
    });
    View {
        cluster_id: state.cluster_id,
        pd_leader: state.pd().leader().map(|member| Node::Pd(member as u32)),
        pd,
        tikv,
        regions: regions.collect(),
    }
}
