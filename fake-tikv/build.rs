//! Generates messages, servers and clients from `proto/`, without protoc.

use std::io;

/// One file a proto package.
const FILES: [&str; 6] = [
    "proto/brpb.proto",
    "proto/errorpb.proto",
    "proto/import_sstpb.proto",
    "proto/kvrpcpb.proto",
    "proto/metapb.proto",
    "proto/pdpb.proto",
];

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=proto");
    let files = protox::compile(FILES, ["proto"]).map_err(io::Error::other)?;
    // maps in order, as everything that can reach a record;
    // keys and values as `Bytes`: a batch goes to three stores without being copied
    tonic_prost_build::configure()
        .build_transport(false)
        .codec_path("crate::codec::SmallBuffers")
        .btree_map(".")
        .bytes(".")
        .compile_fds(files)
}
