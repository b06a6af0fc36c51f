//! Clients that others have made, against ours.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use libtest_mimic::Trial;

use crate::brought;
use crate::http::ask;
use crate::servers::Ours;
use crate::trial;

const CLI: &str = "toxiproxy/cli";
const RUST_CLIENT: &str = "toxiproxy/rust-client/debug/toxiproxy-rust-client";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("foreign/toxiproxy_rust_drives_ours", &[RUST_CLIENT], || {
            let ours = Ours::start();
            let ran = Command::new(brought(RUST_CLIENT)).arg(ours.addr().to_string()).output().unwrap();
            assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        }),
        trial("foreign/toxiproxys_command_line_works_against_ours", &[CLI], command_line),
    ]
}

/// Every command of `toxiproxy-cli`.
fn command_line() {
    let ours = Ours::start();
    let node = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let cli = |args: &[&str]| cli(ours.addr(), args);
    let said = cli(&["create", "-l", "127.0.0.1:0", "-u", &node, "link"]);
    assert!(said.contains("Created new proxy link"), "{said}");
    let said = cli(&["list"]);
    assert!(said.contains("link") && said.contains(&node) && said.contains("enabled"), "{said}");

    let said =
        cli(&["toxic", "add", "-t", "latency", "-a", "latency=100", "-a", "jitter=50", "--upstream", "link"]);
    assert!(said.contains("Added upstream latency toxic 'latency_upstream' on proxy 'link'"), "{said}");
    let said = cli(&["toxic", "add", "-t", "bandwidth", "-a", "rate=1", "-tox", "0.5", "link"]);
    assert!(said.contains("'bandwidth_downstream'"), "{said}");
    let said = cli(&["toxic", "update", "-n", "latency_upstream", "-a", "latency=250", "link"]);
    assert!(said.contains("Updated toxic 'latency_upstream'"), "{said}");
    let said = cli(&["inspect", "link"]);
    for known in
        ["latency_upstream", "latency=250", "jitter=50", "bandwidth_downstream", "rate=1", "toxicity=0.50"]
    {
        assert!(said.contains(known), "no {known} in {said}");
    }
    let said = cli(&["toxic", "remove", "-n", "bandwidth_downstream", "link"]);
    assert!(said.contains("Removed toxic 'bandwidth_downstream'"), "{said}");

    let said = cli(&["toggle", "link"]);
    assert!(said.contains("now disabled"), "{said}");
    assert!(ask(ours.addr(), "GET", "/proxies/link", &[], "").body.contains(r#""enabled":false"#));
    cli(&["toggle", "link"]);
    let said = cli(&["delete", "link"]);
    assert!(said.contains("Deleted proxy link"), "{said}");
    assert_eq!(ask(ours.addr(), "GET", "/proxies", &[], "").body, "{}");

    let refused = Command::new(brought(CLI))
        .args(["-h", &format!("http://{}", ours.addr()), "inspect", "nosuch"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("proxy not found"), "{refused:?}");
}

fn cli(api: SocketAddr, args: &[&str]) -> String {
    let ran = Command::new(brought(CLI)).args(["-h", &format!("http://{api}")]).args(args).output().unwrap();
    assert!(ran.status.success(), "{args:?}: {ran:?}");
    String::from_utf8(ran.stdout).unwrap()
}
