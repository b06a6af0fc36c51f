//! Raw keys over the wire.

use std::time::Duration;

use bytes::Bytes;
use fake_tikv::proto::kvrpcpb::{self, ApiVersion, Context, KeyRange, KvPair};
use fake_tikv::proto::kvrpcpb::{
    RawBatchDeleteRequest, RawBatchGetRequest, RawBatchPutRequest, RawBatchScanRequest, RawCasRequest,
    RawChecksumRequest, RawDeleteRangeRequest, RawDeleteRequest, RawGetKeyTtlRequest, RawGetRequest,
    RawPutRequest, RawScanRequest,
};
use fake_tikv::proto::tikvpb::tikv_client::TikvClient;
use fake_tikv::{Borders, Mode, Spec};
use tokio::time::sleep;
use tonic::transport::Channel;

use crate::fixture::{Fixture, spec, with};

/// Regions ""..h, h..p, p..""
fn raw(mode: Mode) -> Spec {
    let borders = Borders::At(vec!["h".into(), "p".into()]);
    Spec { regions: 3, keys_per_region: 0, mode, borders, ..spec() }
}

/// A region's leader.
struct Region {
    client: TikvClient<Channel>,
    context: Option<Context>,
}

/// `region.call(raw_get, RawGetRequest { key })`: fills in the context.
macro_rules! call {
    ($region:expr, $method:ident, $request:ident { $($field:ident: $value:expr),* $(,)? }) => {{
        let context = $region.context.clone();
        #[allow(clippy::needless_update)]
        let request = $request { context, $($field: $value.into(),)* ..Default::default() };
        $region.client.$method(request).await.unwrap().into_inner()
    }};
}

impl Region {
    async fn of(f: &Fixture, index: usize) -> Self {
        let (client, context) = f.led(index).await;
        Self { client, context: Some(context) }
    }
    async fn put(&mut self, key: &'static str, value: &'static str) {
        let answer = call!(self, raw_put, RawPutRequest { key: key, value: value });
        assert_eq!(answer, kvrpcpb::RawPutResponse::default());
    }
    async fn get(&mut self, key: &'static str) -> Option<Bytes> {
        let answer = call!(self, raw_get, RawGetRequest { key: key });
        assert_eq!((answer.region_error, answer.error), (None, String::new()));
        (!answer.not_found).then_some(answer.value)
    }
    async fn scan(&mut self, start: &'static str, end: &'static str, limit: u32, reverse: bool) -> String {
        let scan = RawScanRequest {
            context: self.context.clone(),
            start_key: start.into(),
            end_key: end.into(),
            limit,
            reverse,
            ..Default::default()
        };
        let answer = self.client.raw_scan(scan).await.unwrap().into_inner();
        match answer.region_error {
            Some(error) => error.message,
            None => keys(&answer.kvs),
        }
    }
}
fn keys(pairs: &[KvPair]) -> String {
    pairs.iter().map(|pair| str::from_utf8(&pair.key).unwrap()).collect::<Vec<_>>().join(" ")
}
fn pair(key: &'static str, value: &'static str) -> KvPair {
    KvPair { key: key.into(), value: value.into(), error: None }
}

#[test]
fn what_is_put_is_got_until_it_is_deleted() {
    with(raw(Mode::Raw), |f| async move {
        let mut region = Region::of(&f, 0).await;
        assert_eq!(region.get("a").await, None);
        region.put("a", "1").await;
        region.put("a", "2").await;
        assert_eq!(region.get("a").await.unwrap(), "2");
        // the empty key and the empty value are a key and a value
        region.put("", "").await;
        assert_eq!(region.get("").await.unwrap(), "");
        call!(region, raw_delete, RawDeleteRequest { key: "a" });
        assert_eq!(region.get("a").await, None);
    });
}

#[test]
fn batches_put_get_and_delete_many() {
    with(raw(Mode::Raw), |f| async move {
        let mut region = Region::of(&f, 0).await;
        let pairs = vec![pair("a", "1"), pair("b", "2"), pair("c", "3")];
        let put = call!(region, raw_batch_put, RawBatchPutRequest { pairs: pairs });
        assert_eq!(put, kvrpcpb::RawBatchPutResponse::default());
        let asked: Vec<Bytes> = ["c", "g", "a", "c"].map(Bytes::from).into();
        let got = call!(region, raw_batch_get, RawBatchGetRequest { keys: asked });
        assert_eq!(got.pairs, [pair("c", "3"), pair("a", "1"), pair("c", "3")]);
        let gone: Vec<Bytes> = ["a", "b", "g"].map(Bytes::from).into();
        call!(region, raw_batch_delete, RawBatchDeleteRequest { keys: gone });
        assert_eq!(region.scan("", "", 10, false).await, "c");
        let empty = call!(region, raw_batch_put, RawBatchPutRequest {});
        assert_eq!(empty.error, "an empty request");
        let empty = call!(region, raw_batch_delete, RawBatchDeleteRequest {});
        assert_eq!(empty.error, "an empty request");
    });
}

/// One region's part of the range, in either direction: whoever wants more asks the next region.
#[test]
fn a_scan_ends_with_its_region() {
    with(raw(Mode::Raw), |f| async move {
        for (index, keys) in [["a", "b", "c"], ["h", "i", "o"], ["p", "q", "z"]].iter().enumerate() {
            let mut region = Region::of(&f, index).await;
            for key in keys {
                region.put(key, "v").await;
            }
        }
        let mut first = Region::of(&f, 0).await;
        assert_eq!(first.scan("", "", 10, false).await, "a b c");
        assert_eq!(first.scan("b", "z", 10, false).await, "b c");
        assert_eq!(first.scan("a", "c", 10, false).await, "a b");
        assert_eq!(first.scan("", "", 2, false).await, "a b");
        assert_eq!(first.scan("", "", 0, false).await, "");
        assert_eq!(first.scan("c", "b", 10, false).await, "");
        // its end is still a place to start at, and no further
        assert_eq!(first.scan("h", "", 10, false).await, "");
        let outside = "key 69 is not in region key range [, 68) for region ";
        assert!(first.scan("i", "", 10, false).await.starts_with(outside));
        let mut second = Region::of(&f, 1).await;
        // from the start, excluded, down to the end, included
        assert_eq!(second.scan("p", "", 10, true).await, "o i h");
        assert_eq!(second.scan("o", "i", 10, true).await, "i");
        assert_eq!(second.scan("o", "a", 10, true).await, "i h");
        assert_eq!(second.scan("p", "", 1, true).await, "o");
        let mut last = Region::of(&f, 2).await;
        assert_eq!(last.scan("q", "r", 10, false).await, "q");
        assert_eq!(last.scan("zz", "", 10, true).await, "z q p");
        // downwards no key is the end of the key space
        assert!(last.scan("", "", 10, true).await.starts_with("key  is not in region key range [70, )"));
    });
}

#[test]
fn a_scan_of_keys_alone_has_no_values() {
    with(raw(Mode::Raw), |f| async move {
        let mut region = Region::of(&f, 0).await;
        region.put("a", "1").await;
        let answer = call!(region, raw_scan, RawScanRequest { limit: 9u32, key_only: true });
        assert_eq!(answer.kvs, [pair("a", "")]);
    });
}

#[test]
fn an_open_range_of_a_batch_ends_where_the_next_begins() {
    with(raw(Mode::Raw), |f| async move {
        let mut region = Region::of(&f, 0).await;
        for key in ["a", "b", "c", "d", "e"] {
            region.put(key, "v").await;
        }
        let range = |start: &'static str, end: &'static str| KeyRange {
            start_key: start.into(),
            end_key: end.into(),
        };
        let ranges = vec![range("a", ""), range("c", "d"), range("d", "")];
        let scan =
            call!(region, raw_batch_scan, RawBatchScanRequest { ranges: ranges.clone(), each_limit: 10u32 });
        assert_eq!(keys(&scan.kvs), "a b c d e");
        let scan = call!(region, raw_batch_scan, RawBatchScanRequest { ranges: ranges, each_limit: 1u32 });
        assert_eq!(keys(&scan.kvs), "a c d");
        let ranges = vec![range("e", "c"), range("c", "")];
        let scan = call!(
            region,
            raw_batch_scan,
            RawBatchScanRequest { ranges: ranges, each_limit: 9u32, reverse: true }
        );
        assert_eq!(keys(&scan.kvs), "d c b a");
        let ranges = vec![range("c", "b")];
        let scan = call!(region, raw_batch_scan, RawBatchScanRequest { ranges: ranges, each_limit: 9u32 });
        assert_eq!(scan.kvs[0].error.as_ref().unwrap().abort, r#"Error(Other("Invalid KeyRanges"))"#);
    });
}

#[test]
fn a_range_is_deleted_whole_or_not_at_all() {
    with(raw(Mode::Raw), |f| async move {
        let mut region = Region::of(&f, 0).await;
        for key in ["a", "b", "c", "d"] {
            region.put(key, "v").await;
        }
        let done = call!(region, raw_delete_range, RawDeleteRangeRequest { start_key: "b", end_key: "d" });
        assert_eq!(done, kvrpcpb::RawDeleteRangeResponse::default());
        assert_eq!(region.scan("", "", 10, false).await, "a d");
        for end in ["i", ""] {
            let refused =
                call!(region, raw_delete_range, RawDeleteRangeRequest { start_key: "a", end_key: end });
            assert!(refused.region_error.unwrap().key_not_in_region.is_some(), "{end}");
        }
        let refused = call!(region, raw_delete_range, RawDeleteRangeRequest { start_key: "b", end_key: "b" });
        let error = refused.region_error.unwrap();
        assert_eq!(error.message, "invalid delete range command, start_key: [98], end_key: [98]");
        assert_eq!(region.scan("", "", 10, false).await, "a d");
        let mut last = Region::of(&f, 2).await;
        last.put("z", "v").await;
        let done = call!(last, raw_delete_range, RawDeleteRangeRequest { start_key: "p", end_key: "" });
        assert_eq!(done, kvrpcpb::RawDeleteRangeResponse::default());
        assert_eq!(last.get("z").await, None);
    });
}

#[test]
fn compare_and_swap_answers_with_the_value_before() {
    with(raw(Mode::Raw), |f| async move {
        let mut region = Region::of(&f, 0).await;
        let first = call!(
            region,
            raw_compare_and_swap,
            RawCasRequest { key: "a", value: "1", previous_not_exist: true }
        );
        assert!(first.succeed && first.previous_not_exist);
        let again = call!(
            region,
            raw_compare_and_swap,
            RawCasRequest { key: "a", value: "2", previous_not_exist: true }
        );
        assert_eq!(
            (again.succeed, again.previous_not_exist, &again.previous_value[..]),
            (false, false, &b"1"[..])
        );
        let next =
            call!(region, raw_compare_and_swap, RawCasRequest { key: "a", value: "2", previous_value: "1" });
        assert_eq!((next.succeed, &next.previous_value[..]), (true, &b"1"[..]));
        assert_eq!(region.get("a").await.unwrap(), "2");
        // a value that is expected empty is not the same as none
        let none = call!(region, raw_compare_and_swap, RawCasRequest { key: "b", value: "2" });
        assert!(!none.succeed && none.previous_not_exist);
    });
}

/// The check value of CRC-64/XZ is public: `123456789` has 995dc9bbdf1939fa.
#[test]
fn a_checksum_is_the_xor_over_all_pairs() {
    with(raw(Mode::Raw), |f| async move {
        let mut region = Region::of(&f, 0).await;
        region.put("1234", "56789").await;
        let all = vec![KeyRange::default()];
        let sum = call!(region, raw_checksum, RawChecksumRequest { ranges: all.clone() });
        assert_eq!((sum.checksum, sum.total_kvs, sum.total_bytes), (0x995d_c9bb_df19_39fa, 1, 9));
        // the same bytes, divided otherwise, cancel it out
        region.put("12345", "6789").await;
        let sum = call!(region, raw_checksum, RawChecksumRequest { ranges: all });
        assert_eq!((sum.checksum, sum.total_kvs, sum.total_bytes), (0, 2, 18));
    });
}

#[test]
fn column_families_are_apart_and_checked() {
    with(raw(Mode::Raw), |f| async move {
        let mut region = Region::of(&f, 0).await;
        call!(region, raw_put, RawPutRequest { key: "a", value: "w", cf: "write" });
        assert_eq!(region.get("a").await, None);
        assert_eq!(call!(region, raw_get, RawGetRequest { key: "a", cf: "write" }).value, "w");
        call!(region, raw_put, RawPutRequest { key: "a", value: "d", cf: "default" });
        assert_eq!(region.get("a").await.unwrap(), "d");
        let error = call!(region, raw_put, RawPutRequest { key: "a", cf: "raft" }).error;
        assert_eq!(error, "invalid cf name: raft");
        let scan = call!(region, raw_scan, RawScanRequest { cf: "x", limit: 1u32 });
        assert_eq!(scan.kvs[0].error.as_ref().unwrap().abort, r#"Error(InvalidCf("x"))"#);
    });
}

#[test]
fn a_key_lives_as_long_as_it_was_given() {
    with(raw(Mode::RawTtl), |f| async move {
        let mut region = Region::of(&f, 0).await;
        call!(region, raw_put, RawPutRequest { key: "a", value: "1", ttl: 100u64 });
        region.put("b", "2").await;
        let pairs = vec![pair("c", "3"), pair("d", "4")];
        call!(region, raw_batch_put, RawBatchPutRequest { pairs: pairs.clone(), ttls: vec![50u64] });
        let refused =
            call!(region, raw_batch_put, RawBatchPutRequest { pairs: pairs, ttls: vec![1u64, 2, 3] });
        assert_eq!(refused.error, "The length of ttls does not equal to the length of pairs");
        let ttl = call!(region, raw_get_key_ttl, RawGetKeyTtlRequest { key: "a" });
        assert!((99..=100).contains(&ttl.ttl) && !ttl.not_found);
        assert_eq!(call!(region, raw_get_key_ttl, RawGetKeyTtlRequest { key: "b" }).ttl, 0);
        assert!(call!(region, raw_get_key_ttl, RawGetKeyTtlRequest { key: "g" }).not_found);
        assert_eq!(region.scan("", "", 10, false).await, "a b c d");
        sleep(Duration::from_secs(60)).await;
        assert_eq!(region.scan("", "", 10, false).await, "a b");
        sleep(Duration::from_secs(60)).await;
        assert_eq!(region.get("a").await, None);
        assert!(call!(region, raw_get_key_ttl, RawGetKeyTtlRequest { key: "a" }).not_found);
        assert_eq!(region.scan("h", "", 10, true).await, "b");
        let cas = call!(
            region,
            raw_compare_and_swap,
            RawCasRequest { key: "a", value: "9", previous_not_exist: true }
        );
        assert!(cas.succeed, "what has expired is not there");
    });
}

#[test]
fn a_store_without_times_to_live_refuses_them() {
    with(raw(Mode::Raw), |f| async move {
        let mut region = Region::of(&f, 0).await;
        let words = "ttl is not enabled, but get put request with ttl";
        assert_eq!(call!(region, raw_put, RawPutRequest { key: "a", value: "1", ttl: 1u64 }).error, words);
        let put = call!(
            region,
            raw_batch_put,
            RawBatchPutRequest { pairs: vec![pair("a", "1")], ttls: vec![1u64] }
        );
        assert_eq!(put.error, words);
        let cas = call!(
            region,
            raw_compare_and_swap,
            RawCasRequest { key: "a", previous_not_exist: true, ttl: 1u64 }
        );
        assert_eq!(cas.error, words);
        assert_eq!(call!(region, raw_get_key_ttl, RawGetKeyTtlRequest { key: "a" }).error, words);
        assert_eq!(region.get("a").await, None);
    });
}

#[test]
fn a_key_or_a_change_can_be_too_large() {
    with(raw(Mode::Raw), |f| async move {
        let mut region = Region::of(&f, 0).await;
        region.client = region.client.max_encoding_message_size(usize::MAX);
        let error = call!(region, raw_put, RawPutRequest { key: vec![b'a'; 8193] }).error;
        assert_eq!(error, "max key size exceeded, size: 8193, limit: 8192");
        assert_eq!(call!(region, raw_put, RawPutRequest { key: vec![b'a'; 8192] }).error, "");
        let answer = call!(region, raw_put, RawPutRequest { key: "b", value: vec![0; 8 << 20] });
        let error = answer.region_error.unwrap();
        let large = error.raft_entry_too_large.unwrap();
        assert!(large.entry_size > 8 << 20);
        assert_eq!(large.region_id, region.context.as_ref().unwrap().region_id);
        assert_eq!(region.get("b").await, None);
        assert_eq!(call!(region, raw_put, RawPutRequest { key: "b", value: vec![0; 4 << 20] }).error, "");
    });
}

#[test]
fn a_client_of_another_api_is_refused_in_tikvs_words() {
    with(raw(Mode::Raw), |f| async move {
        let mut region = Region::of(&f, 0).await;
        region.context.as_mut().unwrap().set_api_version(ApiVersion::V2);
        let words =
            "Api version in request does not match with TiKV storage, cmd: raw_get, storage: V1, request: V2";
        assert_eq!(call!(region, raw_get, RawGetRequest { key: "a" }).error, words);
        let got = call!(region, raw_batch_get, RawBatchGetRequest { keys: vec![Bytes::from("a")] });
        let words = "Error(ApiVersionNotMatched { cmd: raw_batch_get, storage_api_version: V1, req_api_version: V2 })";
        assert_eq!(got.pairs[0].error.as_ref().unwrap().abort, words);
    });
}

/// Keys with their mode and keyspace: `r` and three bytes.
#[test]
fn api_v2_keeps_raw_keys_in_their_place() {
    let borders = Borders::At(vec!["r\0\0\0h".into(), "r\0\0\0p".into()]);
    with(Spec { borders, ..raw(Mode::V2) }, |f| async move {
        let mut region = Region::of(&f, 1).await;
        let refused = call!(region, raw_get, RawGetRequest { key: "r\0\0\0i" }).error;
        assert!(refused.ends_with("cmd: raw_get, storage: V2, request: V1"), "{refused}");
        region.context.as_mut().unwrap().set_api_version(ApiVersion::V2);
        call!(region, raw_put, RawPutRequest { key: "r\0\0\0i", value: "1", ttl: 7u64 });
        assert_eq!(region.get("r\0\0\0i").await.unwrap(), "1");
        assert_eq!(region.scan("r\0\0\0h", "r\0\0\0z", 9, false).await, "r\0\0\0i");
        assert_eq!(region.scan("r\0\0\0p", "r\0\0\0a", 9, true).await, "r\0\0\0i");
        let refused = call!(region, raw_get, RawGetRequest { key: "x\0\0\0i" }).error;
        assert_eq!(
            refused,
            "Key mode mismatched with the request mode, cmd: raw_get, storage: V2, key: 7800000069"
        );
        let refused = call!(region, raw_scan, RawScanRequest { start_key: "r\0\0\0i", limit: 1u32 });
        let words = r#"Error(InvalidKeyRangeMode { cmd: raw_scan, storage_api_version: V2, range: (Some("7200000069"), None) })"#;
        assert_eq!(refused.kvs[0].error.as_ref().unwrap().abort, words);
        let refused = call!(region, raw_get, RawGetRequest { key: "r\0\0\0i", cf: "default" }).error;
        assert_eq!(refused, "cf is deprecated in API V2, cf name: default");
        let outside = call!(region, raw_get, RawGetRequest { key: "r\0\0\0q" }).region_error.unwrap();
        assert!(outside.key_not_in_region.is_some());
    });
}
