//! One stream of timestamps.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use fake_tikv::proto::pdpb;
use tonic::Status;

use super::error::TsoError;
use crate::client::ctx::{CancelOnDrop, Ctx};
use crate::client::grpc::{ClientConn, ClientStream, SendError};

/// Bits of the logical part where a timestamp is one number.
const LOGICAL_BITS: u32 = 18;

/// A stream to one member. It ends when it drops.
#[derive(Debug)]
pub(super) struct TsoStream {
    pub(super) member: SocketAddr,
    ctx: Ctx,
    stream: ClientStream,
    _ends: CancelOnDrop,
}

/// Why there is no stream.
#[derive(Debug)]
pub(super) struct NotOpened {
    pub(super) status: Status,
    /// The opening took too long, or its parent ended: the stream's own context has ended.
    pub(super) ctx_ended: bool,
}

/// The timestamps of one answer, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamps {
    pub(super) first: u64,
    pub(super) last: u64,
}

impl TsoStream {
    /// Opens a stream, within `limit`.
    pub(super) async fn open(
        ctx: &Ctx,
        conn: &ClientConn,
        member: SocketAddr,
        limit: Duration,
    ) -> Result<Self, NotOpened> {
        let ctx = ctx.child();
        let ends = ctx.cancel_on_drop();
        let late = tokio::time::sleep(limit);
        match ended_by(&ctx, late, conn.new_stream(&ctx, "/pdpb.PD/Tso")).await {
            Ok(stream) => Ok(Self { member, ctx, stream, _ends: ends }),
            Err(status) => Err(NotOpened { status, ctx_ended: ctx.error().is_some() }),
        }
    }

    /// Asks for `count` timestamps; `over` ends the stream, and the request with it. After an error the stream is of no use.
    pub(super) async fn request(
        &mut self,
        cluster_id: u64,
        count: u32,
        over: impl Future<Output = ()>,
    ) -> Result<Stamps, TsoError> {
        let ctx = self.ctx.clone();
        ended_by(&ctx, over, self.exchange(cluster_id, count)).await
    }

    async fn exchange(&mut self, cluster_id: u64, count: u32) -> Result<Stamps, TsoError> {
        let header = Some(pdpb::RequestHeader { cluster_id, ..pdpb::RequestHeader::default() });
        let request = pdpb::TsoRequest { header, count, dc_location: "global".to_owned() };
        match self.stream.send_msg(&request).await {
            Ok(()) => {}
            Err(SendError::Eof) => return Err(TsoError::StreamClosed),
            Err(SendError::Status(status)) => return Err(status.into()),
        }
        let response = self.stream.recv_msg::<pdpb::TsoResponse>().await?;
        stamps(&response.ok_or(TsoError::StreamClosed)?, count)
    }
}

/// Runs `future`, and ends `ctx` when `over` comes first: `future` learns it from there, as in Go.
async fn ended_by<F: Future>(ctx: &Ctx, over: impl Future<Output = ()>, future: F) -> F::Output {
    let mut future = pin!(future);
    tokio::select! {
        biased;
        output = &mut future => return output,
        () = over => ctx.cancel(),
    }
    future.await
}

/// A response carries the last timestamp of its batch.
fn stamps(response: &pdpb::TsoResponse, count: u32) -> Result<Stamps, TsoError> {
    if response.count != count {
        return Err(TsoError::Length);
    }
    let stamp = response.timestamp.unwrap_or_default();
    let last = (stamp.physical.cast_unsigned() << LOGICAL_BITS).wrapping_add(stamp.logical.cast_unsigned());
    Ok(Stamps { first: last.wrapping_sub(u64::from(count).saturating_sub(1)), last })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_the_last_of_as_many_timestamps_as_were_asked_for() {
        let timestamp = Some(pdpb::Timestamp { physical: 2, logical: 10, suffix_bits: 0 });
        let response = pdpb::TsoResponse { count: 5, timestamp, ..pdpb::TsoResponse::default() };
        let last = (2 << 18) + 10;
        assert_eq!(stamps(&response, 5).unwrap(), Stamps { first: last - 4, last });
        assert!(matches!(stamps(&response, 4), Err(TsoError::Length)));
    }
}
