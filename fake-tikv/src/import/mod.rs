//! ImportSST of one store: wire to cluster and back.

use std::sync::Arc;

use tokio::time::sleep;
use tonic::{Request, Response, Status, Streaming};

use crate::answer::Seen;
use crate::cluster::admit::{Peers, Refused, in_region, same_epoch};
use crate::journal::note_refused;
use crate::proto::import_sstpb::import_sst_server::{ImportSst, ImportSstServer};
use crate::proto::import_sstpb::pair::Op;
use crate::proto::import_sstpb::write_request::Chunk;
use crate::proto::import_sstpb::{
    ClearRequest, ClearResponse, CompactRequest, CompactResponse, Error, GetModeRequest, GetModeResponse,
    IngestRequest, IngestResponse, MultiIngestRequest, Pair, Range, SetDownloadSpeedLimitRequest,
    SetDownloadSpeedLimitResponse, SstMeta, SwitchMode, SwitchModeRequest, SwitchModeResponse, WriteRequest,
    WriteResponse,
};
use crate::proto::{errorpb, kvrpcpb, metapb};
use crate::shared::{Scripted, Shared};
use crate::storage::sst::{Sst, WriteError};

/// The calls that name a region, as scripts know them.
const WRITE: &str = "import_sstpb.ImportSST/Write";
const INGEST: &str = "import_sstpb.ImportSST/Ingest";
const MULTI_INGEST: &str = "import_sstpb.ImportSST/MultiIngest";

/// The service of one store.
pub(crate) fn service(shared: Arc<Shared>, store: u64) -> ImportSstServer<impl ImportSst> {
    ImportSstServer::new(Importer { shared, store })
}

#[derive(Debug)]
struct Importer {
    shared: Arc<Shared>,
    store: u64,
}

/// A write that has begun: its meta, and what came until now.
struct Writing {
    meta: SstMeta,
    sst: Sst,
}

impl Importer {
    /// Opens a file for a region that this store has a peer of, in the same shape.
    fn begin(&self, meta: SstMeta) -> Result<Writing, Box<Error>> {
        let mut all = self.shared.lock();
        let region = all.cluster.region_on(self.store, meta.region_id).map_err(not_here)?;
        same_epoch(region, meta.region_epoch.as_ref())
            .map_err(|refused| another_epoch(region.meta.region_epoch, meta.region_epoch, refused))?;
        let sst = Sst::new(all.storage.uploads.disk(self.store));
        Ok(Writing { meta, sst })
    }

    /// Keeps the file. Only the leader's store lists it.
    fn finish(&self, Writing { mut meta, sst }: Writing) -> Result<Vec<SstMeta>, Box<Error>> {
        let mut all = self.shared.lock();
        let region = all.cluster.region_on(self.store, meta.region_id).map_err(not_here)?;
        let leads = region.group.leader() == Some(self.store);
        let Some((start, end)) = sst.bounds() else { return Ok(Vec::new()) };
        meta.range = Some(Range { start: start.clone(), end: end.clone() });
        // values of up to 255 bytes live in the write column family
        meta.cf_name = "write".into();
        meta.total_kvs = sst.changes().len() as u64;
        meta.total_bytes = sst.bytes();
        meta.length = sst.bytes();
        all.storage.uploads.keep(self.store, meta.uuid.clone(), sst);
        Ok(if leads { vec![meta] } else { Vec::new() })
    }

    /// Whether these files can be ingested into the region that the context names.
    fn check(&self, context: &kvrpcpb::Context, ssts: &[SstMeta]) -> Result<(), Refused> {
        let mut all = self.shared.lock();
        let all = &mut *all;
        let region = all.cluster.admit(self.store, context, Peers::Leader)?;
        for meta in ssts {
            same_epoch(region, meta.region_epoch.as_ref())?;
            let Some(sst) = all.storage.uploads.get(self.store, &meta.uuid) else {
                let message = format!("the sst file {} does not exist", meta.uuid.escape_ascii());
                return Err(Box::new(errorpb::Error { message, ..Default::default() }));
            };
            let keys = sst.changes().iter().map(|(key, _)| self.shared.mode.region_key(key));
            let outside = keys.filter(|key| !region.contains(key));
            if let Some(key) = &outside.clone().next() {
                all.storage.audit.misplaced(outside.count() as u64);
                return in_region(region, key);
            }
        }
        Ok(())
    }

    /// What a script answers a call for a region.
    async fn instead(
        &self,
        method: &'static str,
        region: u64,
        metas: &[SstMeta],
    ) -> Result<Option<Refused>, Status> {
        let keys: Vec<&[u8]> =
            metas.iter().filter_map(|meta| meta.range.as_ref()).map(|range| &range.start[..]).collect();
        let seen = Seen { store: self.store, method, in_batch: false, region, keys: &keys };
        match self.shared.instead(seen).await {
            Some(Scripted::Region(error)) => Ok(Some(error)),
            Some(Scripted::Status(status)) => Err(status),
            None => Ok(None),
        }
    }

    async fn ingest_all(
        &self,
        method: &'static str,
        context: Option<kvrpcpb::Context>,
        ssts: Vec<SstMeta>,
    ) -> Result<Response<IngestResponse>, Status> {
        // clients ask for nothing in order to learn whether the store knows the call
        if ssts.is_empty() {
            return Ok(Response::new(IngestResponse::default()));
        }
        let context = context.unwrap_or_default();
        let mut result = match self.instead(method, context.region_id, &ssts).await? {
            Some(refused) => Err(refused),
            None => self.check(&context, &ssts),
        };
        if result.is_ok() {
            sleep(self.shared.speed.ingest).await;
            // the region may have moved on meanwhile
            result = self.check(&context, &ssts);
        }
        if result.is_ok() {
            let mut all = self.shared.lock();
            for meta in &ssts {
                all.storage.ingest(self.store, &meta.uuid, self.shared.mode);
            }
        }
        let error = result.err().map(|refused| *refused);
        error.iter().for_each(note_refused);
        Ok(Response::new(IngestResponse { error }))
    }
}

/// As TiKV words it: clients look for these names.
fn another_epoch(
    ours: Option<metapb::RegionEpoch>,
    asked: Option<metapb::RegionEpoch>,
    refused: Refused,
) -> Box<Error> {
    let (ours, asked) = (ours.unwrap_or_default(), asked.unwrap_or_default());
    let newer = asked.version > ours.version || asked.conf_ver > ours.conf_ver;
    let name = if newer { "RequestTooNew" } else { "RequestTooOld" };
    Box::new(Error { message: format!("{name}: {}", refused.message), store_error: Some(*refused) })
}
fn not_here(refused: Refused) -> Box<Error> {
    Box::new(Error { message: refused.message.clone(), store_error: Some(*refused) })
}
fn not_written(store: u64, error: &WriteError) -> Box<Error> {
    let message = error.to_string();
    let disk_full = (*error == WriteError::DiskFull)
        .then(|| errorpb::DiskFull { store_id: vec![store], reason: message.clone() });
    let store_error = disk_full.map(|full| errorpb::Error { disk_full: Some(full), ..Default::default() });
    Box::new(Error { message, store_error })
}

#[tonic::async_trait]
impl ImportSst for Importer {
    /// Both modes are alike here: nothing compacts.
    async fn switch_mode(
        &self,
        request: Request<SwitchModeRequest>,
    ) -> Result<Response<SwitchModeResponse>, Status> {
        let asked = request.into_inner();
        let now = self.shared.clock.ms();
        // for ranges alone the store's mode stays
        if asked.ranges.is_empty() {
            let import = asked.mode() == SwitchMode::Import;
            self.shared.lock().storage.uploads.switch(self.store, import, now);
        }
        Ok(Response::new(SwitchModeResponse {}))
    }

    async fn get_mode(&self, _: Request<GetModeRequest>) -> Result<Response<GetModeResponse>, Status> {
        let now = self.shared.clock.ms();
        let imports = self.shared.lock().storage.uploads.imports(self.store, now);
        let mode = if imports { SwitchMode::Import } else { SwitchMode::Normal };
        Ok(Response::new(GetModeResponse { mode: mode.into() }))
    }

    /// There is nothing to compact.
    async fn compact(&self, _: Request<CompactRequest>) -> Result<Response<CompactResponse>, Status> {
        Ok(Response::new(CompactResponse {}))
    }

    /// Nothing is downloaded, at whatever speed.
    async fn set_download_speed_limit(
        &self,
        _: Request<SetDownloadSpeedLimitRequest>,
    ) -> Result<Response<SetDownloadSpeedLimitResponse>, Status> {
        Ok(Response::new(SetDownloadSpeedLimitResponse {}))
    }

    /// What was downloaded under a prefix is gone: nothing ever was.
    async fn clear_files(&self, _: Request<ClearRequest>) -> Result<Response<ClearResponse>, Status> {
        Ok(Response::new(ClearResponse::default()))
    }

    /// Reads to the client's half-close whatever happens, and only then answers.
    async fn write(
        &self,
        request: Request<Streaming<WriteRequest>>,
    ) -> Result<Response<WriteResponse>, Status> {
        let mut chunks = request.into_inner();
        let first = chunks.message().await?.and_then(|request| request.chunk);
        let mut writing = match first {
            Some(Chunk::Meta(meta)) => {
                match self.instead(WRITE, meta.region_id, std::slice::from_ref(&meta)).await {
                    Ok(None) => self.begin(meta).map_err(Ok),
                    Ok(Some(refused)) => Err(Ok(not_here(refused))),
                    Err(status) => Err(Err(status)),
                }
            }
            _ => Err(Err(Status::unknown("invalid chunk: the first must be a meta"))),
        };
        while let Some(request) = chunks.message().await? {
            let Ok(open) = &mut writing else { continue };
            let Some(Chunk::Batch(batch)) = request.chunk else {
                writing = Err(Err(Status::unknown("invalid chunk: only the first can be a meta")));
                continue;
            };
            sleep(self.shared.speed.write_batch).await;
            open.sst.commit_at(batch.commit_ts);
            if let Err(error) = batch.pairs.into_iter().try_for_each(|pair| open.sst.push(change(pair))) {
                writing = Err(Ok(not_written(self.store, &error)));
            }
        }
        let metas = match writing.map(|writing| self.finish(writing)) {
            Ok(metas) => metas,
            Err(Ok(error)) => Err(error),
            Err(Err(status)) => return Err(status),
        };
        Ok(Response::new(match metas {
            Ok(metas) => WriteResponse { error: None, metas },
            Err(error) => {
                error.store_error.iter().for_each(note_refused);
                WriteResponse { error: Some(*error), metas: Vec::new() }
            }
        }))
    }

    async fn ingest(&self, request: Request<IngestRequest>) -> Result<Response<IngestResponse>, Status> {
        let IngestRequest { context, sst } = request.into_inner();
        self.ingest_all(INGEST, context, sst.into_iter().collect()).await
    }

    async fn multi_ingest(
        &self,
        request: Request<MultiIngestRequest>,
    ) -> Result<Response<IngestResponse>, Status> {
        let MultiIngestRequest { context, ssts } = request.into_inner();
        self.ingest_all(MULTI_INGEST, context, ssts).await
    }
}

fn change(pair: Pair) -> (bytes::Bytes, Option<bytes::Bytes>) {
    let put = pair.op() == Op::Put;
    (pair.key, put.then_some(pair.value))
}
