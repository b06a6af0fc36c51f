//! Knows which frames have really left through the socket, and what came in.
//!
//! ```text
//!   h2 ──poll_write──► Wire ──► socket      HEADERS of stream n has begun to leave; DATA of stream n gives quota back
//!   h2 ◄─poll_read──── Wire ◄── socket      SETTINGS arrived; GOAWAY(last stream); something was read; EOF, error
//! ```
//!
//! h2 cannot tell whether a stream that died with its connection had left, and that is what decides
//! between `Unavailable` and a transparent retry.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::scan::{Event, Kind, Scanner};

const PREFACE: usize = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();

/// A socket whose frames are watched.
#[derive(Debug)]
pub(super) struct Wire<Io> {
    io: Io,
    outbound: Scanner,
    inbound: Scanner,
    seen: Seen,
}

/// What was seen on a [`Wire`]. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Seen(Arc<Mutex<Facts>>);

#[derive(Debug)]
pub(super) struct Facts {
    /// The highest stream whose HEADERS has begun to leave; a client's streams leave in the order of their ids.
    pub(super) headers_left: u32,
    /// DATA that has begun to leave since the last look: stream, bytes.
    pub(super) data_left: Vec<(u32, u32)>,
    /// The peer's first SETTINGS is here.
    pub(super) settings: bool,
    /// The last GOAWAY's last stream.
    pub(super) goaway: Option<u32>,
    /// When bytes last came in; the start, if never.
    pub(super) last_read: Instant,
    /// Why nothing more will come or go.
    pub(super) broken: Option<String>,
}

impl Seen {
    pub(super) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Io> Wire<Io> {
    pub(super) fn new(io: Io) -> (Self, Seen) {
        let seen = Seen(Arc::new(Mutex::new(Facts {
            headers_left: 0,
            data_left: vec![],
            settings: false,
            goaway: None,
            last_read: Instant::now(),
            broken: None,
        })));
        let wire =
            Self { io, outbound: Scanner::after(PREFACE), inbound: Scanner::after(0), seen: seen.clone() };
        (wire, seen)
    }
    fn came(&mut self, bytes: &[u8]) {
        let mut facts = self.seen.facts();
        if bytes.is_empty() {
            facts.broken.get_or_insert_with(|| "error reading from server: EOF".to_owned());
            return;
        }
        facts.last_read = Instant::now();
        self.inbound.scan(bytes, |event| match event {
            Event::Ended(Kind::Settings, _) => facts.settings = true,
            Event::Ended(Kind::GoAway, [a, b, c, d, ..]) => {
                facts.goaway = Some(u32::from_be_bytes([a & 0x7f, b, c, d]));
            }
            _ => {}
        });
    }
    fn went(&mut self, bytes: &[u8]) {
        let mut facts = self.seen.facts();
        self.outbound.scan(bytes, |event| match event {
            Event::Begun(Kind::Headers, stream, _) => facts.headers_left = facts.headers_left.max(stream),
            Event::Begun(Kind::Data, stream, length) => facts.data_left.push((stream, length)),
            _ => {}
        });
    }
    fn failed(&self, doing: &str, error: &io::Error) {
        let why = super::dial::plain(error);
        self.seen.facts().broken.get_or_insert_with(|| format!("error {doing} server: {why}"));
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Wire<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let result = ready!(Pin::new(&mut self.io).poll_read(cx, buf));
        match &result {
            Ok(()) => self.came(&buf.filled()[before..]),
            Err(error) => self.failed("reading from", error),
        }
        Poll::Ready(result)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Wire<Io> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.io).poll_write(cx, buf));
        match &result {
            Ok(taken) => self.went(&buf[..*taken]),
            Err(error) => self.failed("writing to", error),
        }
        Poll::Ready(result)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn headers_have_left_once_the_socket_took_their_frame_head() {
        // A pipe of 30 bytes takes the preface and six bytes of the head of HEADERS on stream 5.
        let (near, mut far) = tokio::io::duplex(30);
        let (mut wire, seen) = Wire::new(near);
        let mut bytes = vec![b'x'; PREFACE];
        bytes.extend([0, 0, 1, 1, 4, 0, 0, 0, 5, 0x82]);
        bytes.extend([0, 0, 2, 0, 0, 0, 0, 0, 5, 7, 7]);
        let sender = tokio::spawn(async move { wire.write_all(&bytes).await.map(|()| wire) });
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert_eq!(seen.facts().headers_left, 0);
        let mut rest = vec![0; PREFACE + 21];
        far.read_exact(&mut rest).await.unwrap();
        sender.await.unwrap().unwrap();
        assert_eq!(seen.facts().headers_left, 5);
        assert_eq!(seen.facts().data_left, [(5, 2)]);
    }

    #[tokio::test(start_paused = true)]
    async fn settings_goaway_and_the_end_are_seen_coming_in() {
        let (near, mut far) = tokio::io::duplex(1024);
        let (mut wire, seen) = Wire::new(near);
        far.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
        far.write_all(&[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0]).await.unwrap();
        drop(far);
        wire.read_to_end(&mut vec![]).await.unwrap();
        let facts = seen.facts();
        assert!(facts.settings);
        assert_eq!(facts.goaway, Some(9));
        assert_eq!(facts.broken.as_deref(), Some("error reading from server: EOF"));
    }
}
