//! The program: what it prints, what it refuses, how it ends.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of the test functions that may")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::Value;

fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fake-tikv"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running program, which ends with the test.
struct Running {
    child: Child,
    ready: Value,
}

impl Running {
    fn start(args: &[&str]) -> Self {
        let mut child = program(args).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Self { child, ready }
    }
    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
    /// Its end, with what it wrote to stdout after the first line.
    fn into_end(mut self) -> (ExitStatus, String) {
        let mut rest = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap(), rest)
    }
    /// The status and body of an answer of the admin API.
    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let admin = self.ready["admin"].as_str().unwrap().strip_prefix("http://").unwrap();
        let mut conn = TcpStream::connect(admin).unwrap();
        let length = body.len();
        write!(conn, "{method} {path} HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
            .unwrap();
        let mut answer = String::new();
        conn.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What it says on stderr when it refuses to start.
fn refusal(args: &[&str]) -> String {
    let output = program(args).output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_first_line_says_where_everything_listens_and_each_signal_ends_it_cleanly() {
    for signal in ["-TERM", "-INT"] {
        let running = Running::start(&["--pd", "3", "--tikv", "2", "--mode", "v2", "--regions", "16"]);
        let ready = running.ready.clone();
        assert!(ready["clusterId"].as_u64().unwrap() > 0);
        assert_eq!((ready["pd"].as_array().unwrap().len(), ready["tikv"][1]["id"].as_u64()), (3, Some(2)));
        for addr in [&ready["pd"][2], &ready["tikv"][0]["address"]] {
            TcpStream::connect(addr.as_str().unwrap()).unwrap();
        }
        running.signal(signal);
        let (status, rest) = running.into_end();
        assert_eq!((status.code(), &rest[..]), (Some(0), ""), "{signal}");
        // nothing is left: the port is free
        TcpListener::bind(ready["pd"][0].as_str().unwrap()).unwrap();
    }
}

#[test]
fn ports_follow_the_base_and_one_that_is_taken_is_named() {
    // ten ports in a row that are free now
    let base = (0..100)
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port())
        .find(|base| *base < 60_000 && (1..10).all(|i| TcpListener::bind(("127.0.0.1", base + i)).is_ok()))
        .unwrap();
    let text = base.to_string();
    let args = ["--tikv", "2", "--port-base", &text];
    let running = Running::start(&args);
    assert_eq!(running.ready["pd"][0], format!("127.0.0.1:{base}"));
    assert_eq!(running.ready["tikv"][1]["address"], format!("127.0.0.1:{}", base + 2));
    assert_eq!(running.ready["admin"], format!("http://127.0.0.1:{}", base + 3));
    let refused = refusal(&args);
    assert!(refused.contains(&format!("`127.0.0.1:{base}`")), "{refused}");
}

#[test]
fn nonsense_is_refused_with_what_would_do() {
    for (args, named) in [
        (&["--pd", "0"][..], "1..=9"),
        (&["--tikv", "many"], "--tikv"),
        (&["--mode", "sql"], "possible values: raw, raw-ttl, txn, v2"),
        (&["--port-base", "65535"], "at most 65531"),
        (&["--listen", "0.0.0.0"], "--advertise IP"),
        (&["--split-keys", "a,b", "--regions", "2"], "cannot be used with"),
        (&["--split-keys", "a,"], "3 regions need 2 different keys"),
    ] {
        let refused = refusal(args);
        assert!(refused.contains(named), "{args:?}: {refused}");
    }
}

#[test]
fn the_admin_api_moves_the_cluster_and_ends_it() {
    let running = Running::start(&["--split-keys", "g,n"]);
    let cluster = |running: &Running| -> Value {
        let (status, body) = running.ask("GET", "/cluster", "");
        assert_eq!(status, 200);
        serde_json::from_str(&body).unwrap()
    };
    let regions = cluster(&running)["regions"].clone();
    assert_eq!((regions[1]["startKey"].as_str(), regions[1]["endKey"].as_str()), (Some("67"), Some("6e")));
    let (first, second) = (&regions[0]["id"], &regions[1]["id"]);
    assert_eq!(
        running.ask("POST", &format!("/regions/{first}/merge"), &format!(r#"{{"into": {second}}}"#)).0,
        200
    );
    assert_eq!(cluster(&running)["regions"].as_array().unwrap().len(), 2);
    let (status, body) = running.ask("POST", &format!("/regions/{first}/scatter"), "");
    assert_eq!(status, 404);
    assert!(body.contains(&format!(r#""error":"region {first} not found""#)), "{body}");
    assert_eq!(running.ask("POST", "/nodes/tikv-2/freeze", "").0, 200);
    assert_eq!(cluster(&running)["tikv"][1]["process"], "frozen");
    assert_eq!(running.ask("POST", "/shutdown", "").0, 200);
    assert_eq!(running.into_end().0.code(), Some(0));
}
