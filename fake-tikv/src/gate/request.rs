//! A request's body on its way to the handler.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::flight::{Flight, Held, Side};
use super::frames::Frames;
use crate::journal::Outcome;

/// A request's body that is counted, held and cut.
pub(crate) struct Asking<B> {
    body: B,
    flight: Arc<Flight>,
    frames: Frames,
    held: Option<Box<Held>>,
    /// The handler gets nothing more: the call is about to end.
    cut: bool,
}

impl<B> Asking<B> {
    pub(super) fn new(body: B, flight: Arc<Flight>) -> Self {
        Self { body, flight, frames: Frames::default(), held: None, cut: false }
    }

    /// Counts a chunk, and cuts off what may not pass. Returns how many messages end in it.
    fn take(&mut self, chunk: &mut Bytes) -> u64 {
        let left = self.flight.left(Side::Request);
        let most = usize::try_from(left.bytes).unwrap_or(usize::MAX).min(chunk.len());
        let (ends, got) = self.frames.advance(&chunk[..most], left.messages);
        let flow = self.flight.call.flow();
        flow.messages_in.fetch_add(ends, Ordering::Relaxed);
        flow.bytes_in.fetch_add(got as u64, Ordering::Relaxed);
        chunk.truncate(got);
        if ends == left.messages || got as u64 == left.bytes {
            self.cut = true;
        }
        ends
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Asking<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        if let Some(held) = &mut this.held {
            ready!(held.0.as_mut().poll(cx));
            let chunk = this.held.take().map(|held| Ok(Frame::data(held.1)));
            return Poll::Ready(chunk);
        }
        if this.cut {
            this.flight.cut();
            return Poll::Pending;
        }
        let frame = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                // the stream is gone; whatever the handler says of it goes nowhere
                this.flight.call.ended(Outcome::Gone);
                return Poll::Ready(Some(Err(error)));
            }
            None => return Poll::Ready(None),
        };
        let mut chunk = match frame.into_data() {
            Ok(chunk) => chunk,
            Err(frame) => return Poll::Ready(Some(Ok(frame))),
        };
        if this.take(&mut chunk) > 0
            && let Some(hold) = this.flight.hold(Side::Request)
        {
            this.held = Some(Box::new((hold, chunk)));
            return self.poll_frame(cx);
        }
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_none() && !self.cut && self.body.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
