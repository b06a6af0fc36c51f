//! A client of raw keys as clients are: it remembers regions and leaders, finds out that they have changed from the
//! answers, and tries again.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use fake_tikv::proto::kvrpcpb::{
    KeyRange, KvPair, RawBatchGetRequest, RawBatchPutRequest, RawCasRequest, RawChecksumRequest,
    RawDeleteRangeRequest, RawDeleteRequest, RawGetRequest, RawPutRequest, RawScanRequest,
};
use fake_tikv::proto::tikvpb::tikv_client::TikvClient;
use fake_tikv::proto::{errorpb, pdpb};
use tokio::time::sleep;
use tonic::transport::Channel;

use crate::fixture::{Fixture, context, leader};

/// Tries of one call; with a pause of a second each, enough for any election.
const TRIES: u32 = 60;

pub(super) struct Client<'a> {
    f: &'a Fixture,
    /// As remembered: perhaps out of date.
    regions: Vec<pdpb::Region>,
    stores: BTreeMap<u64, TikvClient<Channel>>,
    /// Answers that told that something had changed.
    pub(super) corrected: u32,
}

/// Sends a request to the leader of the region that `$find` finds, until it is carried out.
macro_rules! call {
    ($self:ident, $find:expr, $method:ident, |$region:ident, $context:ident| $request:expr) => {{
        let mut tries = 0;
        loop {
            tries += 1;
            assert!(tries < TRIES, "no region takes the request");
            let $region = $self.regions.iter().find(|region| $find(meta(region))).unwrap().clone();
            let $context = Some(context(&$region));
            let request = $request;
            let Some(mut store) = $self.store(leader(&$region).store_id).await else {
                $self.look_again().await;
                continue;
            };
            match store.$method(request).await.map(tonic::Response::into_inner) {
                Ok(mut answer) => match answer.region_error.take() {
                    None => break (answer, $region),
                    Some(error) => $self.correct(&$region, &error).await,
                },
                Err(_) => $self.look_again().await,
            }
        }
    }};
}

fn meta(region: &pdpb::Region) -> &fake_tikv::proto::metapb::Region {
    region.region.as_ref().unwrap()
}
fn holds(region: &fake_tikv::proto::metapb::Region, key: &Bytes) -> bool {
    *key >= region.start_key && (region.end_key.is_empty() || *key < region.end_key)
}
/// Whether the region holds what is just before a key.
fn holds_before(region: &fake_tikv::proto::metapb::Region, key: &Bytes) -> bool {
    *key > region.start_key && (region.end_key.is_empty() || *key <= region.end_key)
}

impl<'a> Client<'a> {
    pub(super) async fn new(f: &'a Fixture) -> Self {
        Self { f, regions: f.regions().await, stores: BTreeMap::new(), corrected: 0 }
    }

    async fn store(&mut self, id: u64) -> Option<TikvClient<Channel>> {
        if !self.stores.contains_key(&id) {
            let channel = self.f.channel(fake_tikv::Node::Store(id)).await.ok()?;
            self.stores.insert(id, TikvClient::new(channel));
        }
        self.stores.get(&id).cloned()
    }
    async fn look_again(&mut self) {
        sleep(Duration::from_secs(1)).await;
        self.regions = self.f.regions().await;
    }
    /// Learns from an error what it tells, and asks PD for the rest.
    async fn correct(&mut self, region: &pdpb::Region, error: &errorpb::Error) {
        self.corrected += 1;
        let told = error.not_leader.as_ref().and_then(|not_leader| not_leader.leader);
        let known = self.regions.iter_mut().find(|known| meta(known).id == meta(region).id);
        match (told, known) {
            (Some(leader), Some(known)) => known.leader = Some(leader),
            _ => self.look_again().await,
        }
    }

    pub(super) async fn get(&mut self, key: &Bytes) -> Option<Bytes> {
        let (answer, _) = call!(self, |r| holds(r, key), raw_get, |region, context| {
            RawGetRequest { context, key: key.clone(), ..Default::default() }
        });
        assert_eq!(answer.error, "");
        (!answer.not_found).then_some(answer.value)
    }
    pub(super) async fn put(&mut self, key: &Bytes, value: &Bytes) {
        let (answer, _) = call!(self, |r| holds(r, key), raw_put, |region, context| {
            RawPutRequest { context, key: key.clone(), value: value.clone(), ..Default::default() }
        });
        assert_eq!(answer.error, "");
    }
    pub(super) async fn delete(&mut self, key: &Bytes) {
        let (answer, _) = call!(self, |r| holds(r, key), raw_delete, |region, context| {
            RawDeleteRequest { context, key: key.clone(), ..Default::default() }
        });
        assert_eq!(answer.error, "");
    }
    /// The value before, if there was one, and whether it was the expected one.
    pub(super) async fn swap(
        &mut self,
        key: &Bytes,
        before: Option<&Bytes>,
        value: &Bytes,
    ) -> (Option<Bytes>, bool) {
        let (answer, _) = call!(self, |r| holds(r, key), raw_compare_and_swap, |region, context| {
            RawCasRequest {
                context,
                key: key.clone(),
                value: value.clone(),
                previous_not_exist: before.is_none(),
                previous_value: before.cloned().unwrap_or_default(),
                ..Default::default()
            }
        });
        assert_eq!(answer.error, "");
        ((!answer.previous_not_exist).then_some(answer.previous_value), answer.succeed)
    }

    /// The keys' values, of those that have one, in order.
    pub(super) async fn get_all(&mut self, keys: &[Bytes]) -> Vec<KvPair> {
        let mut found = vec![];
        let mut left = keys.to_vec();
        while let Some(first) = left.first().cloned() {
            let (answer, region) = call!(self, |r| holds(r, &first), raw_batch_get, |region, context| {
                let keys = left.iter().filter(|key| holds(meta(&region), key)).cloned().collect();
                RawBatchGetRequest { context, keys, ..Default::default() }
            });
            found.extend(answer.pairs);
            left.retain(|key| !holds(meta(&region), key));
        }
        found.sort_by(|a, b| a.key.cmp(&b.key));
        found
    }
    pub(super) async fn put_all(&mut self, pairs: &[(Bytes, Bytes)]) {
        let mut left = pairs.to_vec();
        while let Some((first, _)) = left.first().cloned() {
            let (answer, region) = call!(self, |r| holds(r, &first), raw_batch_put, |region, context| {
                let here = left.iter().filter(|(key, _)| holds(meta(&region), key)).cloned();
                let pairs = here.map(|(key, value)| KvPair { key, value, error: None }).collect();
                RawBatchPutRequest { context, pairs, ..Default::default() }
            });
            assert_eq!(answer.error, "");
            left.retain(|(key, _)| !holds(meta(&region), key));
        }
    }

    /// Up to `limit` pairs from `start` up to `end`, region by region.
    pub(super) async fn scan(&mut self, start: &Bytes, end: &Bytes, limit: u32) -> Vec<KvPair> {
        let (mut found, mut from) = (vec![], start.clone());
        loop {
            let left = limit - found.len() as u32;
            let (answer, region) = call!(self, |r| holds(r, &from), raw_scan, |region, context| {
                let (start_key, end_key) = (from.clone(), end.clone());
                RawScanRequest { context, start_key, end_key, limit: left, ..Default::default() }
            });
            found.extend(answer.kvs);
            from = meta(&region).end_key.clone();
            if from.is_empty() || (!end.is_empty() && from >= *end) || found.len() as u32 == limit {
                return found;
            }
        }
    }
    /// Up to `limit` pairs from just before `start` down to `end`, region by region.
    pub(super) async fn scan_down(&mut self, start: &Bytes, end: &Bytes, limit: u32) -> Vec<KvPair> {
        let (mut found, mut from) = (vec![], start.clone());
        loop {
            let left = limit - found.len() as u32;
            let (answer, region) = call!(self, |r| holds_before(r, &from), raw_scan, |region, context| {
                let (start_key, end_key) = (from.clone(), end.clone());
                RawScanRequest {
                    context,
                    start_key,
                    end_key,
                    limit: left,
                    reverse: true,
                    ..Default::default()
                }
            });
            found.extend(answer.kvs);
            from = meta(&region).start_key.clone();
            if from <= *end || found.len() as u32 == limit {
                return found;
            }
        }
    }

    /// Each region's part of a range, as a range of its own.
    pub(super) async fn delete_range(&mut self, start: &Bytes, end: &Bytes) {
        let mut from = start.clone();
        while end.is_empty() || from < *end {
            let (answer, region) = call!(self, |r| holds(r, &from), raw_delete_range, |region, context| {
                let (start_key, end_key) = (from.clone(), clipped(meta(&region), end));
                RawDeleteRangeRequest { context, start_key, end_key, ..Default::default() }
            });
            assert_eq!(answer.error, "");
            from = meta(&region).end_key.clone();
            if from.is_empty() {
                return;
            }
        }
    }
    /// Checksum, pairs and bytes of a range.
    pub(super) async fn checksum(&mut self, start: &Bytes, end: &Bytes) -> (u64, u64, u64) {
        let (mut sum, mut from) = ((0, 0, 0), start.clone());
        while end.is_empty() || from < *end {
            let (answer, region) = call!(self, |r| holds(r, &from), raw_checksum, |region, context| {
                let range = KeyRange { start_key: from.clone(), end_key: clipped(meta(&region), end) };
                RawChecksumRequest { context, ranges: vec![range], ..Default::default() }
            });
            assert_eq!(answer.error, "");
            sum = (sum.0 ^ answer.checksum, sum.1 + answer.total_kvs, sum.2 + answer.total_bytes);
            from = meta(&region).end_key.clone();
            if from.is_empty() {
                break;
            }
        }
        sum
    }
}

/// The smaller of a range's end and the region's.
fn clipped(region: &fake_tikv::proto::metapb::Region, end: &Bytes) -> Bytes {
    let ours = &region.end_key;
    if end.is_empty() || (!ours.is_empty() && ours < end) { ours.clone() } else { end.clone() }
}
