//! The keys of one job, to every peer of its region.

use fake_tikv::data;
use fake_tikv::proto::import_sstpb::{Range, SstMeta, WriteRequest, WriteResponse, write_request};
use fake_tikv::proto::metapb::Peer;
use tokio::time::Instant;

use super::backend::Backend;
use super::call::call;
use super::data::Batch;
use super::error::Error;
use super::job::{Job, RegionInfo, Stage, Written};
use crate::client::ctx::{Ctx, CtxError};
use crate::client::grpc::{ClientStream, SendError};

const WRITE: &str = "/import_sstpb.ImportSST/Write";
/// Bytes after which a write stops and leaves the rest of its keys to a next one: the split size of 96 MiB, and a
/// third of it for what size estimates miss; source: `doWrite`.
const REGION_MAX_BYTES: usize = (96 << 20) * 4 / 3;
/// Keys after which it stops; source: the split keys of the config, unverified.
const REGION_MAX_KEYS: u64 = 1_280_000;

/// Writes a job at `regionScanned` to all peers and takes it to `wrote`. After a retryable error the stage says how to
/// go on, after any other it is as before.
pub(super) async fn write_to_tikv(backend: &Backend, ctx: &Ctx, job: &mut Job) -> Result<(), Error> {
    if job.stage != Stage::RegionScanned {
        return Ok(());
    }
    match call("local.(*Backend).doWrite", do_write(backend, ctx, job)).await {
        Ok(stage) => {
            job.stage = stage;
            Ok(())
        }
        Err(error) => {
            if error.retryable(backend.revision) && !error.asks_for_the_same_write() {
                job.stage = Stage::NeedRescan;
            }
            Err(error)
        }
    }
}

async fn do_write(backend: &Backend, ctx: &Ctx, job: &Job) -> Result<Stage, Error> {
    let Some(timeout) = backend.revision.write_timeout() else {
        return write_to_peers(backend, ctx, None, job).await;
    };
    let timeout = backend.scale.timer(timeout);
    let ctx = ctx.with_timeout(timeout);
    let _cancelled_on_return = ctx.cancel_on_drop();
    let written = write_to_peers(backend, &ctx, Some(Instant::now() + timeout), job).await;
    written.map_err(|error| {
        let too_slow = backend.revision.tells_the_cause() && ctx.error() == Some(CtxError::DeadlineExceeded);
        if too_slow { Error::WriteTooSlow } else { error }
    })
}

/// An open stream and the peer at its end.
struct Open<'a> {
    peer: &'a Peer,
    stream: ClientStream,
}

/// Every error returns as it is. The streams that are open then stay open: only the end of `ctx` closes them.
async fn write_to_peers(
    backend: &Backend,
    ctx: &Ctx,
    deadline: Option<Instant>,
    job: &Job,
) -> Result<Stage, Error> {
    if job.keys.is_empty() {
        return Ok(Stage::Ingested(None));
    }
    let info = &*job.region;
    let meta = request_of_meta(backend, job);
    let mut streams = Vec::with_capacity(info.region.peers.len());
    for peer in &info.region.peers {
        let conn =
            backend.pool.get(ctx, peer.store_id).await.map_err(at(info, peer, "when create client"))?;
        let stream = conn.new_stream(ctx, WRITE).await.map_err(Error::from);
        let mut stream = stream.map_err(at(info, peer, "when open write stream"))?;
        stream.send_msg(&meta).await.map_err(unasked).map_err(at(info, peer, "when send meta"))?;
        streams.push(Open { peer, stream });
    }

    let mut bytes = 0;
    let mut remaining = None;
    for batch in backend.engine.batches(&job.payload) {
        call("local.(*Backend).doWrite.func5", flush(backend, ctx, deadline, info, &mut streams, batch))
            .await?;
        bytes += batch.bytes;
        let full = bytes >= REGION_MAX_BYTES || batch.end - job.keys.start >= REGION_MAX_KEYS;
        if full && batch.end < job.keys.end {
            remaining = Some(batch.end);
            backend
                .log
                .info("write to tikv partial finish", &[("region", &info.region.id), ("size", &bytes)]);
            break;
        }
    }

    let leader = info.leader.as_ref().map_or(0, |leader| leader.id);
    let mut metas = vec![];
    for open in &mut streams {
        let closed = open.stream.close_and_recv::<WriteResponse>().await.map_err(Error::from);
        let answered = closed.and_then(|answer| match answer.error {
            Some(error) => Err(Error::answered(&error)),
            None => Ok(answer.metas),
        });
        let listed = answered.map_err(at(info, open.peer, "when close write stream"))?;
        if open.peer.id == leader {
            metas = listed;
        }
    }
    if metas.is_empty() {
        let region = info.region.id;
        backend.log.warn("write to tikv no leader", &[("region", &region), ("leader_id", &leader)]);
        return Err(Error::NoLeader { region, leader });
    }
    Ok(Stage::Wrote(Written { metas, remaining }))
}

/// One batch to every peer, in order.
async fn flush(
    backend: &Backend,
    ctx: &Ctx,
    deadline: Option<Instant>,
    info: &RegionInfo,
    streams: &mut [Open<'_>],
    batch: &Batch,
) -> Result<(), Error> {
    for Open { peer, stream } in streams {
        backend.limiter.wait(ctx, deadline, peer.store_id, batch.bytes).await?;
        let error = match stream.send_msg(&batch.request).await {
            Ok(()) => continue,
            Err(SendError::Status(status)) => status.into(),
            // the stream is done: only receiving tells why
            Err(SendError::Eof) => match stream.recv_msg::<WriteResponse>().await {
                Err(status) => status.into(),
                Ok(None) => Error::Eof,
                // no error to return, so the original returns none, and the peers after this one miss the batch
                Ok(Some(_answer)) => return Ok(()),
            },
        };
        return Err(at(info, peer, "when send data")(error));
    }
    Ok(())
}

/// The first message of a Write: which file of which region is to come. Both ends of its range belong to it.
fn request_of_meta(backend: &Backend, job: &Job) -> WriteRequest {
    let region = &job.region.region;
    let meta = SstMeta {
        uuid: backend.uuid(),
        region_id: region.id,
        region_epoch: region.region_epoch,
        range: Some(Range { start: data::key(job.keys.start), end: data::key(job.keys.end - 1) }),
        ..SstMeta::default()
    };
    WriteRequest { chunk: Some(write_request::Chunk::Meta(meta)), ..WriteRequest::default() }
}

/// A failed send, for which nobody asks the stream for its reason.
fn unasked(error: SendError) -> Error {
    match error {
        SendError::Eof => Error::Eof,
        SendError::Status(status) => status.into(),
    }
}

/// Adds the peer to an error.
fn at(info: &RegionInfo, peer: &Peer, doing: &'static str) -> impl FnOnce(Error) -> Error {
    let (peer, store, region) = (peer.id, peer.store_id, info.region.id);
    move |cause| Error::At { peer, store, region, epoch: info.epoch(), doing, cause: Box::new(cause) }
}
