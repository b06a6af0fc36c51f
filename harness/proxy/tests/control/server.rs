//! A server with its API, a node, and a client of both.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::Runtime;
use unstuck_net::Net;
use unstuck_net::tcp::{TcpConfig, TcpNet};
use unstuck_proxy::control::{Control, Exported, Limits};
use unstuck_proxy::registry::Registry;

use crate::http::ask;

/// Longer than anything healthy takes; nothing that is asserted depends on its length.
const SOON: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    control: Control,
    pub(crate) net: Net,
    pub(crate) registry: Registry,
    pub(crate) runtime: Runtime,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let net = net();
        let registry = runtime.block_on(async { Registry::new(&net, 1, Arc::new(|_| {})) });
        let exported = Exported { proxies: true, runtime: true };
        let at = SocketAddr::from(([127, 0, 0, 1], 0));
        let control = Control::start(registry.clone(), at, exported, limits, Arc::new(|_| {})).unwrap();
        Self { control, net, registry, runtime }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.control.addr()
    }

    /// The status and the JSON of an answer; what is no JSON is a string.
    pub(crate) fn ask(&self, method: &str, path: &str, body: impl AsRef<str>) -> (u16, Value) {
        self.ask_bytes(method, path, body.as_ref().as_bytes())
    }

    pub(crate) fn ask_bytes(&self, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
        let answer = ask(self.addr(), method, path, &[], body);
        let json = serde_json::from_str(&answer.body).unwrap_or(Value::String(answer.body));
        (answer.status, json)
    }

    /// A proxy to `upstream`, and where it listens.
    pub(crate) fn proxy(&self, name: &str, upstream: impl std::fmt::Display) -> SocketAddr {
        let spec =
            serde_json::json!({"name": name, "listen": "127.0.0.1:0", "upstream": upstream.to_string()});
        let (status, proxy) = self.ask("POST", "/proxies", spec.to_string());
        assert_eq!(status, 201, "{proxy}");
        proxy["listen"].as_str().unwrap().parse().unwrap()
    }

    /// Adds a toxic that must be taken.
    pub(crate) fn toxic(&self, proxy: &str, toxic: &str) -> Value {
        let (status, toxic) = self.ask("POST", &format!("/proxies/{proxy}/toxics"), toxic);
        assert_eq!(status, 200, "{toxic}");
        toxic
    }
}

pub(crate) fn net() -> Net {
    Net::Tcp(TcpNet::new(TcpConfig { buffer: None }))
}

/// A node that says what it hears.
pub(crate) fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for conn in listener.incoming() {
            let mut conn = conn.unwrap();
            std::thread::spawn(move || {
                let mut back = conn.try_clone().unwrap();
                let _ends = std::io::copy(&mut conn, &mut back);
                let _gone = back.shutdown(std::net::Shutdown::Write);
            });
        }
    });
    addr
}

/// A connection that was seen to work.
pub(crate) fn open(proxy: SocketAddr) -> TcpStream {
    let mut conn = TcpStream::connect(proxy).unwrap();
    conn.set_read_timeout(Some(SOON)).unwrap();
    say(&mut conn);
    conn
}

/// A connection's task counts what it has moved, and a client may see it before it is counted: looks until it is.
#[track_caller]
pub(crate) fn counted<T: PartialEq + std::fmt::Debug>(look: impl Fn() -> T, expected: &T) {
    let start = tokio::time::Instant::now();
    loop {
        let is = look();
        if is == *expected {
            return;
        }
        assert!(start.elapsed() < SOON, "it is {is:?}, and not {expected:?}");
        std::thread::yield_now();
    }
}

/// Five bytes there, and back.
pub(crate) fn say(conn: &mut TcpStream) {
    conn.write_all(b"hello").unwrap();
    let mut said = [0; 5];
    conn.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"hello");
}
