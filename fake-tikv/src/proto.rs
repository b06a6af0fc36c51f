//! The wire protocol, generated from `proto/`: messages, servers and clients, one module a proto package.
//!
//! Byte fields are [`bytes::Bytes`].

#![expect(
    missing_docs,
    nonstandard_style,
    clippy::pedantic,
    clippy::large_enum_variant,
    reason = "generated code"
)]

/// Backup of key ranges.
pub mod backup {
    tonic::include_proto!("backup");
}
/// Why a region could not take a request.
pub mod errorpb {
    tonic::include_proto!("errorpb");
}
/// Bulk ingest.
pub mod import_sstpb {
    tonic::include_proto!("import_sstpb");
}
/// What requests to a store have in common.
pub mod kvrpcpb {
    tonic::include_proto!("kvrpcpb");
}
/// Stores, regions and their peers.
pub mod metapb {
    tonic::include_proto!("metapb");
}
/// The placement driver.
pub mod pdpb {
    tonic::include_proto!("pdpb");
}
