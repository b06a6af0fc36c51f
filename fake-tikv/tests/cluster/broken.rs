//! What no client of ours would send: nothing of it panics, hangs or stays, and others are served meanwhile.

use std::time::Duration;

use bytes::Bytes;
use fake_tikv::methods::METHODS;
use fake_tikv::proto::import_sstpb::SwitchModeRequest;
use fake_tikv::proto::kvrpcpb;
use fake_tikv::proto::pdpb::{GetMembersRequest, GetRegionRequest, RequestHeader};
use fake_tikv::proto::tikvpb::tikv_client::TikvClient;
use fake_tikv::{Mode, Node, Spec, data};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request};

use crate::bytes_codec::Verbatim;
use crate::fixture::{Fixture, context, leader, spec, with};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

async fn all_is_well(f: &Fixture) {
    f.pd(0).await.get_members(GetMembersRequest::default()).await.unwrap();
    for store in 1..=3 {
        f.import(store).await.switch_mode(SwitchModeRequest::default()).await.unwrap();
    }
}

#[test]
fn a_message_that_is_none_is_refused_by_every_method_that_is_served() {
    with(spec(), |f| async move {
        // a length that runs past the end, a wire type that does not exist, a group that is never closed
        for broken in [&b"\x0a\xff\xff\xff\xff\x0f"[..], b"\x0f", b"\x0b"] {
            for method in METHODS.iter().filter(|method| method.missing.is_none()) {
                let of_pd = ["pdpb", "keyspacepb"].contains(&method.package);
                let node = if of_pd { Node::Pd(f.cluster.pd_leader()) } else { Node::Store(1) };
                let mut grpc = tonic::client::Grpc::new(f.channel(node).await.unwrap());
                grpc.ready().await.unwrap();
                let path: PathAndQuery = format!("/{method}").parse().unwrap();
                let request = Request::new(tokio_stream::once(Bytes::from_static(broken)));
                let call =
                    async { grpc.streaming(request, path, Verbatim).await?.into_inner().message().await };
                let answer = timeout(Duration::from_secs(60), call).await.expect("an answer");
                // a batch ends with what cannot be read: an answer without a message
                let refused = answer.is_err() || answer.is_ok_and(|message| message.is_none());
                assert!(refused, "{method} takes {broken:?}");
            }
        }
        all_is_well(&f).await;
    });
}

#[test]
fn unknown_regions_and_other_clusters_are_refused_as_tikv_and_pd_do() {
    with(spec(), |f| async move {
        let region = &f.regions().await[0];
        let mut tikv = TikvClient::new(f.channel(Node::Store(leader(region).store_id)).await.unwrap());
        let unknown = kvrpcpb::Context { region_id: 987_654, ..context(region) };
        let get = kvrpcpb::RawGetRequest { context: Some(unknown), key: data::key(0), ..Default::default() };
        let error = tikv.raw_get(get.clone()).await.unwrap().into_inner().region_error.unwrap();
        assert_eq!(error.region_not_found.unwrap().region_id, 987_654);
        let other = kvrpcpb::Context { cluster_id: 1, ..context(region) };
        let status = tikv.raw_get(kvrpcpb::RawGetRequest { context: Some(other), ..get }).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");

        let header = Some(RequestHeader { cluster_id: 1, ..Default::default() });
        let status = f.pd_leader().await.get_region(GetRegionRequest { header, ..Default::default() }).await;
        assert_eq!(status.unwrap_err().code(), Code::FailedPrecondition);
    });
}

#[test]
fn an_entry_beyond_rafts_limit_and_a_message_beyond_grpcs_are_refused() {
    with(spec(), |f| async move {
        let region = &f.regions().await[0];
        let mut tikv = TikvClient::new(f.channel(Node::Store(leader(region).store_id)).await.unwrap());
        let put = |megabytes: usize| kvrpcpb::RawPutRequest {
            context: Some(context(region)),
            key: data::key(0),
            value: vec![1; megabytes << 20].into(),
            ..Default::default()
        };
        let error = tikv.raw_put(put(9)).await.unwrap().into_inner().region_error.unwrap();
        assert!(error.raft_entry_too_large.is_some(), "{error:?}");
        let status = tikv.raw_put(put(40)).await.unwrap_err();
        assert!([Code::OutOfRange, Code::ResourceExhausted].contains(&status.code()), "{status}");
        all_is_well(&f).await;
    });
}

#[test]
fn a_key_that_is_not_encoded_finds_a_region_in_txn_mode() {
    with(Spec { mode: Mode::Txn, ..spec() }, |f| async move {
        let request = GetRegionRequest { region_key: "h".into(), ..Default::default() };
        let answer = f.pd_leader().await.get_region(request).await.unwrap().into_inner();
        assert!(answer.region.is_some());
    });
}

#[test]
fn broken_frames_end_their_connection() {
    with(spec(), |f| async move {
        let frames: [&[u8]; 6] = [
            // DATA on a stream that was never opened, HEADERS that are no HPACK, a window of zero more,
            b"\0\0\x01\0\0\0\0\0\x01x",
            b"\0\0\x04\x01\x04\0\0\0\x01\xff\xff\xff\xff",
            b"\0\0\x04\x08\0\0\0\0\0\0\0\0\0",
            // SETTINGS of an odd length, a frame larger than allowed, CONTINUATION of nothing
            b"\0\0\x05\x04\0\0\0\0\0abcde",
            b"\xff\xff\xff\0\0\0\0\0\x01",
            b"\0\0\0\x09\x04\0\0\0\x01",
        ];
        for node in [Node::Store(1), Node::Pd(0)] {
            for frame in frames {
                let mut raw = f.net.connect(f.addr(node)).await.unwrap();
                raw.write_all(&[PREFACE, frame].concat()).await.unwrap();
                let mut said = vec![];
                let end = timeout(Duration::from_secs(60), raw.read_to_end(&mut said)).await;
                assert!(end.is_ok(), "{node} keeps {frame:?}");
            }
        }
        all_is_well(&f).await;
    });
}

#[test]
fn ten_thousand_streams_opened_and_reset_leave_nothing_open() {
    with(Spec { max_concurrent_streams: 1024, ..spec() }, |f| async move {
        let mut raw = f.net.connect(f.addr(Node::Store(1))).await.unwrap();
        let mut bytes = PREFACE.to_vec();
        for stream in (1u32..20_000).step_by(2) {
            let id = stream.to_be_bytes();
            bytes.extend([&[0, 0, 3, 1, 4][..], &id, &[0x83, 0x86, 0x84]].concat());
            bytes.extend([&[0, 0, 4, 3, 0][..], &id, &[0, 0, 0, 8]].concat());
        }
        raw.write_all(&bytes).await.unwrap();
        sleep(Duration::from_secs(5)).await;
        assert_eq!(f.cluster.observed().open_streams[0], (1, 0));
        assert_eq!(
            f.cluster.journal().totals().iter().filter(|t| t.outcomes.contains_key("open")).count(),
            0
        );
        all_is_well(&f).await;
    });
}

#[test]
fn half_open_connections_are_let_go() {
    with(spec(), |f| async move {
        let mut idle = vec![];
        for _ in 0..200 {
            let mut raw = f.net.connect(f.addr(Node::Store(1))).await.unwrap();
            raw.write_all(&PREFACE[..10]).await.unwrap();
            idle.push(raw);
        }
        sleep(Duration::from_secs(180)).await;
        for mut raw in idle {
            let mut said = vec![];
            let end = timeout(Duration::from_secs(1), raw.read_to_end(&mut said)).await;
            assert!(end.is_ok(), "still open after three minutes");
        }
        all_is_well(&f).await;
    });
}
