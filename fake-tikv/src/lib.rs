//! A TiKV cluster in one process that speaks the real wire protocol.
//!
//! Start at [`Cluster::builder`]; what it is to be is a [`Spec`], what a client has to bring is in [`data`]. In reading order:
//!
//! * [`spec`](Spec): what a cluster is to be, what it has seen
//! * [`data`]: the data set, as pure functions
//! * [`proto`]: the wire protocol, generated from our own .proto files
//! * `codec`: how its messages become bytes
//! * `keys`: how a client's key becomes a key that regions know
//! * `cluster`: stores, regions, leaders, epochs, timestamps: pure state
//! * `storage`: what was written and not ingested, what was ingested, what is backed up
//! * [`methods`]: every gRPC method, and whether it is served
//! * [`answer`]: what nodes answer instead of the truth
//! * [`journal`]: the calls that they have seen
//! * `shared`: state and storage under one lock
//! * `pd`: a PD member: gRPC, the embedded etcd, the HTTP API: wire to state and back, nothing else
//! * `kv`, `import`, `backup`: a store's gRPC services: the same
//! * `gate`: what every call passes
//! * `freeze`: where a frozen process's tasks stand
//! * `health`: whether a node says that it serves
//! * `serve`: one node's process
//! * `start`: all nodes together
//! * `builder`: a cluster, said in one line
//! * `moves`: what can be done to a running one
//! * [`admin`]: the same over HTTP
//! * `container`: all of it as an image, for other projects' tests (feature `testcontainers`)

pub mod admin;
pub mod answer;
mod backup;
mod builder;
mod cluster;
mod codec;
#[cfg(feature = "testcontainers")]
mod container;
pub mod data;
mod freeze;
mod gate;
mod health;
mod import;
pub mod journal;
mod keys;
mod kv;
pub mod methods;
mod moves;
mod pd;
pub mod proto;
mod serve;
mod shared;
mod spec;
mod start;
mod storage;

pub use builder::Builder;
pub use cluster::error::MoveError;
pub use cluster::keyspaces::KeyspaceError;
pub use cluster::partition::Direction;
#[cfg(feature = "testcontainers")]
pub use container::FakeTikv;
pub use moves::{Place, RegionInfo};
pub use spec::{Addresses, Borders, Mode, NoNode, Node, Observed, PeerOrder, Spec, SpecError, Speed};
pub use start::{Cluster, View};
