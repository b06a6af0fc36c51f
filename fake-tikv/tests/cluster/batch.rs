//! Many commands on one stream.

use std::time::Duration;

use fake_tikv::proto::kvrpcpb::{Context, RawGetRequest, RawPutRequest};
use fake_tikv::proto::tikvpb::batch_commands_request::Request;
use fake_tikv::proto::tikvpb::batch_commands_request::request::Cmd;
use fake_tikv::proto::tikvpb::batch_commands_response::response::Cmd as Answer;
use fake_tikv::proto::tikvpb::{BatchCommandsEmptyRequest, BatchCommandsRequest, BatchCommandsResponse};
use fake_tikv::{Node, Spec};
use tokio::sync::mpsc::{Sender, channel};
use tokio::time::{Instant, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Streaming};

use crate::fixture::{Fixture, spec, with};

/// One region, so that every key is in it.
fn one_region() -> Spec {
    Spec { regions: 1, ..spec() }
}

/// A stream to the leader of the only region.
async fn open(f: &Fixture) -> (Sender<BatchCommandsRequest>, Streaming<BatchCommandsResponse>, Context) {
    let (mut client, context) = f.led(0).await;
    let (requests, incoming) = channel(64);
    let answers = client.batch_commands(ReceiverStream::new(incoming)).await.unwrap().into_inner();
    (requests, answers, context)
}
fn batch(commands: impl IntoIterator<Item = (u64, Cmd)>) -> BatchCommandsRequest {
    let (request_ids, requests) =
        commands.into_iter().map(|(id, cmd)| (id, Request { cmd: Some(cmd) })).unzip();
    BatchCommandsRequest { requests, request_ids }
}
fn put(context: &Context, key: &'static str) -> Cmd {
    let (key, value) = (key.into(), key.into());
    Cmd::RawPut(RawPutRequest { context: Some(context.clone()), key, value, ..Default::default() })
}
fn get(context: &Context, key: &'static str) -> Cmd {
    Cmd::RawGet(RawGetRequest { context: Some(context.clone()), key: key.into(), ..Default::default() })
}
fn wait(ms: u64) -> Cmd {
    Cmd::Empty(BatchCommandsEmptyRequest { test_id: ms, delay_time: ms })
}
/// The next answers, as pairs.
async fn next(answers: &mut Streaming<BatchCommandsResponse>) -> Vec<(u64, Option<Answer>)> {
    let answer = timeout(Duration::from_secs(3600), answers.message()).await.expect("an answer in time");
    let BatchCommandsResponse { responses, request_ids, .. } = answer.unwrap().unwrap();
    assert_eq!(responses.len(), request_ids.len());
    request_ids.into_iter().zip(responses.into_iter().map(|response| response.cmd)).collect()
}

#[test]
fn what_is_ready_leaves_together_and_nothing_waits_for_what_is_slow() {
    with(one_region(), |f| async move {
        let (requests, mut answers, context) = open(&f).await;
        let began = Instant::now();
        let commands = [(7, wait(5_000)), (8, put(&context, "a")), (9, get(&context, "a"))];
        requests.send(batch(commands)).await.unwrap();
        let first = next(&mut answers).await;
        assert_eq!(first.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [8, 9]);
        let Some(Answer::RawGet(got)) = &first[1].1 else { panic!("{first:?}") };
        assert_eq!((&got.value[..], got.not_found), (&b"a"[..], false));
        assert!(began.elapsed() < Duration::from_secs(1), "virtual time: nobody waited for the slow one");
        let slow = next(&mut answers).await;
        assert!(matches!(&slow[..], [(7, Some(Answer::Empty(empty)))] if empty.test_id == 5_000));
        assert!(began.elapsed() >= Duration::from_secs(5));
    });
}

#[test]
fn batches_of_one_stream_overtake_each_other() {
    with(one_region(), |f| async move {
        let (requests, mut answers, context) = open(&f).await;
        requests.send(batch([(1, wait(60_000))])).await.unwrap();
        requests.send(batch([(2, get(&context, "a"))])).await.unwrap();
        assert_eq!(next(&mut answers).await[0].0, 2);
        assert_eq!(next(&mut answers).await[0].0, 1);
    });
}

#[test]
fn a_region_error_is_one_commands_own() {
    with(one_region(), |f| async move {
        let (requests, mut answers, context) = open(&f).await;
        let elsewhere = Context { region_id: 999, ..context.clone() };
        requests.send(batch([(1, get(&elsewhere, "a")), (2, get(&context, "a"))])).await.unwrap();
        let got = next(&mut answers).await;
        let Some(Answer::RawGet(refused)) = &got[0].1 else { panic!("{got:?}") };
        assert!(refused.region_error.as_ref().unwrap().region_not_found.is_some());
        let Some(Answer::RawGet(found)) = &got[1].1 else { panic!("{got:?}") };
        assert_eq!((&found.region_error, found.not_found), (&None, true));
    });
}

#[test]
fn a_command_that_is_none_has_an_answer_that_is_none() {
    with(one_region(), |f| async move {
        let (requests, mut answers, _) = open(&f).await;
        let nothing = BatchCommandsRequest { requests: vec![Request { cmd: None }], request_ids: vec![3] };
        requests.send(nothing).await.unwrap();
        assert_eq!(next(&mut answers).await, [(3, None)]);
    });
}

#[test]
fn commands_without_ids_and_ids_without_commands_are_not_answered() {
    with(one_region(), |f| async move {
        let (requests, mut answers, _) = open(&f).await;
        let mut more_commands = batch([(1, wait(0)), (2, wait(0))]);
        more_commands.request_ids.pop();
        requests.send(more_commands).await.unwrap();
        assert_eq!(next(&mut answers).await[0].0, 1);
        let mut more_ids = batch([(3, wait(0))]);
        more_ids.request_ids.extend([4, 5]);
        requests.send(more_ids).await.unwrap();
        assert_eq!(next(&mut answers).await[0].0, 3);
        drop(requests);
        assert_eq!(answers.message().await.unwrap(), None);
    });
}

#[test]
fn a_client_that_has_said_all_still_gets_all_answers() {
    with(one_region(), |f| async move {
        let (requests, mut answers, _) = open(&f).await;
        requests.send(batch([(1, wait(1_000)), (2, wait(2_000))])).await.unwrap();
        drop(requests);
        assert_eq!(next(&mut answers).await[0].0, 1);
        assert_eq!(next(&mut answers).await[0].0, 2);
        assert_eq!(answers.message().await.unwrap(), None);
    });
}

#[test]
fn a_client_of_another_cluster_loses_the_stream() {
    with(one_region(), |f| async move {
        let (requests, mut answers, context) = open(&f).await;
        let stranger = Context { cluster_id: 1, ..context };
        requests.send(batch([(1, get(&stranger, "a"))])).await.unwrap();
        assert_eq!(answers.message().await.unwrap_err().code(), Code::InvalidArgument);
    });
}

#[test]
fn ten_thousand_commands_at_once_are_all_answered_once() {
    with(one_region(), |f| async move {
        let (requests, mut answers, context) = open(&f).await;
        // more than run at once: the rest waits for the first to end
        requests.send(batch((0..10_000).map(|id| (id, wait(1_000))))).await.unwrap();
        requests.send(batch([(10_000, get(&context, "a"))])).await.unwrap();
        let mut seen = vec![0; 10_001];
        while seen.contains(&0) {
            let some = next(&mut answers).await;
            assert!(some.len() <= 128);
            for (id, _) in some {
                seen[id as usize] += 1;
            }
        }
        assert!(seen.iter().all(|n| *n == 1));
    });
}

#[test]
fn a_stopped_store_ends_the_stream() {
    with(one_region(), |f| async move {
        let (requests, mut answers, context) = open(&f).await;
        requests.send(batch([(1, wait(60_000))])).await.unwrap();
        f.cluster.stop(Node::Store(context.peer.unwrap().store_id));
        timeout(Duration::from_secs(1), answers.message()).await.expect("ends at once").unwrap_err();
    });
}
