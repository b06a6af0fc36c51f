//! The journal, as a test reads it after its client's calls.

use std::time::Duration;

use fake_tikv::journal::{Entry, Filter};
use fake_tikv::proto::import_sstpb::{SwitchModeRequest, WriteRequest};
use fake_tikv::proto::kvrpcpb;
use fake_tikv::proto::tikvpb::tikv_client::TikvClient;
use fake_tikv::{Node, Spec, data};
use tokio::time::sleep;

use crate::fixture::{Fixture, context, leader, spec, with};

fn calls(f: &Fixture, method: &str) -> Vec<Entry> {
    let method = Some(method.parse().unwrap());
    f.cluster.journal().calls(&Filter { method, ..Filter::default() })
}

#[test]
fn a_call_is_noted_with_its_node_region_sizes_times_and_outcome() {
    with(spec(), |f| async move {
        let region = &f.regions().await[0];
        let store = leader(region).store_id;
        let mut client = TikvClient::new(f.channel(Node::Store(store)).await.unwrap());
        sleep(Duration::from_secs(5)).await;
        let get = kvrpcpb::RawGetRequest {
            context: Some(context(region)),
            key: data::key(0),
            ..Default::default()
        };
        let size = prost::Message::encoded_len(&get) as u64;
        client.raw_get(get.clone()).await.unwrap();
        client.raw_get(kvrpcpb::RawGetRequest { key: data::key(29), ..get }).await.unwrap();

        let seen = calls(&f, "RawGet");
        assert_eq!(seen.len(), 2);
        let call = &seen[0];
        assert!(call.at_ms >= 5_000 && call.end_ms == Some(call.at_ms), "{call:?}");
        assert_eq!((call.node, call.method.as_str()), (Node::Store(store), "tikvpb.Tikv/RawGet"));
        assert_eq!(call.region, region.region.as_ref().map(|region| region.id));
        assert_eq!((call.messages_in, call.messages_out, call.bytes_in), (1, 1, size + 5));
        assert_eq!(call.outcome.to_string(), "ok");
        assert_eq!(seen[1].outcome.to_string(), "key_not_in_region");
        assert!(seen[1].bytes_out > call.bytes_out);
    });
}

#[test]
fn open_calls_are_open_and_those_whose_client_leaves_are_gone() {
    with(spec(), |f| async move {
        let mut client = f.import(1).await;
        let call = tokio::spawn(async move { client.write(tokio_stream::pending::<WriteRequest>()).await });
        sleep(Duration::from_secs(60)).await;
        let open = &calls(&f, "import_sstpb.ImportSST/Write")[0];
        assert_eq!((open.outcome.to_string().as_str(), open.end_ms), ("open", None));
        call.abort();
        sleep(Duration::from_secs(1)).await;
        let gone = &calls(&f, "import_sstpb.ImportSST/Write")[0];
        assert_eq!(gone.outcome.to_string(), "gone");
        assert!(gone.end_ms.unwrap() >= 60_000);
        let totals = f.cluster.journal().totals();
        let totals = totals.iter().find(|totals| totals.method.ends_with("ImportSST/Write")).unwrap();
        assert_eq!((totals.calls, totals.outcomes.get("gone")), (1, Some(&1)));
        assert_eq!(totals.slowest_ms, gone.end_ms.map(|end| end - gone.at_ms));
    });
}

#[test]
fn a_filter_finds_by_node_time_outcome_and_number() {
    with(spec(), |f| async move {
        for store in [1, 2, 1] {
            f.import(store).await.switch_mode(SwitchModeRequest::default()).await.unwrap();
            sleep(Duration::from_secs(10)).await;
        }
        let count = |filter: Filter| f.cluster.journal().calls(&filter).len();
        assert_eq!(count(Filter::default()), 3);
        assert_eq!(count(Filter { node: Some(Node::Store(1)), ..Filter::default() }), 2);
        assert_eq!(count(Filter { since: 5_000, ..Filter::default() }), 2);
        assert_eq!(count(Filter { since: 5_000, until: Some(15_000), ..Filter::default() }), 1);
        assert_eq!(count(Filter { outcome: Some("ok".into()), ..Filter::default() }), 3);
        assert_eq!(count(Filter { outcome: Some("open".into()), ..Filter::default() }), 0);
        let last = f.cluster.journal().calls(&Filter { limit: Some(1), ..Filter::default() });
        assert_eq!(last[0].number, 3);
    });
}

#[test]
fn the_journal_is_bounded_and_says_what_it_dropped_while_totals_stay_whole() {
    with(Spec { journal: 4, ..spec() }, |f| async move {
        let mut client = f.import(1).await;
        for _ in 0..10 {
            client.switch_mode(SwitchModeRequest::default()).await.unwrap();
        }
        let numbers: Vec<u64> =
            f.cluster.journal().calls(&Filter::default()).iter().map(|call| call.number).collect();
        assert_eq!(numbers, [7, 8, 9, 10]);
        assert_eq!(f.cluster.journal().dropped(), 6);
        assert_eq!(f.cluster.journal().totals()[0].calls, 10);
    });
}

#[test]
fn paths_outside_of_kvproto_are_named_but_not_without_bound() {
    with(spec(), |f| async move {
        let channel = f.channel(Node::Store(1)).await.unwrap();
        for i in 0..200 {
            let mut grpc = tonic::client::Grpc::new(channel.clone());
            grpc.ready().await.unwrap();
            let path = format!("/made.Up/Method{i}").parse().unwrap();
            let codec = tonic_prost::ProstCodec::<SwitchModeRequest, SwitchModeRequest>::default();
            let request = tonic::Request::new(SwitchModeRequest::default());
            let status = grpc.unary(request, path, codec).await.unwrap_err();
            assert_eq!(status.code(), tonic::Code::Unimplemented);
        }
        let totals = f.cluster.journal().totals();
        assert_eq!(totals.len(), 65);
        assert_eq!((totals[0].method.as_str(), totals[64].method.as_str()), ("made.Up/Method0", "(others)"));
        assert_eq!(totals.iter().map(|totals| totals.calls).sum::<u64>(), 200);
    });
}
