//! Backup of one store: wire to cluster and back.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::time::sleep;
use tonic::{Request, Response, Status};

use crate::answer::Seen;
use crate::cluster::admit::not_leader;
use crate::cluster::region::{Region, before_end, min_end};
use crate::data;
use crate::journal::note_refused;
use crate::proto::backup::backup_server::{Backup, BackupServer};
use crate::proto::backup::error::Detail;
use crate::proto::backup::{BackupRequest, BackupResponse, ClusterIdError, Error, File};
use crate::proto::errorpb;
use crate::shared::{All, Scripted, Shared};

/// The service of one store.
pub(crate) fn service(shared: Arc<Shared>, store: u64) -> BackupServer<impl Backup> {
    BackupServer::new(Source { shared, store })
}

#[derive(Clone, Debug)]
struct Source {
    shared: Arc<Shared>,
    store: u64,
}

/// From a key, inclusive, to another; an empty end is the end of the key space.
type KeyRange = (Bytes, Bytes);

impl Source {
    /// Backs up the next piece of what is left, and moves on behind it. `None` when nothing is left that this store leads.
    async fn next(&self, left: &mut Vec<KeyRange>) -> Option<Result<BackupResponse, Status>> {
        let (region, piece) = self.find(left)?;
        let (method, keys) = ("backup.Backup/backup", [&piece.0[..]]);
        let seen = Seen { store: self.store, method, in_batch: false, region, keys: &keys };
        match self.shared.instead(seen).await {
            Some(Scripted::Region(refused)) => return Some(Ok(not_taken(*refused, piece))),
            Some(Scripted::Status(status)) => return Some(Err(status)),
            None => {}
        }
        sleep(self.shared.speed.backup_region).await;
        Some(Ok(self.take(region, piece)))
    }

    /// The next region that this store leads, clipped. `left` holds the ranges still to do, the next one last.
    fn find(&self, left: &mut Vec<KeyRange>) -> Option<(u64, KeyRange)> {
        let all = self.shared.lock();
        while let Some((start, end)) = left.pop() {
            let led = |region: &&Region| region.group.leader() == Some(self.store);
            let Some(region) = all.cluster.regions.scan(&start, &end).find(led) else { continue };
            let from = region.meta.start_key.clone().max(start.clone());
            let to = min_end(&region.meta.end_key, &end).clone();
            if !to.is_empty() && before_end(&to, &end) {
                left.push((to.clone(), end.clone()));
            }
            return Some((region.meta.id, (from, to)));
        }
        None
    }

    /// Answers for a piece, if the store still leads its region.
    fn take(&self, region: u64, piece: KeyRange) -> BackupResponse {
        let mut all = self.shared.lock();
        let lead = match all.cluster.region_on(self.store, region) {
            Ok(region) if region.group.leader() != Some(self.store) => Err(not_leader(region)),
            lead => lead.map(|_| ()),
        };
        if let Err(refused) = lead {
            return not_taken(*refused, piece);
        }
        let (start_key, end_key) = piece;
        all.storage.backed_up.add(&start_key, &end_key);
        let files = vec![self.file(&all, region, &start_key, &end_key)];
        BackupResponse { files, start_key, end_key, ..Default::default() }
    }

    fn file(&self, all: &All, region: u64, start: &Bytes, end: &Bytes) -> File {
        let audit = &all.storage.audit;
        let keys = data::between(start, end, audit.total());
        let total_kvs = keys.end - keys.start;
        let total_bytes = total_kvs * (data::key(0).len() + data::value(0).len()) as u64;
        File {
            name: format!("{}_{region}_{}_default.sst", self.store, start.escape_ascii()),
            start_key: start.clone(),
            end_key: end.clone(),
            total_kvs,
            total_bytes,
            size: total_bytes,
            cf: "default".into(),
            ..Default::default()
        }
    }
}

/// The answer that a region does not let its piece be taken.
fn not_taken(refused: errorpb::Error, (start_key, end_key): KeyRange) -> BackupResponse {
    note_refused(&refused);
    let error = Error { msg: refused.message.clone(), detail: Some(Detail::RegionError(refused)) };
    BackupResponse { error: Some(error), start_key, end_key, ..Default::default() }
}

#[tonic::async_trait]
impl Backup for Source {
    /// The stream does the work itself, piece by piece as the connection takes it: to drop it is to stop.
    async fn backup(
        &self,
        request: Request<BackupRequest>,
    ) -> Result<Response<BoxStream<'static, Result<BackupResponse, Status>>>, Status> {
        let BackupRequest { cluster_id: request, start_key, end_key, sub_ranges, .. } = request.into_inner();
        let current = self.shared.lock().cluster.cluster_id;
        if current != request {
            let msg = format!("cluster id mismatch, current {current}, request {request}");
            let error =
                Error { msg, detail: Some(Detail::ClusterIdError(ClusterIdError { current, request })) };
            let answer = BackupResponse { error: Some(error), ..Default::default() };
            return Ok(Response::new(stream::iter([Ok(answer)]).boxed()));
        }
        let mut left: Vec<KeyRange> = if sub_ranges.is_empty() {
            vec![(start_key, end_key)]
        } else {
            sub_ranges.into_iter().map(|range| (range.start_key, range.end_key)).collect()
        };
        left.sort_unstable_by(|a, b| b.cmp(a));
        let pieces = stream::unfold((self.clone(), left), |(source, mut left)| async move {
            let piece = source.next(&mut left).await?;
            Some((piece, (source, left)))
        });
        Ok(Response::new(pieces.boxed()))
    }
}
