//! The written files of one job, into its region.

use std::sync::Arc;

use fake_tikv::proto::errorpb;
use fake_tikv::proto::import_sstpb::{IngestResponse, MultiIngestRequest, SstMeta};
use fake_tikv::proto::kvrpcpb::Context;
use tonic::Code;

use super::backend::Backend;
use super::call::call;
use super::error::Error;
use super::job::{Job, Refused, RegionInfo, Stage, refused};
use crate::client::ctx::Ctx;

const MULTI_INGEST: &str = "/import_sstpb.ImportSST/MultiIngest";
/// Tries without a wait between them; source: `maxRetryTimes` of the local backend.
const TRIES: u32 = 5;

/// Ingests a job at `wrote` and takes it to `ingested`. What a store refuses sets the stage to go on from, and the
/// job's error; when every try fails in transport the job stays at `wrote`. No call has a deadline of its own.
pub(super) async fn ingest(backend: &Backend, ctx: &Ctx, job: &mut Job) -> Result<(), Error> {
    let Stage::Wrote(written) = &job.stage else { return Ok(()) };
    let written = written.clone();
    for _ in 0..TRIES {
        let answer =
            call("local.(*Backend).doIngest", multi_ingest(backend, ctx, &job.region, &written.metas)).await;
        let error = match answer {
            Ok(None) => {
                job.stage = Stage::Ingested(Some(written));
                return Ok(());
            }
            Err(error) if cancelled(&error) => return Err(error),
            Err(error) => {
                backend.log.warn("meet underlying error, will retry ingest", &[("error", &error)]);
                continue;
            }
            Ok(Some(error)) => error,
        };
        let (error, next) = refused(&error, &job.region, &written.metas);
        job.last_error = Some(error.clone());
        match next {
            Refused::Again => {}
            Refused::Rescan => job.stage = Stage::NeedRescan,
            Refused::Rewrite(moved) => {
                job.stage = Stage::RegionScanned;
                if let Some(moved) = moved {
                    job.region = Arc::new(moved);
                }
            }
            Refused::Fatal => return Err(error),
        }
        let (stage, region) = (&job.stage, job.region.region.id);
        let fields: [(&str, &dyn std::fmt::Display); 3] =
            [("job stage", stage), ("error", &error), ("region", &region)];
        backend.log.warn("meet error and handle the job later", &fields);
        return Ok(());
    }
    Ok(())
}

/// One `MultiIngest` at the leader, or at the first peer if none is known; the region error if the store refuses.
async fn multi_ingest(
    backend: &Backend,
    ctx: &Ctx,
    info: &RegionInfo,
    metas: &[SstMeta],
) -> Result<Option<errorpb::Error>, Error> {
    let region = &info.region;
    let peer = info.leader.as_ref().or(region.peers.first()).copied();
    let store = peer.as_ref().map_or(0, |peer| peer.store_id);
    let context =
        Context { region_id: region.id, region_epoch: region.region_epoch, peer, ..Context::default() };
    let conn = backend.pool.get(ctx, store).await?;
    let request = MultiIngestRequest { context: Some(context), ssts: metas.to_vec() };
    let answer: IngestResponse = conn.unary(ctx, MULTI_INGEST, &request).await?;
    Ok(answer.error)
}

fn cancelled(error: &Error) -> bool {
    match error {
        Error::Context(_) => true,
        Error::Rpc(status) => status.code() == Code::Cancelled,
        _ => false,
    }
}
