//! Backup of what is stored, in the order of calls that br makes, with a store that restarts in the middle.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use fake_tikv::proto::backup::error::Detail;
use fake_tikv::proto::backup::{BackupRequest, BackupResponse};
use fake_tikv::proto::import_sstpb::pair::Op as PairOp;
use fake_tikv::proto::import_sstpb::write_request::Chunk;
use fake_tikv::proto::import_sstpb::{IngestRequest, Pair, SstMeta, WriteBatch, WriteRequest};
use fake_tikv::proto::kvrpcpb::*;
use fake_tikv::proto::pdpb::{GetAllStoresRequest, GetRegionRequest};
use fake_tikv::proto::tikvpb::tikv_client::TikvClient;
use fake_tikv::{Borders, Mode, Node, Spec};
use tokio::time::sleep;

use super::client::{Client, encoded, spec};
use super::wire::{prewrite_request, put, value, write};
use crate::fixture::{self, Fixture, context, leader, with};

/// What a backup has, by the start of its pieces: their ends and numbers of keys.
#[derive(Debug, Default)]
struct Tree(BTreeMap<Bytes, (Bytes, u64)>);

impl Tree {
    fn add(&mut self, piece: &BackupResponse) {
        let keys = piece.files.iter().map(|file| file.total_kvs).sum();
        self.0.insert(piece.start_key.clone(), (piece.end_key.clone(), keys));
    }
    /// What is still missing between two keys, whose empty end is the end of the key space.
    fn holes(&self, start: &Bytes, end: &Bytes) -> Vec<KeyRange> {
        let (mut holes, mut at) = (Vec::new(), start.clone());
        for (start_key, (end_key, _)) in &self.0 {
            if *start_key > at {
                holes.push(KeyRange { start_key: at.clone(), end_key: start_key.clone() });
            }
            at.clone_from(end_key);
            if at.is_empty() {
                return holes;
            }
        }
        if end.is_empty() || at < *end {
            holes.push(KeyRange { start_key: at, end_key: end.clone() });
        }
        holes
    }
    fn keys(&self) -> u64 {
        self.0.values().map(|(_, keys)| keys).sum()
    }
}

/// One request to one store, to its end or to its connection's; returns the locks in the way.
async fn ask(f: &Fixture, store: u64, request: BackupRequest, tree: &mut Tree) -> Vec<LockInfo> {
    let Ok(channel) = f.channel(Node::Store(store)).await else { return Vec::new() };
    let mut client = fake_tikv::proto::backup::backup_client::BackupClient::new(channel);
    let Ok(answers) = client.backup(request).await else { return Vec::new() };
    let (mut answers, mut locks) = (answers.into_inner(), Vec::new());
    while let Ok(Some(piece)) = answers.message().await {
        match piece.error.as_ref().and_then(|error| error.detail.as_ref()) {
            Some(Detail::KvError(error)) => locks.extend(error.locked.clone()),
            Some(Detail::RegionError(_)) => {}
            other => {
                assert!(other.is_none(), "{other:?}");
                tree.add(&piece);
            }
        }
    }
    locks
}

async fn stores(f: &Fixture) -> Vec<u64> {
    let answer = f.pd_leader().await.get_all_stores(GetAllStoresRequest::default()).await.unwrap();
    answer.into_inner().stores.iter().map(|store| store.id).collect()
}

/// As br up to 8.1: every store for everything, then every hole at its region's leader.
async fn pushed_down(f: &Fixture, request: &BackupRequest) -> Tree {
    let (mut tree, (start, end)) = (Tree::default(), (request.start_key.clone(), request.end_key.clone()));
    for store in stores(f).await {
        let fails = async {
            if store == 2 {
                sleep(Duration::from_secs(1)).await;
                f.cluster.stop(Node::Store(2));
                sleep(Duration::from_secs(5)).await;
                f.cluster.restart(Node::Store(2));
            }
        };
        tokio::join!(ask(f, store, request.clone(), &mut tree), fails);
    }
    assert_ne!(tree.holes(&start, &end), [], "the store that went away leaves some");
    // bound: an election takes ten seconds, a round at least one
    for _ in 0..60 {
        let Some(hole) = tree.holes(&start, &end).into_iter().next() else { return tree };
        let key = if request.is_raw_kv { hole.start_key.clone() } else { encoded(&hole.start_key) };
        let find = GetRegionRequest { region_key: key, ..Default::default() };
        let found = f.pd_leader().await.get_region(find).await.unwrap().into_inner();
        let hole = BackupRequest { start_key: hole.start_key, end_key: hole.end_key, ..request.clone() };
        ask(f, found.leader.unwrap().store_id, hole, &mut tree).await;
        sleep(Duration::from_secs(1)).await;
    }
    panic!("still missing: {:?}", tree.holes(&start, &end));
}

/// As br from 8.2 on: rounds in which every store gets all holes.
async fn in_rounds(f: &Fixture, request: &BackupRequest) -> Tree {
    let mut tree = Tree::default();
    f.cluster.stop(Node::Store(2));
    for round in 0..120 {
        let sub_ranges = tree.holes(&request.start_key, &request.end_key);
        if sub_ranges.is_empty() {
            assert!(round > 1, "the store that went away makes it more than one");
            return tree;
        }
        if round == 5 {
            f.cluster.restart(Node::Store(2));
        }
        for store in stores(f).await {
            ask(f, store, BackupRequest { sub_ranges: sub_ranges.clone(), ..request.clone() }, &mut tree)
                .await;
        }
        sleep(Duration::from_millis(200)).await;
    }
    panic!("still missing: {:?}", tree.holes(&request.start_key, &request.end_key));
}

#[test]
fn br_backs_transactional_keys_up_in_both_its_forms() {
    for rounds in [false, true] {
        with(spec(&["b", "c", "d", "e"]), |f| async move {
            let client = Client::new(&f);
            for key in ["a1", "b1", "c1", "d1", "e1"] {
                write(&client, vec![put(key, "1")]).await;
            }
            let request = BackupRequest {
                cluster_id: f.cluster_id().await,
                start_key: "a".into(),
                end_key: "z".into(),
                end_version: client.ts().await,
                ..Default::default()
            };
            // what comes later is not in it
            write(&client, vec![put("a2", "2")]).await;
            let tree = if rounds { in_rounds(&f, &request).await } else { pushed_down(&f, &request).await };
            assert_eq!(tree.keys(), 5, "{tree:?}");
        });
    }
}

#[test]
fn br_backs_raw_keys_up_in_both_its_forms() {
    for rounds in [false, true] {
        let borders = Borders::At(vec!["b".into(), "c".into(), "d".into(), "e".into()]);
        let spec = Spec { mode: Mode::Raw, regions: 5, keys_per_region: 0, borders, ..fixture::spec() };
        with(spec, |f| async move {
            for region in f.regions().await {
                let start = region.region.as_ref().unwrap().start_key.clone();
                let mut store =
                    TikvClient::new(f.channel(Node::Store(leader(&region).store_id)).await.unwrap());
                let key = [&start[..], b"1"].concat().into();
                let put = RawPutRequest {
                    context: Some(context(&region)),
                    key,
                    value: "1".into(),
                    ..Default::default()
                };
                assert_eq!(store.raw_put(put).await.unwrap().into_inner().region_error, None);
            }
            let cluster_id = f.cluster_id().await;
            let request =
                BackupRequest { cluster_id, is_raw_kv: true, cf: "default".into(), ..Default::default() };
            let tree = if rounds { in_rounds(&f, &request).await } else { pushed_down(&f, &request).await };
            assert_eq!(tree.keys(), 5, "{tree:?}");
        });
    }
}

#[test]
fn a_lock_below_the_backups_timestamp_is_told_and_one_above_is_not_in_the_way() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        write(&client, vec![put("b", "1")]).await;
        let start = client.ts().await;
        assert_eq!(client.kv_prewrite(b"a", prewrite_request(start, vec![put("a", "1")])).await.errors, []);
        let cluster_id = f.cluster_id().await;
        let (mut locks, mut tree) = (Vec::new(), Tree::default());
        let request = BackupRequest { cluster_id, end_version: start, ..Default::default() };
        for store in 1..=3 {
            locks.extend(ask(&f, store, request.clone(), &mut tree).await);
        }
        assert_eq!((locks.len(), locks[0].lock_version, &locks[0].key[..]), (1, start, &b"a"[..]));
        assert_eq!(tree.holes(&Bytes::new(), &Bytes::new()).len(), 1, "the region with the lock");
        let before = BackupRequest { end_version: start - 1, ..request };
        for store in 1..=3 {
            assert_eq!(ask(&f, store, before.clone(), &mut tree).await, []);
        }
        assert_eq!((tree.holes(&Bytes::new(), &Bytes::new()), tree.keys()), (vec![], 1));
    });
}

#[test]
fn what_is_ingested_is_seen_from_its_commit_timestamp_on() {
    with(spec(&["m"]), |f| async move {
        let client = Client::new(&f);
        let region = client.region(b"n").await;
        let meta = SstMeta {
            uuid: "0123456789abcdef".into(),
            region_id: region.region.as_ref().unwrap().id,
            region_epoch: region.region.as_ref().unwrap().region_epoch,
            ..Default::default()
        };
        let commit_ts = client.ts().await;
        let pair = Pair { key: "n".into(), value: "1".into(), op: PairOp::Put.into() };
        let chunks = [Chunk::Meta(meta), Chunk::Batch(WriteBatch { commit_ts, pairs: vec![pair] })];
        let chunks = chunks.map(|chunk| WriteRequest { chunk: Some(chunk), ..Default::default() });
        let mut import = f.import(leader(&region).store_id).await;
        let written = import.write(tokio_stream::iter(chunks)).await.unwrap().into_inner();
        assert_eq!(written.error, None);
        let sst = written.metas.into_iter().next();
        let ingest = IngestRequest { context: Some(context(&region)), sst };
        assert_eq!(import.ingest(ingest).await.unwrap().into_inner().error, None);
        assert_eq!(value(&client, "n", commit_ts - 1).await, None);
        assert_eq!(value(&client, "n", commit_ts).await.unwrap(), "1");
    });
}
