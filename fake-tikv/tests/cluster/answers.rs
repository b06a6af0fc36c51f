//! Scripted answers, as clients meet them.

use std::time::Duration;

use fake_tikv::answer::{After, BadScript, Calls, How, Keys, Leader, RegionError, Script, Then, When};
use fake_tikv::proto::backup::{BackupRequest, PrepareRequest};
use fake_tikv::proto::import_sstpb::{MultiIngestRequest, SstMeta, SwitchModeRequest};
use fake_tikv::proto::pdpb::{GetMembersRequest, TsoRequest};
use fake_tikv::proto::tikvpb::tikv_client::TikvClient;
use fake_tikv::proto::{kvrpcpb, pdpb};
use fake_tikv::{Node, data};
use tokio::time::{Instant, sleep, timeout};
use tonic::Code;
use tonic::transport::Channel;

use crate::fixture::{Fixture, context, leader, spec, with};

const STORE: Node = Node::Store(1);

fn to(node: Node, method: &str, then: Then) -> Script {
    let when = When { method: method.parse().unwrap(), node: Some(node), ..When::default() };
    Script { when, then }
}

fn reset_after(after: After) -> Then {
    Then::Cut { after, how: How::Reset { code: 2 } }
}

async fn switch_mode(f: &Fixture, store: u64) -> Result<(), tonic::Status> {
    f.import(store).await.switch_mode(SwitchModeRequest::default()).await.map(drop)
}

async fn tikv(f: &Fixture, store: u64) -> TikvClient<Channel> {
    TikvClient::new(f.channel(Node::Store(store)).await.unwrap())
}

/// The leader's store of the first region, and a read in it.
async fn a_read(f: &Fixture) -> (u64, kvrpcpb::RawGetRequest) {
    let region = &f.regions().await[0];
    let get =
        kvrpcpb::RawGetRequest { context: Some(context(region)), key: data::key(0), ..Default::default() };
    (leader(region).store_id, get)
}

#[test]
fn a_status_answers_the_methods_and_nodes_it_names_and_no_others() {
    with(spec(), |f| async move {
        let then = Then::Status { code: 14, message: "try later".into() };
        let guard = f.cluster.script(to(STORE, "import_sstpb.ImportSST/*", then)).unwrap();
        let status = switch_mode(&f, 1).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::Unavailable, "try later"));
        switch_mode(&f, 2).await.unwrap();
        let (store, get) = a_read(&f).await;
        tikv(&f, store).await.raw_get(get).await.unwrap();
        assert_eq!(guard.matched().get(), 1);
        drop(guard);
        switch_mode(&f, 1).await.unwrap();
    });
}

#[test]
fn calls_are_met_by_their_number() {
    with(spec(), |f| async move {
        for (calls, refused) in [
            (Calls::Nth(3), vec![3]),
            (Calls::Next(2), vec![1, 2]),
            (Calls::Each(2), vec![2, 4, 6]),
            (Calls::Every, vec![1, 2, 3, 4, 5, 6]),
        ] {
            let mut script = to(STORE, "SwitchMode", Then::Status { code: 8, message: String::new() });
            script.when.calls = calls;
            let guard = f.cluster.script(script).unwrap();
            let mut seen = vec![];
            for call in 1..=6 {
                if switch_mode(&f, 1).await.is_err() {
                    seen.push(call);
                }
            }
            assert_eq!(seen, refused, "{calls:?}");
            assert_eq!(guard.matched().get(), refused.len() as u64);
            assert_eq!(f.cluster.answers().list()[0].seen, 6);
        }
    });
}

#[test]
fn a_delay_makes_a_call_late_and_its_removal_lets_it_go_on() {
    with(spec(), |f| async move {
        let guard = f.cluster.script(Script::every(STORE, Then::delay(Duration::from_secs(5)))).unwrap();
        let begin = Instant::now();
        switch_mode(&f, 1).await.unwrap();
        let took = begin.elapsed();
        assert!(took >= Duration::from_secs(5) && took < Duration::from_millis(5_100), "{took:?}");
        let healed = sleep(Duration::from_secs(1));
        let begin = Instant::now();
        let ((), call) = tokio::join!(
            async {
                healed.await;
                drop(guard);
            },
            switch_mode(&f, 1)
        );
        call.unwrap();
        assert!(begin.elapsed() < Duration::from_millis(1_100), "{:?}", begin.elapsed());
    });
}

#[test]
fn silence_answers_nothing_for_an_hour_keeps_the_connection_and_ends_with_the_script() {
    with(spec(), |f| async move {
        let mut client = f.import(1).await;
        client.switch_mode(SwitchModeRequest::default()).await.unwrap();
        let guard = f.cluster.script(Script::every(STORE, Then::Silence)).unwrap();
        let mut silent = client.clone();
        let call = tokio::spawn(async move { silent.switch_mode(SwitchModeRequest::default()).await });
        // raw bytes on a connection of their own: pings are answered by the connection, not by a handler
        sleep(Duration::from_secs(3_600)).await;
        assert!(!call.is_finished());
        drop(guard);
        timeout(Duration::from_secs(1), call).await.expect("it goes on").unwrap().unwrap();
    });
}

#[test]
fn an_open_stream_is_held_at_its_next_message() {
    with(spec(), |f| async move {
        let leads = f.cluster.pd_leader();
        let mut pd = f.pd_leader().await;
        let (asks, asked) = tokio::sync::mpsc::channel(8);
        let requests = tokio_stream::wrappers::ReceiverStream::new(asked);
        let mut answers = pd.tso(requests).await.unwrap().into_inner();
        asks.send(TsoRequest { count: 1, ..Default::default() }).await.unwrap();
        answers.message().await.unwrap().expect("the stream works");

        let guard = f.cluster.script(to(Node::Pd(leads), "pdpb.PD/Tso", Then::Silence)).unwrap();
        asks.send(TsoRequest { count: 1, ..Default::default() }).await.unwrap();
        assert!(timeout(Duration::from_secs(600), answers.message()).await.is_err(), "ten silent minutes");
        assert_eq!(guard.matched().get(), 1);
        drop(guard);
        answers.message().await.unwrap().expect("the answer that was held");

        let _slow =
            f.cluster.script(to(Node::Pd(leads), "Tso", Then::delay(Duration::from_millis(700)))).unwrap();
        for _ in 0..3 {
            let begin = Instant::now();
            asks.send(TsoRequest { count: 1, ..Default::default() }).await.unwrap();
            answers.message().await.unwrap().unwrap();
            let took = begin.elapsed();
            assert!(took >= Duration::from_millis(700) && took < Duration::from_millis(800), "{took:?}");
        }
    });
}

#[test]
fn every_region_error_arrives_with_its_detail() {
    use fake_tikv::answer::RegionError as E;
    with(spec(), |f| async move {
        let (store, get) = a_read(&f).await;
        let region = get.context.as_ref().unwrap().region_id;
        let mut client = tikv(&f, store).await;
        let kinds = [
            (E::NotLeader { leader: Leader::Nobody }, "not_leader"),
            (E::RegionNotFound, "region_not_found"),
            (E::KeyNotInRegion, "key_not_in_region"),
            (E::EpochNotMatch, "epoch_not_match"),
            (E::ServerIsBusy { backoff_ms: 700, reason: String::new() }, "server_is_busy"),
            (E::StaleCommand, "stale_command"),
            (E::StoreNotMatch, "store_not_match"),
            (E::RaftEntryTooLarge { entry_size: 9 }, "raft_entry_too_large"),
            (E::MaxTimestampNotSynced, "max_timestamp_not_synced"),
            (E::ReadIndexNotReady, "read_index_not_ready"),
            (E::ProposalInMergingMode, "proposal_in_merging_mode"),
            (E::DataIsNotReady, "data_is_not_ready"),
            (E::RegionNotInitialized, "region_not_initialized"),
            (E::DiskFull, "disk_full"),
            (E::RecoveryInProgress, "recovery_in_progress"),
            (E::FlashbackInProgress, "flashback_in_progress"),
            (E::FlashbackNotPrepared, "flashback_not_prepared"),
            (E::IsWitness, "is_witness"),
            (E::MismatchPeerId, "mismatch_peer_id"),
            (E::BucketVersionNotMatch, "bucket_version_not_match"),
            (E::Undetermined, "other"),
        ];
        for (kind, detail) in kinds {
            let guard = f.cluster.script(to(Node::Store(store), "RawGet", Then::RegionError(kind))).unwrap();
            let answer = client.raw_get(get.clone()).await.unwrap().into_inner();
            let error = answer.region_error.expect(detail);
            assert!(!error.message.is_empty(), "{detail}");
            if let Some(busy) = &error.server_is_busy {
                assert_eq!((busy.backoff_ms, busy.reason.as_str()), (700, "scheduler is busy"));
            }
            if let Some(epoch) = &error.epoch_not_match {
                assert_eq!(epoch.current_regions[0].id, region);
            }
            let calls = f.cluster.journal().calls(&fake_tikv::journal::Filter {
                method: "RawGet".parse().ok(),
                limit: Some(1),
                ..Default::default()
            });
            assert_eq!(calls[0].outcome.to_string(), detail);
            assert_eq!((calls[0].region, calls[0].script), (Some(region), Some(guard.id())));
        }
        assert!(client.raw_get(get).await.unwrap().into_inner().region_error.is_none());
    });
}

#[test]
fn not_leader_names_nobody_or_whom_it_is_told_to() {
    with(spec(), |f| async move {
        let (store, get) = a_read(&f).await;
        let mut client = tikv(&f, store).await;
        for (whom, right) in [(Leader::Actual, true), (Leader::Other, false)] {
            let then = Then::RegionError(RegionError::NotLeader { leader: whom });
            let _guard = f.cluster.script(to(Node::Store(store), "RawGet", then)).unwrap();
            let error = client.raw_get(get.clone()).await.unwrap().into_inner().region_error.unwrap();
            let named = error.not_leader.unwrap().leader.unwrap();
            assert_eq!(named.store_id == store, right, "{whom:?}");
        }
    });
}

#[test]
fn a_region_or_a_range_of_keys_is_met_alone() {
    with(spec(), |f| async move {
        let regions = f.regions().await;
        let busy = || Then::RegionError(RegionError::DiskFull);
        let keys = Keys { start: data::key(7), end: data::key(8) };
        let by_key = When { keys: Some(keys), ..When::default() };
        let by_region =
            When { region: regions[1].region.as_ref().map(|region| region.id), ..When::default() };
        for (when, met) in [(by_key, vec![7]), (by_region, vec![5, 6, 7, 8, 9])] {
            let _guard = f.cluster.script(Script { when, then: busy() }).unwrap();
            let mut refused = vec![];
            for i in 0..10 {
                let region = &regions[i as usize / 5];
                let get = kvrpcpb::RawGetRequest {
                    context: Some(context(region)),
                    key: data::key(i),
                    ..Default::default()
                };
                let answer = tikv(&f, leader(region).store_id).await.raw_get(get).await.unwrap();
                if answer.into_inner().region_error.is_some() {
                    refused.push(i);
                }
            }
            assert_eq!(refused, met);
        }
    });
}

#[test]
fn ingests_and_backups_are_refused_in_their_own_answers() {
    with(spec(), |f| async move {
        let region = &f.regions().await[0];
        let store = leader(region).store_id;
        let node = Node::Store(store);
        let full = Then::RegionError(RegionError::DiskFull);
        let _guard = f.cluster.script(Script::every(node, full)).unwrap();
        let request = MultiIngestRequest { context: Some(context(region)), ssts: vec![SstMeta::default()] };
        let answer = f.import(store).await.multi_ingest(request).await.unwrap().into_inner();
        assert_eq!(answer.error.unwrap().disk_full.unwrap().store_id, [store]);

        let cluster_id = f.cluster_id().await;
        let request = BackupRequest { cluster_id, ..Default::default() };
        let mut pieces = f.backup(store).await.backup(request).await.unwrap().into_inner();
        let piece = pieces.message().await.unwrap().expect("an answer for each region it leads");
        assert!(piece.error.unwrap().msg.contains("disk full"));
    });
}

#[test]
fn pd_says_its_error_in_the_header() {
    with(spec(), |f| async move {
        let then = Then::PdError { r#type: 2, message: "not yet".into() };
        let _guard = f.cluster.script(to(Node::Pd(0), "pdpb.PD/*", then)).unwrap();
        let cluster_id = f.pd(1).await.get_members(GetMembersRequest::default()).await.unwrap();
        let cluster_id = cluster_id.into_inner().header.unwrap().cluster_id;
        let answer = f.pd(0).await.get_members(GetMembersRequest::default()).await.unwrap().into_inner();
        let header = answer.header.unwrap();
        let error = header.error.unwrap();
        assert_eq!(
            (header.cluster_id, error.r#type(), error.message.as_str()),
            (cluster_id, pdpb::ErrorType::NotBootstrapped, "not yet")
        );
    });
}

#[test]
fn a_stream_is_reset_behind_the_message_it_is_told() {
    with(spec(), |f| async move {
        let cluster_id = f.cluster_id().await;
        for n in 1..=2 {
            let _guard = f
                .cluster
                .script(to(STORE, "backup.Backup/backup", reset_after(After::Responses(n))))
                .unwrap();
            let request = BackupRequest { cluster_id, ..Default::default() };
            let mut client = f.backup(1).await;
            let mut pieces = client.backup(request).await.unwrap().into_inner();
            for _ in 0..n {
                pieces.message().await.unwrap().expect("a piece");
            }
            let status = pieces.message().await.unwrap_err();
            assert_eq!(status.code(), Code::Internal, "{status}");
            // the connection lives
            client.prepare(PrepareRequest::default()).await.expect_err("not served");
        }
        let cuts = f.cluster.journal().totals();
        let cuts =
            cuts.iter().find(|totals| totals.node == STORE && totals.method.contains("/backup")).unwrap();
        assert_eq!(cuts.outcomes.get("cut"), Some(&2));
    });
}

#[test]
fn a_cut_before_the_first_answer_loses_the_answer_of_work_that_is_done() {
    with(spec(), |f| async move {
        let (store, get) = a_read(&f).await;
        let put = kvrpcpb::RawPutRequest {
            context: get.context.clone(),
            key: get.key.clone(),
            value: "v".into(),
            ..Default::default()
        };
        let mut client = tikv(&f, store).await;
        let guard =
            f.cluster.script(to(Node::Store(store), "RawPut", reset_after(After::Responses(0)))).unwrap();
        client.raw_put(put.clone()).await.unwrap_err();
        drop(guard);
        assert_eq!(client.raw_get(get.clone()).await.unwrap().into_inner().value, "v");

        // and before the first request: the work is not done
        let guard =
            f.cluster.script(to(Node::Store(store), "RawPut", reset_after(After::Requests(0)))).unwrap();
        client.raw_put(kvrpcpb::RawPutRequest { value: "w".into(), ..put }).await.unwrap_err();
        drop(guard);
        assert_eq!(client.raw_get(get).await.unwrap().into_inner().value, "v");
    });
}

#[test]
fn a_cut_by_bytes_ends_inside_a_message_and_one_that_closes_ends_the_connection() {
    with(spec(), |f| async move {
        let mut client = f.import(1).await;
        client.switch_mode(SwitchModeRequest::default()).await.unwrap();
        let (store, get) = a_read(&f).await;
        let half = Then::Cut { after: After::ResponseBytes(3), how: How::Close };
        let _guard = f.cluster.script(to(Node::Store(store), "RawGet", half)).unwrap();
        let mut waits = f.import(store).await;
        let write = tokio::spawn(async move { waits.write(tokio_stream::pending()).await });
        tikv(&f, store).await.raw_get(get).await.unwrap_err();
        // another connection is another's business
        sleep(Duration::from_secs(1)).await;
        assert!(!write.is_finished());
        client.switch_mode(SwitchModeRequest::default()).await.unwrap();
    });
}

#[test]
fn a_script_that_can_never_act_is_refused_in_words() {
    with(spec(), |f| async move {
        let busy = Then::RegionError(RegionError::DiskFull);
        let said = |script: Script| f.cluster.script(script).unwrap_err();
        let mut none = to(STORE, "RawGet", busy.clone());
        none.when.calls = Calls::Nth(0);
        assert_eq!(said(none).to_string(), "`calls` count from 1: `nth: 0` means none of them");
        assert!(matches!(said(to(STORE, "Tso", busy)), BadScript::CannotAnswer { .. }));
        let status = Then::Status { code: 0, message: String::new() };
        assert_eq!(said(to(STORE, "*", status)), BadScript::NoStatus(0));
        let error = Then::PdError { r#type: 1, message: String::new() };
        assert_eq!(
            said(to(STORE, "RawGet", error)).to_string(),
            "`tikvpb.Tikv/RawGet` cannot answer with a PD error; `pdpb.PD/*` can"
        );
    });
}

#[test]
fn a_script_reads_and_prints_as_json() {
    let text = r#"{"when":{"method":"tikvpb.Tikv/RawGet","node":"tikv-2","region":7,"keys":{"start":"6b30","end":""},"calls":{"next":3}},"then":{"regionError":{"kind":"serverIsBusy","backoffMs":500,"reason":""}}}"#;
    let script: Script = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&script).unwrap(), text);
    for wrong in [
        r#"{"then":"nothing"}"#,
        r#"{"when":{"nod":"tikv-1"},"then":"silence"}"#,
        r#"{"when":{"node":"tikv1"},"then":"silence"}"#,
        r#"{"when":{"method":"RawGot"},"then":"silence"}"#,
        r#"{"when":{"keys":{"start":"6"}},"then":"silence"}"#,
    ] {
        assert!(serde_json::from_str::<Script>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_call_that_falls_silent_stays_so_while_its_connection_lives() {
    with(spec(), |f| async move {
        let (store, get) = a_read(&f).await;
        let silent = Then::Cut { after: After::Responses(0), how: How::Silence };
        let guard = f.cluster.script(to(Node::Store(store), "RawGet", silent)).unwrap();
        let mut client = tikv(&f, store).await;
        let mut same = client.clone();
        let asked = get.clone();
        let waits = tokio::spawn(async move { client.raw_get(get).await });
        sleep(Duration::from_secs(60)).await;
        drop(guard);
        // others on the same connection are answered, and it is not, with the script and without
        same.raw_get(asked).await.unwrap();
        sleep(Duration::from_secs(3600)).await;
        assert!(!waits.is_finished());
    });
}
