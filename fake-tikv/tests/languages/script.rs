//! A script that must end well, and in time.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::cluster::Cluster;

/// A watchdog's bound: no script takes a quarter of this on an idle machine, but one (`long`) is two minutes by design.
const STUCK: Duration = Duration::from_secs(240);

/// Runs a script against a cluster; returns what it printed.
pub(crate) fn run(mut script: Command, cluster: &Cluster) -> String {
    let (mut printed, to) = std::io::pipe().unwrap();
    script.stdin(Stdio::null()).stdout(to.try_clone().unwrap()).stderr(to);
    let called = format!("{script:?}");
    let mut child = script.spawn().unwrap();
    // its copies of the pipe's end must be gone before the reader sees the end of it
    drop(script);
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = printed.read_to_end(&mut bytes);
        let _ = done.send(read.map(|_| String::from_utf8_lossy(&bytes).into_owned()));
    });
    let output = ended.recv_timeout(STUCK);
    if output.is_err() {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    let Ok(output) = output else {
        panic!("{called} was stuck; the cluster's log: {}", cluster.log.display());
    };
    let output = output.unwrap();
    assert!(status.success(), "{called}: {status}\n{output}\nthe cluster's log: {}", cluster.log.display());
    output
}
