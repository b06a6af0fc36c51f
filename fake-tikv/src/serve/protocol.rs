//! Which protocol a connection speaks.
//!
//! A PD port answers whoever connects first with nothing: it reads until the bytes tell HTTP/2 (by its preface) from
//! anything else, which is for HTTP/1 to answer or to refuse.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use unstuck_net::Conn;

/// What a client of HTTP/2 says first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Reads until it is clear which protocol this is; returns what was read.
pub(super) async fn protocol_of(conn: &mut Conn) -> io::Result<(Protocol, Bytes)> {
    let mut first = BytesMut::with_capacity(1 << 10);
    loop {
        if conn.read_buf(&mut first).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(protocol) = protocol(&first) {
            return Ok((protocol, first.freeze()));
        }
    }
}

/// `None` while it could be either.
fn protocol(first: &[u8]) -> Option<Protocol> {
    if first.starts_with(PREFACE) {
        Some(Protocol::Http2)
    } else if PREFACE.starts_with(first) {
        None
    } else {
        Some(Protocol::Http1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_preface_is_http2_and_its_beginning_is_not_known_yet() {
        for n in 0..PREFACE.len() {
            assert_eq!(protocol(&PREFACE[..n]), None, "{n}");
        }
        assert_eq!(protocol(&[PREFACE, b"\0\0\0"].concat()), Some(Protocol::Http2));
        for other in [&b"GET / HTTP/1.1"[..], b"PRI * HTTP/1", b"POST", b"\x16\x03\x01", b"\0"] {
            assert_eq!(protocol(other), Some(Protocol::Http1), "{other:?}");
        }
    }
}
