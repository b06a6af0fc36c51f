//! Raw keys over regions that move, against a map.

mod client;

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::time::Duration;

use bytes::Bytes;
use fake_tikv::proto::kvrpcpb::KvPair;
use fake_tikv::proto::pdpb::SplitAndScatterRegionsRequest;
use fake_tikv::{Borders, Mode, Node, Spec};
use proptest::prelude::*;
use tokio::time::sleep;

use self::client::Client;
use crate::fixture::{Fixture, spec, with};

/// What happens: something that the client does, or something that happens to the cluster.
#[derive(Clone, Debug)]
enum Act {
    Get(Bytes),
    Put(Bytes, Bytes),
    Delete(Bytes),
    Swap(Bytes, Option<Bytes>, Bytes),
    GetAll(Vec<Bytes>),
    PutAll(BTreeMap<Bytes, Bytes>),
    Scan(Bytes, Bytes, u32),
    ScanDown(Bytes, Bytes, u32),
    DeleteRange(Bytes, Bytes),
    Checksum(Bytes, Bytes),
    /// Regions divide at keys, and their parts get other leaders.
    Split(Vec<Bytes>),
    /// A region, by its place, merges into the one before it.
    Merge(prop::sample::Index),
    /// A region, by its place, is led by another store.
    Lead(prop::sample::Index, u64),
    /// A store fails, and is back after its regions have elected others.
    Fail(u64),
}

/// Few keys, so that acts meet.
fn key() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(b'a'..=b'c', 1..3).prop_map(Bytes::from)
}
/// A key, or the end of the key space.
fn edge() -> impl Strategy<Value = Bytes> {
    prop_oneof![4 => key(), 1 => Just(Bytes::new())]
}
fn value() -> impl Strategy<Value = Bytes> {
    (0u8..4).prop_map(|n| Bytes::from(vec![b'0' + n; usize::from(n)]))
}
fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => key().prop_map(Act::Get),
        6 => (key(), value()).prop_map(|(key, value)| Act::Put(key, value)),
        2 => key().prop_map(Act::Delete),
        2 => (key(), prop::option::of(value()), value()).prop_map(|(key, old, new)| Act::Swap(key, old, new)),
        2 => prop::collection::vec(key(), 1..6).prop_map(Act::GetAll),
        2 => prop::collection::btree_map(key(), value(), 1..6).prop_map(Act::PutAll),
        3 => (edge(), edge(), 1u32..8).prop_map(|(start, end, limit)| Act::Scan(start, end, limit)),
        3 => (key(), edge(), 1u32..8).prop_map(|(start, end, limit)| Act::ScanDown(start, end, limit)),
        1 => (edge(), edge()).prop_map(|(start, end)| Act::DeleteRange(start, end)),
        1 => (edge(), edge()).prop_map(|(start, end)| Act::Checksum(start, end)),
        2 => prop::collection::vec(key(), 1..3).prop_map(Act::Split),
        1 => any::<prop::sample::Index>().prop_map(Act::Merge),
        2 => (any::<prop::sample::Index>(), 1u64..=3).prop_map(|(at, store)| Act::Lead(at, store)),
        1 => (1u64..=3).prop_map(Act::Fail),
    ]
}

/// The truth.
#[derive(Default)]
struct Model(BTreeMap<Bytes, Bytes>);

impl Model {
    fn range(&self, start: &Bytes, end: &Bytes) -> impl DoubleEndedIterator<Item = KvPair> {
        let to = if end.is_empty() { Unbounded } else { Excluded(end) };
        let valid = end.is_empty() || start < end;
        let pairs = valid.then(|| self.0.range::<Bytes, _>((Included(start), to))).into_iter().flatten();
        pairs.map(|(key, value)| KvPair { key: key.clone(), value: value.clone(), error: None })
    }
    /// Bit by bit: another way than the store's.
    fn checksum(&self, start: &Bytes, end: &Bytes) -> (u64, u64, u64) {
        self.range(start, end).fold((0, 0, 0), |(sum, pairs, bytes), pair| {
            let data = [&pair.key[..], &pair.value[..]].concat();
            let crc = data.iter().fold(u64::MAX, |crc, byte| {
                (0..8).fold(crc ^ u64::from(*byte), |crc, _| {
                    (crc >> 1) ^ if crc & 1 == 1 { 0xc96c_5795_d787_0f42 } else { 0 }
                })
            });
            (sum ^ !crc, pairs + 1, bytes + data.len() as u64)
        })
    }
}

/// Does one thing, to the model and through the client, and compares.
async fn step(f: &Fixture, client: &mut Client<'_>, model: &mut Model, act: Act) {
    match act {
        Act::Get(key) => assert_eq!(client.get(&key).await.as_ref(), model.0.get(&key)),
        Act::Put(key, value) => {
            client.put(&key, &value).await;
            model.0.insert(key, value);
        }
        Act::Delete(key) => {
            client.delete(&key).await;
            model.0.remove(&key);
        }
        Act::Swap(key, old, new) => {
            let before = model.0.get(&key).cloned();
            let fits = before == old;
            assert_eq!(client.swap(&key, old.as_ref(), &new).await, (before, fits));
            if fits {
                model.0.insert(key, new);
            }
        }
        Act::GetAll(mut keys) => {
            let got = client.get_all(&keys).await;
            keys.sort();
            let pair = |key: Bytes| Some(KvPair { value: model.0.get(&key)?.clone(), key, error: None });
            assert_eq!(got, keys.into_iter().filter_map(pair).collect::<Vec<_>>());
        }
        Act::PutAll(pairs) => {
            client.put_all(&pairs.clone().into_iter().collect::<Vec<_>>()).await;
            model.0.extend(pairs);
        }
        Act::Scan(start, end, limit) => {
            let want: Vec<_> = model.range(&start, &end).take(limit as usize).collect();
            assert_eq!(client.scan(&start, &end, limit).await, want);
        }
        Act::ScanDown(start, end, limit) => {
            let want: Vec<_> = model.range(&end, &start).rev().take(limit as usize).collect();
            assert_eq!(client.scan_down(&start, &end, limit).await, want);
        }
        Act::DeleteRange(start, end) => {
            client.delete_range(&start, &end).await;
            let gone: Vec<_> = model.range(&start, &end).map(|pair| pair.key).collect();
            for key in &gone {
                model.0.remove(key);
            }
        }
        Act::Checksum(start, end) => {
            assert_eq!(client.checksum(&start, &end).await, model.checksum(&start, &end));
        }
        Act::Split(split_keys) => {
            let split = SplitAndScatterRegionsRequest { split_keys, ..Default::default() };
            f.pd_leader().await.split_and_scatter_regions(split).await.unwrap();
        }
        Act::Merge(at) => {
            let regions = f.regions().await;
            let ids: Vec<u64> = regions.iter().map(|region| region.region.as_ref().unwrap().id).collect();
            if ids.len() > 1 {
                let at = at.index(ids.len() - 1);
                f.cluster.merge(ids[at + 1], ids[at]).unwrap();
            }
        }
        Act::Lead(at, store) => {
            let regions = f.regions().await;
            let id = regions[at.index(regions.len())].region.as_ref().unwrap().id;
            // refused where it leads already
            let _ = f.cluster.transfer_leader(id, store);
        }
        Act::Fail(store) => {
            f.cluster.stop(Node::Store(store));
            sleep(Duration::from_secs(11)).await;
            f.cluster.restart(Node::Store(store));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn raw_keys_are_a_map_whatever_happens_to_their_regions(
        borders in prop::collection::btree_set(key(), 0..4),
        acts in prop::collection::vec(act(), 1..40),
        seed: u64,
    ) {
        let regions = borders.len() as u32 + 1;
        let borders = Borders::At(borders.into_iter().collect());
        let spec = Spec { mode: Mode::Raw, regions, keys_per_region: 0, borders, seed, ..spec() };
        with(spec, |f| async move {
            let (mut client, mut model) = (Client::new(&f).await, Model::default());
            for act in acts {
                step(&f, &mut client, &mut model, act).await;
            }
            let all: Vec<_> = model.range(&Bytes::new(), &Bytes::new()).collect();
            assert_eq!(client.scan(&Bytes::new(), &Bytes::new(), 1_000).await, all);
        });
    }
}
