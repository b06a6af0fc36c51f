//! The wire protocol, generated from `proto/`: messages, servers and clients, one module a proto package.
//!
//! Byte fields are [`bytes::Bytes`].

#![expect(missing_docs, clippy::pedantic, reason = "generated code")]

/// Backup of key ranges.
pub mod backup {
    tonic::include_proto!("backup");
}
/// Who waits for whose lock.
pub mod deadlock {
    tonic::include_proto!("deadlock");
}
/// Why a region could not take a request.
pub mod errorpb {
    tonic::include_proto!("errorpb");
}
/// The part of etcd that PD serves to Go clients.
pub mod etcdserverpb {
    tonic::include_proto!("etcdserverpb");
}
/// Bulk ingest.
pub mod import_sstpb {
    tonic::include_proto!("import_sstpb");
}
/// Keyspaces of API V2.
pub mod keyspacepb {
    tonic::include_proto!("keyspacepb");
}
/// What requests to a store have in common.
pub mod kvrpcpb {
    tonic::include_proto!("kvrpcpb");
}
/// Stores, regions and their peers.
pub mod metapb {
    tonic::include_proto!("metapb");
}
/// A key in etcd's store.
pub mod mvccpb {
    tonic::include_proto!("mvccpb");
}
/// The placement driver.
pub mod pdpb {
    tonic::include_proto!("pdpb");
}
/// What a store serves: raw keys, transactions, many commands on one stream.
pub mod tikvpb {
    tonic::include_proto!("tikvpb");
}
