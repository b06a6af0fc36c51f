//! Generates messages, servers and clients from `proto/`, without protoc.

use std::io;

/// One file a proto package.
const FILES: [&str; 11] = [
    "proto/brpb.proto",
    "proto/deadlock.proto",
    "proto/errorpb.proto",
    "proto/etcdserverpb.proto",
    "proto/import_sstpb.proto",
    "proto/keyspacepb.proto",
    "proto/kvrpcpb.proto",
    "proto/metapb.proto",
    "proto/mvccpb.proto",
    "proto/pdpb.proto",
    "proto/tikvpb.proto",
];

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=proto");
    let files = protox::compile(FILES, ["proto"]).map_err(io::Error::other)?;
    // maps in order, as everything that can reach a record;
    // keys and values as `Bytes`: a batch goes to three stores without being copied
    tonic_prost_build::configure()
        .build_transport(false)
        // what a service does not override answers UNIMPLEMENTED
        .generate_default_stubs(true)
        .codec_path("crate::codec::SmallBuffers")
        .btree_map(".")
        .bytes(".")
        .compile_fds(files)
}
