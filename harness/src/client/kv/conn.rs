//! How client-go dials a store.

use std::net::SocketAddr;
use std::time::Duration;

use crate::client::Env;
use crate::client::grpc::{ClientConn, DialOptions};

/// So many connections to each store; source: `DefGrpcConnectionCount`.
pub(super) const CONNECTIONS: u64 = 4;
/// How long one connect, or the wait for one, may take; source: `dialTimeout`.
pub(super) const DIAL_TIMEOUT: Duration = Duration::from_secs(5);
/// A ping after so long without anything read; source: `GrpcKeepAliveTime`.
const KEEPALIVE_TIME: Duration = Duration::from_secs(10);
/// The connection is closed after so long without an answer; source: `GrpcKeepAliveTimeout`.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(3);
/// Back-off between two connects; source: `newConnArray`.
const BACKOFF_BASE: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(3);

/// Starts to connect in the background.
pub(super) fn dial(env: &Env, addr: SocketAddr, seed: u64) -> ClientConn {
    let options = DialOptions {
        backoff_base: env.scale.timer(BACKOFF_BASE),
        backoff_max: env.scale.timer(BACKOFF_MAX),
        min_connect_timeout: env.scale.timer(DIAL_TIMEOUT),
        keepalive_time: Some(env.scale.timer(KEEPALIVE_TIME)),
        keepalive_timeout: env.scale.keepalive_timeout(KEEPALIVE_TIMEOUT),
        permit_without_stream: true,
        seed,
    };
    ClientConn::dial(&env.net, addr, options)
}
