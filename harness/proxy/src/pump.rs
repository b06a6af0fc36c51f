//! Both directions of a connection, and how its ends show from one side on the other.
//!
//! ```text
//!            ┌── up lane ──►┐
//!   client ──┤              ├── node        FIN goes through its own lane and leaves the other one open.
//!            └◄── down lane ┘               RST goes through its own lane and then ends both sides by RST.
//! ```

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::time::Instant;
use unstuck_net::Conn;

use crate::gate::Gate;
use crate::lane::{Lane, Moved, Step};
use crate::toxic::h2::session::Session;
use crate::toxic::h2::watched::Watched;
use crate::toxic::stage::{End, Stages};
use crate::toxic::{InForce, Kind, Meeting};

/// A connection whose senders have been silent for so long is quiet: some round trips of either world.
const QUIET: Duration = Duration::from_millis(50);
/// A sender that never falls silent is not listened to for longer.
const LONGEST_DRAIN: Duration = Duration::from_secs(5);

/// Both sides and what is between them.
#[derive(Debug)]
pub(crate) struct Pump {
    client: Conn,
    node: Conn,
    up: Lane,
    down: Lane,
    node_finished_first: bool,
    /// If it is read as HTTP/2, or was to be.
    http2: Option<Session>,
    /// Something may have passed.
    begun: bool,
}

/// How a connection ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    ClientClosed,
    NodeClosed,
    ClientReset,
    NodeReset,
    ToxicClosed,
    ToxicReset,
    /// A toxic has taken the node away.
    HalfOpen,
}

impl Pump {
    pub(crate) fn new(client: Conn, node: Conn, up: Lane, down: Lane) -> Self {
        Self { client, node, up, down, node_finished_first: false, http2: None, begun: false }
    }

    /// From now on these gates are in the way, and none before them.
    pub(crate) fn obey(&mut self, up: &Arc<Gate>, down: &Arc<Gate>) {
        self.up.obey(up);
        self.down.obey(down);
    }

    /// Reads the connection as HTTP/2, if nothing has passed yet. `streams` is told of what is found.
    pub(crate) fn read_http2(&mut self, streams: &Arc<Watched>) -> &Session {
        self.http2.get_or_insert_with(|| {
            let session = Session::new(Arc::clone(streams));
            if self.begun {
                session.comes_too_late();
            } else {
                let [up, down] = session.stages();
                self.up.chain().lead(up);
                self.down.chain().lead(down);
            }
            session
        })
    }

    /// From now on these toxics are in the way, and none before them. `meeting` says what each finds here.
    pub(crate) fn meet(
        &mut self,
        toxics: &[Arc<InForce>],
        streams: &Arc<Watched>,
        meeting: impl Fn(u64) -> Meeting,
    ) {
        let now = Instant::now();
        for lane in [&mut self.up, &mut self.down] {
            lane.chain().keep(toxics, now);
        }
        if self.http2.is_some() || toxics.iter().any(|toxic| matches!(toxic.toxic.kind, Kind::H2(_))) {
            self.read_http2(streams).meet(toxics, now);
        }
        for toxic in toxics {
            if self.up.chain().has(toxic.id) || self.down.chain().has(toxic.id) {
                continue;
            }
            let Stages { up, down } = toxic.toxic.stages(&meeting(toxic.id));
            for (stage, lane) in [(up, &mut self.up), (down, &mut self.down)] {
                if let Some(stage) = stage {
                    lane.chain().add(toxic, stage, now);
                }
            }
        }
    }

    /// Moves what can be moved; ready when the connection has ended. Then it is over by [`Pump::close`], or, if
    /// a side was reset, by [`Pump::reset`].
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        self.begun = true;
        loop {
            let mut again = false;
            match self.up.poll(cx, &mut self.client, &mut self.node) {
                Poll::Ready(Step::SenderReset) => return Poll::Ready(Ended::ClientReset),
                Poll::Ready(Step::ReceiverGone) => self.down.sender_is_gone(),
                Poll::Ready(Step::Toxic(end)) => return Poll::Ready(by_toxic(end)),
                Poll::Ready(Step::Finished) | Poll::Pending => {}
            }
            match self.down.poll(cx, &mut self.node, &mut self.client) {
                Poll::Ready(Step::SenderReset) => return Poll::Ready(Ended::NodeReset),
                Poll::Ready(Step::ReceiverGone) => {
                    self.up.sender_is_gone();
                    again = true;
                }
                Poll::Ready(Step::Toxic(end)) => return Poll::Ready(by_toxic(end)),
                Poll::Ready(Step::Finished) | Poll::Pending => {}
            }
            again |= self.http2.as_ref().is_some_and(Session::rings_upstream);
            self.node_finished_first |= self.down.sender_has_finished() && !self.up.sender_has_finished();
            match (self.up.sender_was_reset(), self.down.sender_was_reset()) {
                // Nobody is left to be told, whatever the gates say.
                (true, true) => return Poll::Ready(Ended::ClientReset),
                _ if self.up.is_finished() && self.down.is_finished() => {
                    let by_node = self.node_finished_first;
                    return Poll::Ready(if by_node { Ended::NodeClosed } else { Ended::ClientClosed });
                }
                _ if !again => return Poll::Pending,
                _ => {}
            }
        }
    }

    /// Bytes that either side has sent and the other has not got, up and down.
    pub(crate) fn held(&self) -> usize {
        self.up.held() + self.down.held()
    }

    /// Bytes handed on since the last call, up and down.
    pub(crate) fn take_moved(&mut self) -> (Moved, Moved) {
        (self.up.take_moved(), self.down.take_moved())
    }

    /// Ends both sides as a dying process does: RST if something of theirs was not taken, else FIN.
    pub(crate) fn close(self) {
        if self.up.held() > 0 {
            self.client.reset_on_drop();
        }
        if self.down.held() > 0 {
            self.node.reset_on_drop();
        }
    }

    /// RST to both sides.
    pub(crate) fn reset(self) {
        self.client.reset_on_drop();
        self.node.reset_on_drop();
    }

    /// Closes the node's end, and leaves the client's.
    pub(crate) fn cut(self) -> Conn {
        self.client
    }

    /// FIN to both sides at once. Then what they still say is discarded for a moment: an RST in answer to it might
    /// overtake the last bytes.
    pub(crate) async fn bid_farewell(mut self) {
        self.send_fins().await;
        self.drain(|_| {}).await;
    }

    /// Discards what there is until both senders have been quiet for a moment (bounded), then sends FIN to both.
    /// `discarded` is told how many bytes.
    pub(crate) async fn drain(mut self, discarded: impl Fn(usize)) {
        let end = tokio::time::sleep(LONGEST_DRAIN);
        tokio::pin!(end);
        loop {
            tokio::select! {
                biased;
                () = &mut end => break,
                count = std::future::poll_fn(|cx| self.poll_discard(cx)) => discarded(count),
                () = tokio::time::sleep(QUIET) => break,
            }
        }
        self.send_fins().await;
    }

    async fn send_fins(&mut self) {
        for side in [&mut self.client, &mut self.node] {
            let _a_reset_side_needs_no_fin = side.shutdown().await;
        }
    }

    /// Ready with how much was thrown away, as soon as there was something.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<usize> {
        let mut count = 0;
        for side in [&mut self.client, &mut self.node] {
            let mut space = [0; 4 << 10];
            let mut buf = ReadBuf::new(&mut space);
            while let Poll::Ready(Ok(())) = std::pin::Pin::new(&mut *side).poll_read(cx, &mut buf) {
                if buf.filled().is_empty() {
                    break;
                }
                count += buf.filled().len();
                buf.clear();
            }
        }
        if count > 0 { Poll::Ready(count) } else { Poll::Pending }
    }
}

fn by_toxic(end: End) -> Ended {
    match end {
        End::Fin | End::Close => Ended::ToxicClosed,
        End::Rst | End::Reset => Ended::ToxicReset,
        End::HalfOpen => Ended::HalfOpen,
    }
}
