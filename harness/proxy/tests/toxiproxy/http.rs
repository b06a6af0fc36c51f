//! One request, one answer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Far beyond any bound of either server.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) body: String,
}

/// Asks over HTTP/1.0, so that the answer comes in one piece and ends with its connection. `headers` are lines.
pub(crate) fn ask(
    at: SocketAddr,
    method: &str,
    path: &str,
    headers: &[&str],
    body: impl AsRef<[u8]>,
) -> Answer {
    let body = body.as_ref();
    let (first, length) = (format!("{method} {path} HTTP/1.0"), format!("Content-Length: {}", body.len()));
    let host = format!("Host: {at}");
    let hosts = if headers.iter().any(|line| line.starts_with("Host:")) { vec![] } else { vec![&host[..]] };
    let head = [&[&first[..], &length], &hosts[..], headers, &["", ""]].concat().join("\r\n");
    let mut conn = TcpStream::connect(at).unwrap();
    conn.set_read_timeout(Some(PATIENCE)).unwrap();
    // a server may answer and hang up before it has read all
    let _refused_early = conn.write_all(&[head.as_bytes(), body].concat());
    let mut answer = String::new();
    conn.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let content_type = lines.find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-type").then(|| value.to_owned())
    });
    Answer { status, content_type, body: body.to_owned() }
}
