//! The proxy, over both networks: every program runs in the sim and on real sockets and must come to the same
//! outcome. Times and evidence are exact in the sim, and asserted only there.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

mod door;
mod ends;
mod flows;
mod grpc;
mod h2_toxics;
mod http2;
mod life;
mod limits;
mod order;
mod ours;
mod path;
mod toxics;
