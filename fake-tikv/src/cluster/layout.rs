//! What a new cluster looks like.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use bytes::Bytes;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::etcd::Etcd;
use super::group::Group;
use super::keyspaces::Keyspaces;
use super::nodes::Nodes;
use super::operators::Operators;
use super::region::{Region, Regions};
use super::safe_points::SafePoints;
use super::settings::Settings;
use super::store::{Patience, Process};
use super::tso::Oracle;
use super::views::Views;
use super::{Ids, State};
use crate::data;
use crate::proto::metapb;
use crate::spec::{Borders, Mode, Node, PeerOrder, Spec};

/// Replicas of a region; PD's default (replication.max-replicas).
const REPLICAS: usize = 3;

/// A generator of its own for each use, so that one use does not shift another.
fn generator(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

impl State {
    /// A cluster of processes that are all up, with balanced leaders.
    pub(crate) fn new(spec: &Spec, nodes: impl IntoIterator<Item = (Node, SocketAddr)>) -> Self {
        let mut rng = generator(spec.seed, 0);
        // as PD's: large, and never 0, which means "not known"
        let cluster_id = (rng.next_u64() >> 2) | 1;
        let pd: Vec<u64> = (0..u64::from(spec.pd)).collect();
        let drawn = pd.choose_or_zero(&mut rng);
        let leader = spec.pd_leader.map(u64::from).filter(|leader| pd.contains(leader)).unwrap_or(drawn);
        // stores have taken the first
        let mut ids = Ids(spec.stores.into());
        let regions = regions(spec, &mut rng, &mut ids);
        let share = |region: &Region| (region.meta.start_key.clone(), region.meta.end_key.clone());
        Self {
            cluster_id,
            shares: regions.iter().map(share).collect(),
            regions,
            ids,
            tso: Oracle::default(),
            safe_points: SafePoints::default(),
            keyspaces: Keyspaces::default(),
            operators: Operators::default(),
            etcd: Etcd::default(),
            settings: Settings::default(),
            views: Views::default(),
            pd: Group::new(pd, leader),
            nodes: Nodes::new(
                nodes.into_iter().map(|(node, addr)| (node, Process::new(addr))),
                spec.election,
            ),
            patience: Patience::new(spec.scale),
            elections: generator(spec.seed, 1),
            scatters: generator(spec.seed, 2),
            due: BTreeSet::new(),
            now: 0,
            changes: Vec::new(),
        }
    }
}

/// Regions over the whole key space, an equal share of the data set in each.
fn regions(spec: &Spec, rng: &mut ChaCha8Rng, ids: &mut Ids) -> Regions {
    let mut stores: Vec<u64> = (1..=u64::from(spec.stores)).collect();
    let mut leaders: BTreeMap<u64, u32> = stores.iter().map(|id| (*id, 0)).collect();
    let mut regions = Regions::default();
    for r in 0..spec.regions {
        let replicas = replicas(&mut stores, spec.peer_order, rng);
        // the store with the fewest leaders so far; of equals, the first in the peers' order
        let leader = replicas.iter().copied().min_by_key(|id| leaders[id]).unwrap_or_default();
        leaders.entry(leader).and_modify(|n| *n += 1);
        let end_key = if r + 1 == spec.regions { Bytes::new() } else { border(spec, r + 1) };
        let meta = metapb::Region {
            id: ids.next(),
            start_key: border(spec, r),
            end_key,
            // a replica joins in two steps, as learner and as voter
            region_epoch: Some(metapb::RegionEpoch { conf_ver: 2 * replicas.len() as u64 - 1, version: 1 }),
            peers: replicas
                .iter()
                .map(|store| metapb::Peer { id: ids.next(), store_id: *store, ..Default::default() })
                .collect(),
            ..Default::default()
        };
        regions.insert(Region { meta, group: Group::new(replicas, leader) });
    }
    regions
}

/// Where region `r` begins, as regions know keys.
fn border(spec: &Spec, r: u32) -> Bytes {
    let key = match &spec.borders {
        _ if r == 0 => Bytes::new(),
        Borders::DataSet => data::border(r, spec.keys_per_region),
        Borders::Even => {
            let prefix: &[u8] = if spec.mode == Mode::V2 { &[b'x', 0, 0, 0] } else { &[] };
            let share = ((u64::from(r) << 32) / u64::from(spec.regions)) as u32;
            let bytes = if spec.regions <= 1 << 16 { 2 } else { 4 };
            Bytes::from([prefix, &share.to_be_bytes()[..bytes]].concat())
        }
        Borders::At(keys) => keys.get(r as usize - 1).cloned().unwrap_or_default(),
    };
    spec.mode.region_key(&key)
}

/// The stores of a region's peers, in order.
fn replicas(stores: &mut [u64], order: PeerOrder, rng: &mut ChaCha8Rng) -> Vec<u64> {
    let n = stores.len().min(REPLICAS);
    let (chosen, _) = stores.partial_shuffle(rng, n);
    let mut chosen = chosen.to_vec();
    if let PeerOrder::First(first) = order
        && stores.contains(&first)
    {
        chosen.retain(|store| *store != first);
        chosen.truncate(n - 1);
        chosen.insert(0, first);
    }
    chosen
}

/// A seeded choice that has an answer for no choice.
trait ChooseOrZero {
    fn choose_or_zero(&self, rng: &mut ChaCha8Rng) -> u64;
}
impl ChooseOrZero for Vec<u64> {
    fn choose_or_zero(&self, rng: &mut ChaCha8Rng) -> u64 {
        use rand::seq::IndexedRandom;
        self.choose(rng).copied().unwrap_or_default()
    }
}
