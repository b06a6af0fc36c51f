//! Backup of one store: wire to cluster and back.
//!
//! * [`content`]: what a piece holds
//!
//! Requests and answers name keys as clients do, in between they are as regions know them.

mod content;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::time::sleep;
use tonic::{Request, Response, Status};

use self::content::Content;
use crate::answer::Seen;
use crate::cluster::admit::not_leader;
use crate::cluster::region::{Region, before_end, min_end};
use crate::journal::note_refused;
use crate::kv::txn::wire::key_error;
use crate::proto::backup::backup_server::{Backup, BackupServer};
use crate::proto::backup::error::Detail;
use crate::proto::backup::{BackupRequest, BackupResponse, ClusterIdError, Error};
use crate::proto::errorpb;
use crate::shared::{Scripted, Shared};

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
    async fn next(
        &self,
        asked: &BackupRequest,
        left: &mut Vec<KeyRange>,
    ) -> Option<Result<BackupResponse, Status>> {
        let (region, piece) = self.find(left)?;
        let (method, keys) = ("backup.Backup/backup", [&piece.0[..]]);
        let seen = Seen { store: self.store, method, in_batch: false, region, keys: &keys };
        match self.shared.instead(seen).await {
            Some(Scripted::Region(refused)) => {
                return Some(Ok(not_taken(*refused, self.client_range(&piece))));
            }
            Some(Scripted::Status(status)) => return Some(Err(status)),
            None => {}
        }
        sleep(self.shared.speed.backup_region).await;
        Some(Ok(self.take(asked, region, &piece)))
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

    /// Answers for a piece, if the store still leads its region and no lock is in the way.
    fn take(&self, asked: &BackupRequest, region: u64, piece: &KeyRange) -> BackupResponse {
        let mut all = self.shared.lock();
        let mode = self.shared.mode;
        let lead = match all.cluster.region_on(self.store, region) {
            Ok(region) if region.group.leader() != Some(self.store) => Err(not_leader(region)),
            lead => lead.map(|_| ()),
        };
        let keys = self.client_range(piece);
        if let Err(refused) = lead {
            return not_taken(*refused, keys);
        }
        let now = self.shared.clock.unix_ms() / 1000;
        match Content::of(&mut all, mode, asked, &keys, now) {
            Ok(content) => {
                all.storage.backed_up.add(&piece.0, &piece.1);
                let files = content.file(asked, self.store, region, &keys).into_iter().collect();
                let (start_key, end_key) = keys;
                BackupResponse { files, start_key, end_key, ..Default::default() }
            }
            Err(error) => {
                let msg = "key is locked (backoff or cleanup)".into();
                let error = Error { msg, detail: Some(Detail::KvError(key_error(&error))) };
                let (start_key, end_key) = keys;
                BackupResponse { error: Some(error), start_key, end_key, ..Default::default() }
            }
        }
    }

    /// A range of regions' keys as the client names it. A border that is no encoded key is given as it is.
    fn client_range(&self, piece: &KeyRange) -> KeyRange {
        let key = |key: &Bytes| self.shared.mode.client_key(key).unwrap_or_else(|| key.clone());
        (key(&piece.0), key(&piece.1))
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
        let asked = request.into_inner();
        let request = asked.cluster_id;
        let current = self.shared.lock().cluster.cluster_id;
        if current != request {
            let msg = format!("cluster id mismatch, current {current}, request {request}");
            let error =
                Error { msg, detail: Some(Detail::ClusterIdError(ClusterIdError { current, request })) };
            let answer = BackupResponse { error: Some(error), ..Default::default() };
            return Ok(Response::new(stream::iter([Ok(answer)]).boxed()));
        }
        let key = |key: &Bytes| self.shared.mode.region_key(key);
        let mut left: Vec<KeyRange> = if asked.sub_ranges.is_empty() {
            vec![(key(&asked.start_key), key(&asked.end_key))]
        } else {
            asked.sub_ranges.iter().map(|range| (key(&range.start_key), key(&range.end_key))).collect()
        };
        left.sort_unstable_by(|a, b| b.cmp(a));
        let pieces = stream::unfold((self.clone(), asked, left), |(source, asked, mut left)| async move {
            let piece = source.next(&asked, &mut left).await?;
            Some((piece, (source, asked, left)))
        });
        Ok(Response::new(pieces.boxed()))
    }
}
