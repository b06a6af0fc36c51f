//! The client against a real h2 server, and against a peer that is scripted frame by frame.

mod calls;
mod connect;
mod hostile;
mod keepalive;
mod orphan;
mod peer;
mod quota;
mod server;
mod tikv;

use std::time::Duration;

use tonic::{Code, Status};
use unstuck_net::sim::{SimConfig, SimNet};
use unstuck_net::{Clock, Net, Port};
use unstuck_record::Resource;

use super::*;
use crate::probe::Tasks;

/// Real constants of lightning, but for the keepalive, which is off unless a test is about it.
fn options() -> DialOptions {
    DialOptions {
        backoff_base: Duration::from_secs(1),
        backoff_max: Duration::from_secs(600),
        min_connect_timeout: Duration::from_secs(20),
        keepalive_time: None,
        keepalive_timeout: Duration::from_secs(3),
        permit_without_stream: true,
        seed: 1,
    }
}

fn net(buffer: usize) -> (Net, Port) {
    let config = SimConfig { send_buffer: buffer, recv_buffer: buffer, ..SimConfig::default() };
    let net = Net::Sim(SimNet::new(config));
    let port = net.reserve(net.any()).unwrap();
    (net, port)
}

async fn sleep(secs: u64) {
    tokio::time::sleep(Duration::from_secs(secs)).await;
}

/// Lets everything settle that a few transits can settle.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// What `future` gives within a virtual day: a test that would hang fails instead.
async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(86_400), future).await.expect("it ends")
}

fn tasks() -> Tasks {
    Tasks::new(Clock::start())
}

/// Where each task waits, in the order of their spawning.
fn sites(tasks: &Tasks) -> Vec<String> {
    tasks
        .dump()
        .tasks
        .iter()
        .map(|task| task.wait.as_ref().map_or(String::new(), |w| w.site.clone()))
        .collect()
}

fn said(status: &Status) -> (Code, &str) {
    (status.code(), status.message())
}

fn message(byte: u8, length: usize) -> Vec<u8> {
    vec![byte; length]
}
