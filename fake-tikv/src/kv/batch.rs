//! `BatchCommands`: many commands on one stream.
//!
//! ```text
//! batch ──► left ──► running ──► answers that are ready, together
//!        as they come     each on its own, in any order
//! ```
//!
//! The stream does the work itself: while the client takes no answers and much has piled up on the connection, no further
//! command begins; when it is dropped, what still waits is dropped too.

use std::iter::Zip;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use std::vec::IntoIter;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, Stream};
use tonic::{Status, Streaming};

use super::Store;
use crate::proto::tikvpb::batch_commands_request::Request;
pub(super) use crate::proto::tikvpb::batch_commands_request::request::Cmd as Asked;
use crate::proto::tikvpb::batch_commands_response::Response;
pub(super) use crate::proto::tikvpb::batch_commands_response::response::Cmd as Answered;
use crate::proto::tikvpb::{
    BatchCommandsEmptyRequest, BatchCommandsEmptyResponse, BatchCommandsRequest, BatchCommandsResponse,
};

/// Commands of a stream that run at once; the next are not read before one of them ends. Far more than wait for locks in
/// any real client, because whoever releases those may come on the same stream.
const RUNNING: usize = 8192;
/// Answers that leave together at most; TiKV's number.
const TOGETHER: usize = 128;
/// What is shorter, TiKV does not wait for.
const SHORTEST_DELAY_MS: u64 = 10;

/// One stream of batches, as the stream of its answers.
pub(super) struct Batches {
    store: Arc<Store>,
    requests: Streaming<BatchCommandsRequest>,
    /// Whether more requests may come.
    open: bool,
    /// Of the last batch, what has not begun.
    left: Zip<IntoIter<u64>, IntoIter<Request>>,
    running: FuturesUnordered<BoxFuture<'static, Result<(u64, Response), Status>>>,
}

impl Batches {
    pub(super) fn new(store: Arc<Store>, requests: Streaming<BatchCommandsRequest>) -> Self {
        let left = Vec::new().into_iter().zip(Vec::new());
        Self { store, requests, open: true, left, running: FuturesUnordered::new() }
    }

    /// Begins what has come.
    fn begin(&mut self, cx: &mut Context<'_>) {
        while self.running.len() < RUNNING {
            if let Some((id, request)) = self.left.next() {
                let Some(asked) = request.cmd else {
                    self.running.push(Box::pin(std::future::ready(Ok((id, Response::default())))));
                    continue;
                };
                let answer = self.store.in_batch(asked);
                self.running.push(Box::pin(async move { Ok((id, Response { cmd: Some(answer.await?) })) }));
            } else if self.open {
                match Pin::new(&mut self.requests).poll_next(cx) {
                    // without its id a command cannot be answered
                    Poll::Ready(Some(Ok(batch))) => {
                        self.left = batch.request_ids.into_iter().zip(batch.requests);
                    }
                    // what cannot be read ends the requests; what runs is still answered
                    Poll::Ready(None | Some(Err(_))) => self.open = false,
                    Poll::Pending => return,
                }
            } else {
                return;
            }
        }
    }
}

impl Stream for Batches {
    type Item = Result<BatchCommandsResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.begin(cx);
        let mut answer = BatchCommandsResponse::default();
        while answer.responses.len() < TOGETHER {
            match Pin::new(&mut self.running).poll_next(cx) {
                Poll::Ready(Some(Ok((id, response)))) => {
                    answer.request_ids.push(id);
                    answer.responses.push(response);
                }
                // a command alone would fail; in a batch only the stream can
                Poll::Ready(Some(Err(status))) => {
                    self.open = false;
                    self.left = Vec::new().into_iter().zip(Vec::new());
                    self.running.clear();
                    return Poll::Ready(Some(Err(status)));
                }
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        if !answer.responses.is_empty() {
            Poll::Ready(Some(Ok(answer)))
        } else if self.open || !self.running.is_empty() {
            Poll::Pending
        } else {
            Poll::Ready(None)
        }
    }
}

/// The command that does nothing, after a while.
pub(super) async fn empty(request: BatchCommandsEmptyRequest) -> Answered {
    let BatchCommandsEmptyRequest { test_id, delay_time } = request;
    if delay_time >= SHORTEST_DELAY_MS {
        tokio::time::sleep(Duration::from_millis(delay_time)).await;
    }
    Answered::Empty(BatchCommandsEmptyResponse { test_id })
}
