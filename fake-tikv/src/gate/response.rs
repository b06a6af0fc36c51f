//! A response's body on its way to the client.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::HeaderName;
use tokio::time::{Sleep, sleep};
use tonic::codegen::StdError as BoxError;

use super::flight::{Flight, Held, Side};
use super::frames::Frames;
use crate::journal::{CURRENT, Noted, Outcome};

/// How long a cut waits for what was let through before it: a reset stream drops what the connection has not sent.
const FLUSH: Duration = Duration::from_millis(10);

/// How a call has ended.
pub(super) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// A response's body that is counted, held and cut.
pub(crate) struct Answering {
    body: tonic::body::Body,
    flight: Arc<Flight>,
    noted: Noted,
    frames: Frames,
    held: Option<Box<Held>>,
    /// The call is being cut: when what passed has left.
    ending: Option<Pin<Box<Sleep>>>,
}

impl Answering {
    pub(super) fn new(body: tonic::body::Body, flight: Arc<Flight>, noted: Noted) -> Self {
        Self { body, flight, noted, frames: Frames::default(), held: None, ending: None }
    }

    /// Counts a chunk, and cuts off what may not pass. Returns how many messages end in it.
    fn take(&mut self, chunk: &mut Bytes) -> u64 {
        let left = self.flight.left(Side::Response);
        let most = usize::try_from(left.bytes).unwrap_or(usize::MAX).min(chunk.len());
        let (ends, got) = self.frames.advance(&chunk[..most], left.messages);
        let flow = self.flight.call.flow();
        flow.messages_out.fetch_add(ends, Ordering::Relaxed);
        flow.bytes_out.fetch_add(got as u64, Ordering::Relaxed);
        chunk.truncate(got);
        if ends == left.messages || got as u64 == left.bytes {
            self.flight.cut();
        }
        ends
    }
}

/// The outcome in the headers or trailers of a response.
pub(super) fn outcome(headers: &HeaderMap) -> Option<Outcome> {
    let status = headers.get(GRPC_STATUS)?;
    let code = status.to_str().ok().and_then(|code| code.parse().ok()).unwrap_or(2);
    Some(if code == 0 { Outcome::Ok } else { Outcome::Status(code) })
}

impl Body for Answering {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if let Some(ending) = &mut this.ending {
            ready!(ending.as_mut().poll(cx));
            return this.flight.end_cut().map(|error| Some(Err(error.into())));
        }
        if let Some(held) = &mut this.held {
            ready!(held.0.as_mut().poll(cx));
            let chunk = this.held.take().map(|held| Ok(Frame::data(held.1)));
            return Poll::Ready(chunk);
        }
        if this.flight.poll_cut(cx).is_ready() {
            this.ending = Some(Box::pin(sleep(FLUSH)));
            return self.poll_frame(cx);
        }
        let body = Pin::new(&mut this.body);
        let frame = match ready!(CURRENT.sync_scope(this.noted.clone(), || body.poll_frame(cx))) {
            Some(Ok(frame)) => frame,
            Some(Err(status)) => return Poll::Ready(Some(Err(status.into()))),
            None => return Poll::Ready(None),
        };
        if let Some(outcome) = frame.trailers_ref().and_then(outcome) {
            this.flight.call.ended(outcome);
        }
        let mut chunk = match frame.into_data() {
            Ok(chunk) => chunk,
            Err(frame) => return Poll::Ready(Some(Ok(frame))),
        };
        if this.take(&mut chunk) > 0
            && let Some(hold) = this.flight.hold(Side::Response)
        {
            this.held = Some(Box::new((hold, chunk)));
            return self.poll_frame(cx);
        }
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_none() && self.ending.is_none() && self.body.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
