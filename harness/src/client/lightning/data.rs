//! What is to be imported, and its batches as they go over the wire.
//!
//! Client and fake cluster agree on [`fake_tikv::data`]: sorted keys by number, as many in each region. Its rows are
//! small; what a batch lacks of its size on the wire is made up outside of them.

use std::ops::Range;
use std::sync::OnceLock;

use bytes::{BufMut, Bytes};
use fake_tikv::data;
use fake_tikv::proto::import_sstpb::{Pair, WriteBatch, WriteRequest, write_request};
use fake_tikv::proto::kvrpcpb::Context;
use prost::encoding::{DecodeContext, WireType};
use prost::{DecodeError, Message};

use crate::client::Workload;

/// The commit timestamp of everything imported: one for an engine, as the original has it.
const COMMIT_TS: u64 = 400_036_290_571_534_337;

/// The sorted data, in its shape for this import.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    /// Ranges that the generator hands out, as the original splits its sorted file: one about a region's size.
    ranges: u32,
    keys_per_range: u64,
    batches: u64,
    batch_bytes: usize,
}

/// The batches of one range of keys: encoded at the first write, shared by all attempts.
#[derive(Debug)]
pub(super) struct Payload {
    keys: Range<u64>,
    batches: OnceLock<Vec<Batch>>,
}

/// Some pairs, encoded.
#[derive(Debug)]
pub(super) struct Batch {
    /// The first key after it.
    pub(super) end: u64,
    /// Bytes of its keys and values.
    pub(super) bytes: usize,
    /// The message.
    pub(super) request: Prepared,
}

/// A request encoded once for several streams: Go's `grpc.PreparedMsg`.
#[derive(Clone, Debug, Default)]
pub(super) struct Prepared(Bytes);

impl Engine {
    /// The data for a cluster with so many keys in each region.
    pub(super) fn new(workload: &Workload, keys_per_region: u32) -> Self {
        Self {
            ranges: workload.regions,
            keys_per_range: u64::from(keys_per_region),
            batches: u64::from(workload.batches.max(1)),
            batch_bytes: workload.batch_bytes,
        }
    }
    /// How many keys there are.
    pub(super) fn keys(&self) -> u64 {
        u64::from(self.ranges) * self.keys_per_range
    }
    /// How many ranges it is imported in.
    pub(super) fn ranges(&self) -> u32 {
        self.ranges
    }
    /// The keys of range `r`.
    pub(super) fn range(&self, r: u32) -> Range<u64> {
        let first = u64::from(r) * self.keys_per_range;
        first..first + self.keys_per_range
    }
    /// Which of `keys` lie in the region from `start` to `end`; an empty `end` is the end of all keys.
    pub(super) fn within(keys: &Range<u64>, start: &[u8], end: &[u8]) -> Range<u64> {
        let first = position(keys, start);
        let last = if end.is_empty() { keys.end } else { position(keys, end) };
        first..last.max(first)
    }
    /// The batches of a payload: [`Workload::batches`] for a whole range, in which its keys are spread evenly, each of
    /// [`Workload::batch_bytes`]; fewer for a part of a range.
    pub(super) fn batches<'a>(&self, payload: &'a Payload) -> &'a [Batch] {
        payload.batches.get_or_init(|| {
            let keys = &payload.keys;
            let batches =
                (self.batches * (keys.end - keys.start)).div_ceil(self.keys_per_range.max(1)).max(1);
            let end = |batch| keys.start + (keys.end - keys.start) * batch / batches;
            (0..batches).map(|batch| Batch::encode(end(batch)..end(batch + 1), self.batch_bytes)).collect()
        })
    }
}

/// The first of `keys` that is not before `at`.
fn position(keys: &Range<u64>, at: &[u8]) -> u64 {
    let (mut low, mut high) = (keys.start, keys.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if data::key(middle).as_ref() < at { low = middle + 1 } else { high = middle }
    }
    low
}

impl Payload {
    /// Nothing is encoded yet.
    pub(super) fn new(keys: Range<u64>) -> Self {
        Self { keys, batches: OnceLock::new() }
    }
    /// Whether these are its keys.
    pub(super) fn is_of(&self, keys: &Range<u64>) -> bool {
        self.keys == *keys
    }
}

impl Batch {
    fn encode(keys: Range<u64>, size: usize) -> Self {
        let end = keys.end;
        let pair = |i| Pair { key: data::key(i), value: data::value(i), ..Pair::default() };
        let pairs: Vec<Pair> = keys.map(pair).collect();
        let filled: usize = pairs.iter().map(|pair| pair.key.len() + pair.value.len()).sum();
        let chunk = write_request::Chunk::Batch(WriteBatch { commit_ts: COMMIT_TS, pairs });
        let padding =
            Context { request_source: " ".repeat(size.saturating_sub(filled)), ..Context::default() };
        let request = WriteRequest { chunk: Some(chunk), context: Some(padding) };
        Self { end, bytes: filled.max(size), request: Prepared(request.encode_to_vec().into()) }
    }
}

impl Message for Prepared {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        buf.put_slice(&self.0);
    }
    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl bytes::Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        // it is only ever sent
        prost::encoding::skip_field(wire_type, tag, buf, ctx)
    }
    fn encoded_len(&self) -> usize {
        self.0.len()
    }
    fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn engine(batches: u32) -> Engine {
        let workload = Workload {
            regions: 3,
            batches,
            batch_bytes: 16 << 10,
            workers: 1,
            connections: 1,
            duration: Duration::ZERO,
        };
        Engine::new(&workload, 10)
    }

    fn pairs(batch: &Batch) -> Vec<Pair> {
        let request = WriteRequest::decode(&*batch.request.encode_to_vec()).unwrap();
        let Some(write_request::Chunk::Batch(batch)) = request.chunk else { panic!("no batch") };
        batch.pairs
    }

    fn keys_in(batches: &[Batch]) -> Vec<Bytes> {
        batches.iter().flat_map(pairs).map(|pair| pair.key).collect()
    }

    #[test]
    fn a_range_goes_in_so_many_batches_of_that_size_with_every_key_once() {
        for count in [1, 4, 10, 25] {
            let engine = engine(count);
            let payload = Payload::new(engine.range(1));
            let batches = engine.batches(&payload);
            assert_eq!(batches.len(), count as usize);
            assert_eq!(keys_in(batches), (10..20).map(data::key).collect::<Vec<_>>());
            assert_eq!(batches.last().map(|batch| batch.end), Some(20));
            for batch in batches {
                let wire = batch.request.encoded_len();
                assert!((16 << 10..17 << 10).contains(&wire), "{wire}");
            }
        }
    }

    #[test]
    fn a_part_of_a_range_goes_in_its_share_of_batches() {
        let engine = engine(4);
        let payload = Payload::new(12..17);
        let batches = engine.batches(&payload);
        assert_eq!(batches.len(), 2);
        assert_eq!(keys_in(batches), (12..17).map(data::key).collect::<Vec<_>>());
    }

    #[test]
    fn a_region_takes_the_keys_between_its_borders() {
        let all = 0..30;
        assert_eq!(Engine::within(&all, b"", b""), 0..30);
        assert_eq!(Engine::within(&all, &data::key(10), &data::key(20)), 10..20);
        assert_eq!(Engine::within(&(12..18), &data::key(10), &data::key(15)), 12..15);
        assert!(Engine::within(&(0..5), &data::key(10), &data::key(20)).is_empty());
    }
}
