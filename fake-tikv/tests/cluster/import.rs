//! Write and ingest.

use std::time::Duration;

use bytes::Bytes;
use fake_tikv::proto::import_sstpb::write_request::Chunk;
use fake_tikv::proto::import_sstpb::{
    GetModeRequest, IngestRequest, MultiIngestRequest, Pair, SstMeta, SwitchMode, SwitchModeRequest,
    WriteBatch, WriteRequest, WriteResponse,
};
use fake_tikv::proto::{errorpb, metapb, pdpb};
use fake_tikv::{Node, data};
use tokio::time::{Instant, sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;

use crate::fixture::{Fixture, context, leader, spec, with};

fn meta(region: &pdpb::Region, uuid: &'static str) -> SstMeta {
    let meta = region.region.clone().unwrap();
    SstMeta { uuid: uuid.into(), region_id: meta.id, region_epoch: meta.region_epoch, ..Default::default() }
}
fn batch(pairs: impl IntoIterator<Item = (Bytes, Bytes)>) -> Chunk {
    let pairs = pairs.into_iter().map(|(key, value)| Pair { key, value, op: 0 }).collect();
    Chunk::Batch(WriteBatch { commit_ts: 1, pairs })
}
fn keys(numbers: impl IntoIterator<Item = u64>) -> Chunk {
    batch(numbers.into_iter().map(|i| (data::key(i), data::value(i))))
}
/// One whole Write.
async fn write(f: &Fixture, store: u64, chunks: Vec<Chunk>) -> WriteResponse {
    let requests = chunks.into_iter().map(|chunk| WriteRequest { chunk: Some(chunk), context: None });
    let requests = tokio_stream::iter(requests.collect::<Vec<_>>());
    f.import(store).await.write(requests).await.unwrap().into_inner()
}
async fn ingest(f: &Fixture, store: u64, request: MultiIngestRequest) -> Option<errorpb::Error> {
    f.import(store).await.multi_ingest(request).await.unwrap().into_inner().error
}
/// Writes some keys to the leader and ingests them.
async fn import(f: &Fixture, region: &pdpb::Region, chunk: Chunk) -> Option<errorpb::Error> {
    let store = leader(region).store_id;
    let metas = write(f, store, vec![Chunk::Meta(meta(region, "u")), chunk]).await.metas;
    ingest(f, store, MultiIngestRequest { context: Some(context(region)), ssts: metas }).await
}

#[test]
fn what_is_written_to_all_peers_and_ingested_by_the_leader_is_seen() {
    with(spec(), |f| async move {
        for (r, region) in (0u32..).zip(f.regions().await) {
            let mut metas = Vec::new();
            for peer in &region.region.as_ref().unwrap().peers {
                let chunks = vec![Chunk::Meta(meta(&region, "u")), keys(data::region(r, 5))];
                let answer = write(&f, peer.store_id, chunks).await;
                assert_eq!(answer.error, None);
                assert_eq!(answer.metas.is_empty(), *peer != leader(&region), "only the leader lists files");
                metas.extend(answer.metas);
            }
            let range = metas[0].range.clone().unwrap();
            assert_eq!((metas[0].total_kvs, range.start), (5, data::key(data::region(r, 5).start)));
            let request = MultiIngestRequest { context: Some(context(&region)), ssts: metas };
            assert_eq!(f.cluster.observed().keys_ingested, u64::from(r) * 5);
            assert_eq!(ingest(&f, leader(&region).store_id, request).await, None);
        }
        let observed = f.cluster.observed();
        assert_eq!((observed.keys_ingested, observed.keys_total, observed.keys_wrong), (30, 30, 0));
        assert_eq!(observed.regions_incomplete, [] as [&str; 0]);
    });
}

#[test]
fn the_same_keys_twice_count_once_and_other_data_is_wrong() {
    with(spec(), |f| async move {
        let region = f.regions().await.remove(1);
        for _ in 0..2 {
            assert_eq!(import(&f, &region, keys(5..8)).await, None);
        }
        let observed = f.cluster.observed();
        assert_eq!((observed.keys_ingested, observed.keys_wrong), (3, 0));
        assert_eq!(observed.regions_incomplete[1], "3 of 5 keys from k000000000005 to k000000000009");
        assert_eq!(import(&f, &region, batch([(data::key(9), "other".into())])).await, None);
        assert_eq!(f.cluster.observed().keys_wrong, 1);
    });
}

#[test]
fn keys_of_another_region_are_refused_and_wrong() {
    with(spec(), |f| async move {
        let region = f.regions().await.remove(1);
        let error = import(&f, &region, keys(9..12)).await.unwrap();
        assert_eq!(error.key_not_in_region.unwrap().key, data::key(10));
        // the check runs before the work and once more after it, which a refusal does not reach
        let observed = f.cluster.observed();
        assert_eq!((observed.keys_ingested, observed.keys_wrong), (0, 2));
    });
}

#[test]
fn a_file_that_the_leader_lacks_cannot_be_ingested() {
    with(spec(), |f| async move {
        let region = f.regions().await.remove(1);
        let request = IngestRequest { context: Some(context(&region)), sst: Some(meta(&region, "lost")) };
        let mut store = f.import(leader(&region).store_id).await;
        let error = store.ingest(request).await.unwrap().into_inner().error.unwrap();
        assert!(error.message.contains("lost"), "{error:?}");
    });
}

#[test]
fn the_answer_to_a_write_comes_after_the_half_close_and_takes_its_time() {
    with(spec(), |f| async move {
        let region = f.regions().await.remove(0);
        let store = leader(&region).store_id;
        let (chunks, incoming) = tokio::sync::mpsc::channel(8);
        let mut client = f.import(store).await;
        let mut call = tokio::spawn(async move { client.write(ReceiverStream::new(incoming)).await });
        let send =
            async |chunk| chunks.send(WriteRequest { chunk: Some(chunk), context: None }).await.unwrap();
        send(Chunk::Meta(meta(&region, "u"))).await;
        for i in 0..5 {
            send(keys([i])).await;
        }
        assert!(
            timeout(Duration::from_secs(3600), &mut call).await.is_err(),
            "answered before the half-close"
        );
        assert_eq!(f.cluster.observed().open_streams[store as usize - 1], (store, 1));
        drop(chunks);
        let answer = call.await.unwrap().unwrap().into_inner();
        assert_eq!(answer.metas[0].total_kvs, 5);
        assert_eq!(f.cluster.observed().open_streams[store as usize - 1], (store, 0));

        let begun = Instant::now();
        write(&f, store, vec![Chunk::Meta(meta(&region, "v")), keys([0]), keys([1]), keys([2])]).await;
        // three batches of 20 ms each, and a few round trips of 2 ms
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(60) && took < Duration::from_millis(80), "{took:?}");
    });
}

#[test]
fn a_write_for_a_region_in_another_shape_says_which_way() {
    with(spec(), |f| async move {
        let region = f.regions().await.remove(0);
        let store = leader(&region).store_id;
        for (version, name) in [(9, "RequestTooNew"), (0, "RequestTooOld")] {
            let mut meta = meta(&region, "u");
            meta.region_epoch = Some(metapb::RegionEpoch { version, ..meta.region_epoch.unwrap() });
            let answer = write(&f, store, vec![Chunk::Meta(meta), keys([0])]).await;
            let error = answer.error.unwrap();
            assert!(error.message.starts_with(name), "{error:?}");
            let current = error.store_error.unwrap().epoch_not_match.unwrap().current_regions;
            assert_eq!(current, [region.region.clone().unwrap()]);
            assert_eq!(answer.metas, []);
        }
        let nowhere = SstMeta { region_id: 999, ..meta(&region, "u") };
        let error = write(&f, store, vec![Chunk::Meta(nowhere)]).await.error.unwrap();
        assert_eq!(error.store_error.unwrap().region_not_found.unwrap().region_id, 999);
    });
}

#[test]
fn chunks_that_make_no_sense_are_answered_with_an_error() {
    with(spec(), |f| async move {
        let region = f.regions().await.remove(0);
        let store = leader(&region).store_id;
        let first = WriteRequest { chunk: Some(keys([0])), context: None };
        let meta = || Chunk::Meta(meta(&region, "u"));
        assert!(f.import(store).await.write(tokio_stream::iter([first])).await.is_err());
        assert!(f.import(store).await.write(tokio_stream::iter([] as [WriteRequest; 0])).await.is_err());
        let twice = [meta(), meta()].map(|chunk| WriteRequest { chunk: Some(chunk), context: None });
        assert!(f.import(store).await.write(tokio_stream::iter(twice)).await.is_err());
        let error = write(&f, store, vec![meta(), keys([3, 2])]).await.error.unwrap();
        assert!(error.message.contains("ascending"), "{error:?}");
    });
}

#[test]
fn an_ingest_is_refused_as_the_state_demands() {
    with(spec(), |f| async move {
        let region = f.regions().await.remove(1);
        let (here, meta) = (leader(&region).store_id, meta(&region, "u"));
        let elsewhere = here % 3 + 1;
        let peer_there = region.region.clone().unwrap().peers.into_iter().find(|p| p.store_id == elsewhere);
        let ask = async |store, change: &dyn Fn(&mut fake_tikv::proto::kvrpcpb::Context)| {
            let mut context = context(&region);
            change(&mut context);
            let request = MultiIngestRequest { context: Some(context), ssts: vec![meta.clone()] };
            ingest(&f, store, request).await.unwrap()
        };
        let error = ask(elsewhere, &|_| ()).await.store_not_match.unwrap();
        assert_eq!((error.request_store_id, error.actual_store_id), (here, elsewhere));
        let error = ask(elsewhere, &|c| c.peer = peer_there).await.not_leader.unwrap();
        assert_eq!(error.leader, region.leader);
        let error = ask(here, &|c| c.region_id = 999).await.region_not_found.unwrap();
        assert_eq!(error.region_id, 999);
        let error = ask(here, &|c| c.region_epoch = None).await.epoch_not_match.unwrap();
        assert_eq!(error.current_regions[0], region.region.clone().unwrap());
        let other_id = |c: &mut fake_tikv::proto::kvrpcpb::Context| c.peer.as_mut().unwrap().id = 1;
        assert_eq!(ask(here, &other_id).await.mismatch_peer_id.unwrap().request_peer_id, 1);
        assert!(ask(here, &|c| c.term = 1).await.stale_command.is_some());
        // nothing to ingest: how clients ask whether the call exists
        assert_eq!(ingest(&f, elsewhere, MultiIngestRequest::default()).await, None);
        f.import(here).await.switch_mode(SwitchModeRequest::default()).await.unwrap();
    });
}

#[test]
fn after_a_move_the_old_leader_refuses_and_the_new_one_ingests() {
    with(spec(), |f| async move {
        let region = f.regions().await.remove(1);
        let old = leader(&region).store_id;
        f.cluster.stop(Node::Store(old));
        sleep(Duration::from_secs(5)).await;
        assert_eq!(f.regions().await[1].leader, region.leader, "PD has not heard of another leader yet");
        f.cluster.restart(Node::Store(old));
        let request = MultiIngestRequest { context: Some(context(&region)), ssts: vec![meta(&region, "u")] };
        let error = ingest(&f, old, request.clone()).await.unwrap().not_leader.unwrap();
        assert_eq!(error.leader, None, "nobody leads during the election");
        f.cluster.stop(Node::Store(old));
        sleep(Duration::from_secs(5)).await;
        f.cluster.restart(Node::Store(old));

        let moved = f.regions().await.remove(1);
        assert_ne!(leader(&moved).store_id, old);
        assert_eq!(moved.region, region.region, "a change of leaders is no change of shape");
        let error = ingest(&f, old, request).await.unwrap().not_leader.unwrap();
        assert_eq!(error.leader, moved.leader);
        assert_eq!(import(&f, &moved, keys(5..10)).await, None);
        assert_eq!(f.cluster.observed().keys_ingested, 5);
    });
}

#[test]
fn an_ingest_during_which_the_majority_goes_is_refused() {
    with(spec(), |f| async move {
        let region = f.regions().await.remove(1);
        let store = leader(&region).store_id;
        let metas = write(&f, store, vec![Chunk::Meta(meta(&region, "u")), keys(5..10)]).await.metas;
        let request = MultiIngestRequest { context: Some(context(&region)), ssts: metas };
        let others = async {
            // the ingest takes 50 ms and has arrived by now
            sleep(Duration::from_millis(20)).await;
            (1..=3).filter(|s| *s != store).for_each(|other| f.cluster.stop(Node::Store(other)));
        };
        let (error, ()) = tokio::join!(ingest(&f, store, request), others);
        assert!(error.unwrap().not_leader.is_some());
        assert_eq!(f.cluster.observed().keys_ingested, 0);
    });
}

#[test]
fn import_mode_is_a_stores_own_and_ends_by_itself_or_with_the_process() {
    with(spec(), |f| async move {
        let mut store = f.import(1).await;
        let mode = async |of: u64| {
            f.import(of).await.get_mode(GetModeRequest::default()).await.unwrap().into_inner().mode()
        };
        let switch = |mode: SwitchMode| SwitchModeRequest { mode: mode.into(), ..Default::default() };
        assert_eq!(mode(1).await, SwitchMode::Normal);
        store.switch_mode(switch(SwitchMode::Import)).await.unwrap();
        assert_eq!([mode(1).await, mode(2).await], [SwitchMode::Import, SwitchMode::Normal]);
        sleep(Duration::from_secs(599)).await;
        assert_eq!(mode(1).await, SwitchMode::Import);
        store.switch_mode(switch(SwitchMode::Import)).await.unwrap();
        sleep(Duration::from_secs(599)).await;
        assert_eq!(mode(1).await, SwitchMode::Import);
        sleep(Duration::from_secs(2)).await;
        assert_eq!(mode(1).await, SwitchMode::Normal);
        store.switch_mode(switch(SwitchMode::Import)).await.unwrap();
        store.switch_mode(switch(SwitchMode::Normal)).await.unwrap();
        assert_eq!(mode(1).await, SwitchMode::Normal);
        store.switch_mode(switch(SwitchMode::Import)).await.unwrap();
        f.cluster.stop(Node::Store(1));
        f.cluster.restart(Node::Store(1));
        assert_eq!(mode(1).await, SwitchMode::Normal);
    });
}
