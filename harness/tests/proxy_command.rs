//! `unstuck proxy`: what it prints, what it refuses, how it ends, and what it does without file descriptors.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of the test functions that may")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

/// A running program, which ends with the test.
struct Running {
    child: Child,
    api: SocketAddr,
}

impl Running {
    fn start(mut command: Command) -> Self {
        command.env("LOG_LEVEL", "disabled").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let api = line.strip_prefix("Toxiproxy's API on http://").and_then(|rest| rest.split(',').next());
        Self { api: api.unwrap_or_else(|| panic!("no address in {line:?}")).parse().unwrap(), child }
    }

    /// An answer on a connection of its own: the status, and JSON if it is some.
    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        ask(&mut TcpStream::connect(self.api).unwrap(), method, path, body)
    }

    /// Where a new proxy listens.
    fn proxy(&self, name: &str, upstream: SocketAddr) -> Result<SocketAddr, Value> {
        let spec = json!({"name": name, "listen": "127.0.0.1:0", "upstream": upstream.to_string()});
        match self.ask("POST", "/proxies", &spec.to_string()) {
            (201, proxy) => Ok(proxy["listen"].as_str().unwrap().parse().unwrap()),
            (_, refused) => Err(refused),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(conn: &mut TcpStream, method: &str, path: &str, body: &str) -> (u16, Value) {
    let length = body.len();
    write!(conn, "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}")
        .unwrap();
    let mut answer = String::new();
    conn.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unstuck"));
    command.arg("proxy").args(args);
    command
}

fn fails(args: &[&str], log_level: &str) -> String {
    let Output { status, stdout, stderr } = command(args).env("LOG_LEVEL", log_level).output().unwrap();
    assert_eq!((status.code(), &stdout[..]), (Some(4), &b""[..]), "{args:?}");
    String::from_utf8(stderr).unwrap()
}

fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for conn in listener.incoming() {
            let mut conn = conn.unwrap();
            std::thread::spawn(move || std::io::copy(&mut conn.try_clone().unwrap(), &mut conn));
        }
    });
    addr
}

fn say(conn: &mut TcpStream) {
    conn.write_all(b"hello").unwrap();
    conn.read_exact(&mut [0; 5]).unwrap();
}

#[test]
fn it_makes_what_the_file_says_and_ends_well_on_a_signal() {
    let node = echo();
    let folder = std::env::temp_dir().join(format!("unstuck-proxy-command-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("toxiproxy.json");
    let config = json!([
        {"name": "one", "listen": "127.0.0.1:0", "upstream": node.to_string()},
        {"name": "two", "listen": "127.0.0.1:0", "upstream": node.to_string(), "enabled": false},
    ]);
    std::fs::write(&file, config.to_string()).unwrap();
    for signal in ["-TERM", "-INT"] {
        let mut running =
            Running::start(command(&["--port", "0", "--config", file.to_str().unwrap(), "--proxy-metrics"]));
        let (_, proxies) = running.ask("GET", "/proxies", "");
        assert_eq!((&proxies["one"]["enabled"], &proxies["two"]["enabled"]), (&json!(true), &json!(false)));
        let proxy: SocketAddr = proxies["one"]["listen"].as_str().unwrap().parse().unwrap();
        let mut conn = TcpStream::connect(proxy).unwrap();
        say(&mut conn);
        assert_eq!(running.ask("GET", "/metrics", "").0, 200);
        let sent = Command::new("kill").args([signal, &running.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        assert_eq!(running.child.wait().unwrap().code(), Some(0), "{signal}");
        assert_eq!(conn.read(&mut [0; 8]).unwrap_or(0), 0, "its connections end with it");
    }
    std::fs::write(&file, "[{\"name\": \"one\"}]").unwrap();
    let path = file.to_str().unwrap();
    assert_eq!(
        fails(&["--config", path], "error"),
        format!("error: in `{path}`: missing required field: upstream at proxy 1\n")
    );
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap();
    std::fs::write(&file, json!([{"name": "one", "listen": at.to_string(), "upstream": "x:1"}]).to_string())
        .unwrap();
    assert_eq!(
        fails(&["--config", path], "error"),
        format!("error: in `{path}`: proxy 1: listen tcp {at}: bind: address already in use\n")
    );
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_it_cannot_do_is_said_and_it_ends() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = fails(&["--port", &port], "info");
    assert!(said.starts_with(&format!("error: the control API cannot have `127.0.0.1:{port}`: ")), "{said}");
    let said = fails(&["--config", "/nosuch/file.json"], "info");
    assert!(said.starts_with("error: cannot read `/nosuch/file.json`: "), "{said}");
    let said = fails(&["--host", "nosuchhost.invalid"], "info");
    assert!(said.starts_with("error: `--host nosuchhost.invalid` leads nowhere: "), "{said}");
    let said = fails(&["--port", "0"], "loud");
    assert_eq!(said, "error: LOG_LEVEL is `loud`, choose from trace, debug, info, warn, error, disabled\n");
    let version = command(&["--version"]).output().unwrap();
    assert!(String::from_utf8(version.stdout).unwrap().contains(env!("CARGO_PKG_VERSION")));
}

/// The program may have 96 file descriptors. Proxies take two each, connections two each, until there are no more.
#[test]
fn without_file_descriptors_it_says_so_and_goes_on() {
    let node = echo();
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 96; exec \"$0\" proxy --port 0", env!("CARGO_BIN_EXE_unstuck")]);
    let running = Running::start(shell);
    let first = running.proxy("first", node).unwrap();
    let mut early = TcpStream::connect(first).unwrap();
    say(&mut early);
    let refused = (0..96).find_map(|n| running.proxy(&format!("p{n}"), node).err()).unwrap();
    assert_eq!(refused["status"], 500);
    assert!(refused["error"].as_str().unwrap().ends_with("too many open files"), "{refused}");

    // clients that cannot be carried do not end those that are
    let late: Vec<_> = (0..20).map(|_| TcpStream::connect(first).unwrap()).collect();
    say(&mut early);
    // and the API can still be asked to make room
    assert_eq!(running.ask("GET", "/version", "").0, 200);
    assert_eq!(running.ask("POST", "/proxies/first/toxics", r#"{"type": "latency"}"#).0, 200);
    for n in 0..20 {
        assert_eq!(running.ask("DELETE", &format!("/proxies/p{n}"), "").0, 204);
    }
    drop(late);
    say(&mut early);
    let mut conn = TcpStream::connect(first).unwrap();
    say(&mut conn);
    let again = running.proxy("again", node).unwrap();
    say(&mut TcpStream::connect(again).unwrap());
}
