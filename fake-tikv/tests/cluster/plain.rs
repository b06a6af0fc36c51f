//! A client of HTTP/1 in plain bytes.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use unstuck_net::Net;

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The head, in lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// Says something on a connection of its own and hears all that comes until its end; nothing where that is a reset.
pub(crate) async fn say(net: &Net, addr: SocketAddr, bytes: &[u8]) -> String {
    let mut conn = net.connect(addr).await.unwrap();
    conn.write_all(bytes).await.unwrap();
    let mut heard = Vec::new();
    let _ = conn.read_to_end(&mut heard).await;
    String::from_utf8_lossy(&heard).into_owned()
}

/// One request with more headers and a body, where there are any.
pub(crate) async fn ask(net: &Net, addr: SocketAddr, line: &str, headers: &str, body: &str) -> Reply {
    let n = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\nContent-Length: {n}\r\n{headers}\r\n{body}"
    );
    let all = say(net, addr, request.as_bytes()).await;
    let (head, body) = all.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {all:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Reply { status, head: head.to_lowercase(), body: body.to_owned() }
}

pub(crate) async fn get(net: &Net, addr: SocketAddr, path: &str) -> Reply {
    ask(net, addr, &format!("GET {path}"), "", "").await
}
