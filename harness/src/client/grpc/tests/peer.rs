//! A peer that is scripted frame by frame.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use unstuck_net::{Conn, Listener};

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

/// A connection from a client.
pub(super) struct Peer(pub(super) Conn);

impl Peer {
    /// Accepts, greets, and reads the client's greeting up to its ACK of our SETTINGS.
    pub(super) async fn accept(listener: &mut Listener) -> Self {
        let mut peer = Self::silent(listener).await;
        peer.send(SETTINGS, 0, 0, &[]).await;
        while peer.next().await.is_some_and(|frame| frame.kind != SETTINGS || frame.flags == 0) {}
        peer
    }
    /// Accepts and reads the preface; sends nothing.
    pub(super) async fn silent(listener: &mut Listener) -> Self {
        let (mut conn, _from) = listener.accept().await.unwrap();
        let mut preface = [0; 24];
        conn.read_exact(&mut preface).await.unwrap();
        Self(conn)
    }
    /// The next frame; `None` once the client is gone.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.ok()?;
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, &byte| number << 8 | u32::from(byte));
        let mut payload = vec![0; number(&head[..3]) as usize];
        self.0.read_exact(&mut payload).await.ok()?;
        Some(Frame { kind: head[3], flags: head[4], stream: number(&head[5..]), payload })
    }
    /// The next frame of a stream, other than window updates.
    pub(super) async fn next_of_stream(&mut self) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if matches!(frame.kind, DATA | HEADERS | RST) {
                return Some(frame);
            }
        }
    }
    pub(super) async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let [_, a, b, c] = (payload.len() as u32).to_be_bytes();
        let mut bytes = vec![a, b, c, kind, flags];
        bytes.extend(stream.to_be_bytes());
        bytes.extend(payload);
        self.0.write_all(&bytes).await.unwrap();
    }
    /// `:status: 200` and the content type.
    pub(super) async fn answer_headers(&mut self, stream: u32) {
        let mut block = vec![0x88];
        block.extend(field("content-type", "application/grpc"));
        self.send(HEADERS, END_HEADERS, stream, &block).await;
    }
    pub(super) async fn answer_ok(&mut self, stream: u32) {
        self.send(HEADERS, END_HEADERS | END_STREAM, stream, &field("grpc-status", "0")).await;
    }
    /// Resets the connection.
    pub(super) fn reset(self) {
        self.0.reset_on_drop();
    }
}

/// A header field in HPACK, literal without indexing.
pub(super) fn field(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0, name.len() as u8];
    bytes.extend(name.bytes());
    bytes.push(value.len() as u8);
    bytes.extend(value.bytes());
    bytes
}

/// A message with its prefix.
pub(super) fn framed(message: &Vec<u8>) -> Vec<u8> {
    super::super::framing::encode(message).unwrap().to_vec()
}
