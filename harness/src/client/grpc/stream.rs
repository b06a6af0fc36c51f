//! One stream on one connection, as the transport sees it: what it may send, what came in, how it ended.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use h2::{FlowControl, Reason, SendStream};
use prost::Message;
use tokio::sync::Notify;
use tonic::Status;

use super::framing::Decoder;
use super::link::Link;
use super::quota::Permit;
use super::status::End;
use crate::probe::{Site, wait};

/// grpc-go's write quota of a stream: so much may wait for the transport before `SendMsg` blocks.
const WRITE_QUOTA: isize = 64 << 10;

/// A stream. The connection's table holds it until the stream ends, whoever else lets go of it.
#[derive(Debug)]
pub(super) struct Stream {
    link: Link,
    state: Mutex<State>,
    /// Wakes the one caller that reads, writes or waits for the end.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    /// h2 resets a stream whose handles drop, so they stay here until the end.
    handles: Option<Handles>,
    write_quota: isize,
    half_closed: bool,
    headers: bool,
    inbox: VecDeque<Bytes>,
    end: Option<End>,
}

#[derive(Debug)]
struct Handles {
    send: SendStream<Bytes>,
    receive: Option<FlowControl>,
    _permit: Permit,
}

/// The stream takes no more messages.
#[derive(Debug)]
pub(super) struct Done;

impl Stream {
    pub(super) fn new(link: Link, send: SendStream<Bytes>, permit: Permit) -> Self {
        Self {
            link,
            state: Mutex::new(State {
                handles: Some(Handles { send, receive: None, _permit: permit }),
                write_quota: WRITE_QUOTA,
                half_closed: false,
                headers: false,
                inbox: VecDeque::new(),
                end: None,
            }),
            changed: Notify::new(),
        }
    }

    // === the caller's side

    /// Hands a framed message to the transport. Waits while the write quota is used up; a message larger than
    /// what is left of it goes all the same, as in Go.
    pub(super) async fn write(&self, frame: &Bytes, last: bool) -> Result<(), Done> {
        if let Some(result) = self.try_write(frame, last) {
            return result;
        }
        wait(self.link.site("SendMsg/flow"), async {
            loop {
                self.changed.notified().await;
                if let Some(result) = self.try_write(frame, last) {
                    return result;
                }
            }
        })
        .await
    }
    fn try_write(&self, frame: &Bytes, last: bool) -> Option<Result<(), Done>> {
        let mut state = self.state();
        if state.end.is_some() || state.half_closed {
            return Some(Err(Done));
        }
        if state.write_quota <= 0 {
            return None;
        }
        let handles = state.handles.as_mut()?;
        // h2 may know before us that the stream is over: then the end is on its way here.
        handles.send.send_data(frame.clone(), last).ok()?;
        state.write_quota = state.write_quota.saturating_sub_unsigned(frame.len());
        state.half_closed = last;
        Some(Ok(()))
    }
    /// Sends `END_STREAM` after what is queued. Nothing to report: how the stream ends, reading tells.
    pub(super) fn half_close(&self) {
        let mut state = self.state();
        if !state.half_closed {
            state.half_closed = true;
            if let Some(handles) = &mut state.handles {
                let _over_already = handles.send.send_data(Bytes::new(), true);
            }
        }
    }
    /// Waits until response headers are here, or the stream has ended.
    pub(super) async fn wait_on_header(&self, site: &'static str, idle: bool) {
        if !self.has_headers_or_end() {
            wait(self.site(site, idle), async {
                while !self.has_headers_or_end() {
                    self.changed.notified().await;
                }
            })
            .await;
        }
    }
    /// The next message through `decoder`; `None` at a clean end.
    pub(super) async fn read<M: Message + Default>(
        &self,
        decoder: &mut Decoder,
        idle: bool,
    ) -> Result<Option<M>, Status> {
        if let Some(result) = self.try_read(decoder) {
            return result;
        }
        wait(self.site("RecvMsg/message", idle), async {
            loop {
                self.changed.notified().await;
                if let Some(result) = self.try_read(decoder) {
                    return result;
                }
            }
        })
        .await
    }
    fn site(&self, name: &'static str, idle: bool) -> Site {
        let site = self.link.site(name);
        if idle { site.idle() } else { site }
    }
    fn try_read<M: Message + Default>(&self, decoder: &mut Decoder) -> Option<Result<Option<M>, Status>> {
        loop {
            match decoder.next() {
                Ok(None) => {}
                other => return Some(other),
            }
            let mut state = self.state();
            let Some(chunk) = state.inbox.pop_front() else {
                return match state.end.as_ref()?.error() {
                    None if decoder.is_partial() => Some(Err(Status::internal("unexpected EOF"))),
                    None => Some(Ok(None)),
                    Some(status) => Some(Err(status)),
                };
            };
            if let Some(window) = state.handles.as_mut().and_then(|handles| handles.receive.as_mut()) {
                let _stream_over = window.release_capacity(chunk.len());
            }
            drop(state);
            decoder.push(&chunk);
        }
    }
    /// How it ended; waits for it. Only for a stream that is known to be over.
    pub(super) async fn ended(&self) -> End {
        loop {
            if let Some(end) = self.end() {
                return end;
            }
            self.changed.notified().await;
        }
    }
    /// How it ended, if it has.
    pub(super) fn end(&self) -> Option<End> {
        self.state().end.clone()
    }
    /// Whether response headers arrived.
    pub(super) fn has_headers(&self) -> bool {
        self.state().headers
    }
    fn has_headers_or_end(&self) -> bool {
        let state = self.state();
        state.headers || state.end.is_some()
    }

    // === the transport's side

    /// So much DATA has begun to leave.
    pub(super) fn left(&self, bytes: u32) {
        let mut state = self.state();
        let before = state.write_quota;
        state.write_quota = state.write_quota.saturating_add_unsigned(bytes as usize);
        if before <= 0 && state.write_quota > 0 {
            drop(state);
            self.changed.notify_one();
        }
    }
    /// Response headers arrived; what follows is acknowledged through `window` as it is read.
    pub(super) fn headers_came(&self, window: FlowControl) {
        let mut state = self.state();
        state.headers = true;
        if let Some(handles) = &mut state.handles {
            handles.receive = Some(window);
        }
        drop(state);
        self.changed.notify_one();
    }
    /// DATA arrived. The stream's window bounds what piles up here.
    pub(super) fn data_came(&self, chunk: Bytes) {
        self.state().inbox.push_back(chunk);
        self.changed.notify_one();
    }
    /// It has ended. A first end stays. Without `reset`, an end before our half-close tells the server `NO_ERROR`.
    pub(super) fn finish(&self, end: End, reset: Option<Reason>) {
        let mut state = self.state();
        if state.end.is_some() {
            return;
        }
        state.end = Some(end);
        let handles = state.handles.take();
        let reset = reset.or_else(|| (!state.half_closed).then_some(Reason::NO_ERROR));
        drop(state);
        self.changed.notify_one();
        if let Some(Handles { mut send, receive, _permit: permit }) = handles {
            if let Some(reason) = reset {
                send.send_reset(reason);
            }
            drop((send, receive));
            drop(permit);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
