//! Toxics that know HTTP/2, between clients and servers that others have written: nghttp2, and gRPC on grpc-go. Only the
//! streams that a toxic touches may fail, and the connection never.
//!
//! What is not on this machine is not run, and the output says so by name; `.ci/clients` brings it.
//!
//! * [`program`]: a program that must end well, and in time
//! * [`link`]: a proxy on real sockets
//! * [`toxics`]: the toxics that lose nothing
//! * [`nghttp2`]: nghttp and h2load against nghttpd
//! * [`go`]: a client and a server on grpc-go

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod go;
mod link;
mod nghttp2;
mod program;
mod toxics;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let args = Arguments::from_args();
    let trials = nghttp2::trials().into_iter().chain(go::trials()).collect();
    libtest_mimic::run(&args, trials).exit();
}

/// A test, or, where something is missing, a line that says what.
fn trial(name: String, missing: Option<&str>, run: impl FnOnce() + Send + 'static) -> Trial {
    let trial = Trial::test(name, || {
        run();
        Ok(())
    });
    match missing {
        None => trial,
        Some(missing) => trial.with_kind(format!("not run: {missing}")).with_ignored_flag(true),
    }
}
