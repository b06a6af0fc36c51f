//! A TiKV cluster in one process that speaks the real wire protocol.
//!
//! Start at [`Cluster`]; what it is to be is a [`Spec`], what a client has to bring is in [`data`]. In reading order:
//!
//! * [`spec`](Spec): what a cluster is to be, what it has seen
//! * [`data`]: the data set, as pure functions
//! * [`proto`]: the wire protocol, generated from our own .proto files
//! * `codec`: how its messages become bytes
//! * `cluster`: stores, regions, leaders, epochs, timestamps: pure state
//! * `storage`: what was written and not ingested, what was ingested, what is backed up
//! * `shared`: both under one lock
//! * `pd`, `import`, `backup`: gRPC services: wire to state and back, nothing else
//! * `serve`: one node's process
//! * `start`: all nodes together

mod backup;
mod cluster;
mod codec;
pub mod data;
mod import;
mod pd;
pub mod proto;
mod serve;
mod shared;
mod spec;
mod start;
mod storage;

pub use spec::{Node, Observed, PeerOrder, Spec, Speed};
pub use start::Cluster;
