//! Requests that no client sends: each is answered, and the store goes on.

use bytes::Bytes;
use fake_tikv::proto::kvrpcpb::{
    Context, KeyRange, KvPair, RawBatchPutRequest, RawBatchScanRequest, RawCasRequest, RawChecksumRequest,
    RawDeleteRangeRequest, RawGetKeyTtlRequest, RawPutRequest, RawScanRequest, UnsafeDestroyRangeRequest,
};
use fake_tikv::proto::tikvpb::batch_commands_request::Request;
use fake_tikv::proto::tikvpb::batch_commands_request::request::Cmd;
use fake_tikv::proto::tikvpb::{BatchCommandsEmptyRequest, BatchCommandsRequest};
use fake_tikv::{Borders, Mode, Spec};
use proptest::prelude::*;

use crate::fixture::{spec, with};

/// Bytes of any kind, often such that the store looks at them for longer: prefixes of API V2, borders.
fn bytes() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..12).prop_map(Bytes::from),
        prop::collection::vec(0u8..3, 0..9).prop_map(|tail| Bytes::from([b"r\0\0\0", &tail[..]].concat())),
        Just(Bytes::from_static(b"r\0\0\0m")),
        Just(Bytes::from_static(b"s")),
        Just(Bytes::from_static(b"m")),
    ]
}
fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Raw), Just(Mode::RawTtl), Just(Mode::Txn), Just(Mode::V2)]
}
fn range() -> impl Strategy<Value = KeyRange> {
    (bytes(), bytes()).prop_map(|(start_key, end_key)| KeyRange { start_key, end_key })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]
    #[test]
    fn any_raw_command_is_answered(
        mode in mode(),
        keys in prop::collection::vec(bytes(), 0..5),
        ranges in prop::collection::vec(range(), 1..4),
        cf in prop_oneof![4 => Just(String::new()), 1 => Just("write".to_owned()), 1 => ".*"],
        ttls in prop::collection::vec(any::<u64>(), 0..3),
        limit: u32,
        reverse: bool,
        api_version in -1i32..4,
        region in 0usize..2,
        term: u64,
    ) {
        let borders = Borders::At(vec![if mode == Mode::V2 { "r\0\0\0m".into() } else { "m".into() }]);
        let spec = Spec { regions: 2, keys_per_region: 0, mode, borders, ..spec() };
        with(spec, |f| async move {
            let (mut client, context) = f.led(region).await;
            let context = Some(Context { api_version, term, ..context });
            let KeyRange { start_key, end_key } = ranges[0].clone();
            let (ttl, key, value) = (ttls.first().copied().unwrap_or_default(), start_key.clone(), end_key.clone());
            let pairs = keys.iter().map(|key| KvPair { key: key.clone(), ..Default::default() }).collect();
            let put = RawBatchPutRequest { context: context.clone(), pairs, cf: cf.clone(), ttls, ..Default::default() };
            client.raw_batch_put(put).await.unwrap();
            let put = RawPutRequest { context: context.clone(), key, value, cf: cf.clone(), ttl, ..Default::default() };
            client.raw_put(put).await.unwrap();
            let key = start_key.clone();
            let ttl = RawGetKeyTtlRequest { context: context.clone(), key: key.clone(), cf: cf.clone() };
            client.raw_get_key_ttl(ttl).await.unwrap();
            let cas = RawCasRequest { context: context.clone(), key, cf: cf.clone(), ..Default::default() };
            client.raw_compare_and_swap(cas).await.unwrap();
            let scan = RawScanRequest {
                context: context.clone(),
                start_key: start_key.clone(),
                end_key: end_key.clone(),
                limit,
                reverse,
                cf: cf.clone(),
                ..Default::default()
            };
            client.raw_scan(scan).await.unwrap();
            let scan = RawBatchScanRequest {
                context: context.clone(),
                ranges: ranges.clone(),
                each_limit: limit,
                reverse,
                cf: cf.clone(),
                ..Default::default()
            };
            client.raw_batch_scan(scan).await.unwrap();
            let sum = RawChecksumRequest { context: context.clone(), algorithm: api_version, ranges };
            client.raw_checksum(sum).await.unwrap();
            let delete =
                RawDeleteRangeRequest { context, start_key: start_key.clone(), end_key: end_key.clone(), cf };
            client.raw_delete_range(delete).await.unwrap();
            let destroy = UnsafeDestroyRangeRequest { context: None, start_key, end_key };
            client.unsafe_destroy_range(destroy).await.unwrap();
        });
    }
}

#[test]
fn a_command_that_never_ends_leaves_with_its_stream() {
    with(Spec { regions: 1, ..spec() }, |f| async move {
        let (mut client, _) = f.led(0).await;
        let never = Cmd::Empty(BatchCommandsEmptyRequest { test_id: 1, delay_time: u64::MAX });
        let soon = Cmd::Empty(BatchCommandsEmptyRequest { test_id: 2, delay_time: 0 });
        let requests = [never, soon].map(|cmd| Request { cmd: Some(cmd) }).to_vec();
        let batch = BatchCommandsRequest { requests, request_ids: vec![1, 2] };
        let mut answers = client.batch_commands(tokio_stream::iter([batch])).await.unwrap().into_inner();
        assert_eq!(answers.message().await.unwrap().unwrap().request_ids, [2]);
        let streams = |f: &crate::fixture::Fixture| -> u64 {
            f.cluster.observed().open_streams.iter().map(|(_, open)| open).sum()
        };
        assert_eq!(streams(&f), 1);
        drop(answers);
        // a round trip on the same connection: the reset has been read before it
        drop(client.batch_commands(tokio_stream::empty()).await.unwrap());
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        assert_eq!(streams(&f), 0);
    });
}
