//! Moves of a cluster, without sockets and with a clock of numbers.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::State;
use super::error::MoveError;
use super::partition::Direction;
use super::store::Patience;
use crate::proto::metapb;
use crate::spec::{Borders, Node, Spec};

const MINUTE: u64 = 60_000;

fn cluster(stores: u32, regions: u32) -> State {
    let spec = Spec {
        pd: 3,
        stores,
        regions,
        borders: Borders::Even,
        election: Duration::from_secs(10),
        ..Spec::default()
    };
    let nodes = (0..3).map(Node::Pd).chain((1..=u64::from(stores)).map(Node::Store));
    State::new(&spec, nodes.map(|node| (node, SocketAddr::from(([127, 0, 0, 1], 1)))))
}
fn ids(state: &State) -> Vec<u64> {
    state.regions.iter().map(|region| region.meta.id).collect()
}
fn meta(state: &State, id: u64) -> metapb::Region {
    state.regions.by_id(id).unwrap().meta.clone()
}
fn epoch(state: &State, id: u64) -> (u64, u64) {
    let epoch = meta(state, id).region_epoch.unwrap();
    (epoch.conf_ver, epoch.version)
}
fn leader(state: &State, id: u64) -> Option<u64> {
    state.regions.by_id(id).unwrap().group.leader()
}
fn stores(state: &State, id: u64) -> Vec<u64> {
    let mut stores: Vec<u64> = meta(state, id).peers.iter().map(|peer| peer.store_id).collect();
    stores.sort_unstable();
    stores
}
/// A store that a region has no peer on.
fn other(state: &State, id: u64) -> u64 {
    (1..=9).find(|store| !stores(state, id).contains(store)).unwrap()
}
fn said(state: &mut State) -> Vec<(u64, String)> {
    state.take_changes()
}

/// What must hold after any move: the key space is covered, groups have the regions' peers, the index is right.
fn sound(state: &State) {
    let regions: Vec<_> = state.regions.iter().collect();
    assert!(regions[0].meta.start_key.is_empty() && regions[regions.len() - 1].meta.end_key.is_empty());
    assert!(regions.windows(2).all(|pair| pair[0].meta.end_key == pair[1].meta.start_key));
    for region in &regions {
        let peers: Vec<u64> = region.meta.peers.iter().map(|peer| peer.store_id).collect();
        assert_eq!(region.group.members(), peers);
        assert!(region.group.leader().is_none_or(|leader| peers.contains(&leader)));
        assert!(peers.iter().all(|store| state.regions.on(*store).any(|id| id == region.meta.id)));
    }
    let peers: usize = regions.iter().map(|region| region.meta.peers.len()).sum();
    let indexed: usize = (1..=200).map(|store| state.regions.peers_on(store)).sum();
    assert_eq!(peers, indexed);
}

#[test]
fn a_named_member_leads_pd_from_the_start_whatever_the_seed() {
    let leader = |seed, pd_leader| {
        let spec = Spec { pd: 3, stores: 3, regions: 3, seed, pd_leader, ..Spec::default() };
        State::new(&spec, (0..3).map(Node::Pd).map(|node| (node, SocketAddr::from(([127, 0, 0, 1], 1)))))
            .pd()
            .leader()
    };
    assert!((0..20).all(|seed| leader(seed, Some(2)) == Some(2)));
    assert!((1..20).any(|seed| leader(seed, None) != leader(0, None)), "else a seed draws one");
    assert_eq!(leader(7, Some(9)), leader(7, None));
}

#[test]
fn a_region_merges_into_either_neighbour_and_is_gone() {
    let mut state = cluster(3, 4);
    let [a, b, c, d] = ids(&state)[..] else { panic!("four regions") };
    let (start, end) = (meta(&state, b).start_key, meta(&state, c).end_key);
    // the source's version grows while the merge is prepared, the target's when it is committed
    state.merge(b, c).unwrap();
    assert_eq!((ids(&state), epoch(&state, c)), (vec![a, c, d], (5, 3)));
    assert_eq!((meta(&state, c).start_key, meta(&state, c).end_key), (start, end));
    state.merge(d, c).unwrap();
    state.merge(c, a).unwrap();
    assert_eq!((ids(&state), epoch(&state, a)), (vec![a], (5, 6)));
    sound(&state);
    assert_eq!(state.merge(c, a), Err(MoveError::NoRegion(c)));
    assert_eq!(state.merge(a, a), Err(MoveError::NotNeighbours { source_id: a, target: a }));
}

#[test]
fn regions_that_are_apart_or_without_a_leader_do_not_merge() {
    let mut state = cluster(3, 3);
    let [a, b, c] = ids(&state)[..] else { panic!("three regions") };
    assert_eq!(state.merge(a, c), Err(MoveError::NotNeighbours { source_id: a, target: c }));
    let down = leader(&state, b).unwrap();
    state.stop(Node::Store(down));
    assert_eq!(state.merge(a, b), Err(MoveError::NoLeader(b)));
    state.advance(10_000);
    state.merge(a, b).unwrap();
    sound(&state);
}

#[test]
fn a_merge_brings_the_sources_peers_to_the_targets_stores_first() {
    let mut state = cluster(6, 40);
    let pairs: Vec<_> = ids(&state).chunks(2).map(|pair| (pair[0], pair[1])).collect();
    let apart = pairs.iter().filter(|(a, b)| stores(&state, *a) != stores(&state, *b)).count();
    assert!(apart > 0, "the seed makes no such regions");
    for (a, b) in pairs {
        let there = stores(&state, b);
        state.merge(a, b).unwrap();
        assert_eq!(stores(&state, b), there);
        sound(&state);
    }
}

#[test]
fn a_lead_is_handed_over_in_the_next_term_to_a_peer_that_can_have_it() {
    let mut state = cluster(4, 1);
    let id = ids(&state)[0];
    let (old, outside) = (leader(&state, id).unwrap(), other(&state, id));
    let new = stores(&state, id).into_iter().find(|store| *store != old).unwrap();
    let none = MoveError::NoPeer { region: id, store: Node::Store(outside) };
    assert_eq!(state.transfer_leader(id, outside), Err(none));
    state.transfer_leader(id, new).unwrap();
    let group = &state.regions.by_id(id).unwrap().group;
    assert_eq!((group.leader(), group.last_leader(), group.term()), (Some(new), new, 7));
    assert_eq!(epoch(&state, id), (5, 1));
    state.freeze(Node::Store(old));
    assert_eq!(state.transfer_leader(id, old), Err(MoveError::OutOfReach(Node::Store(old))));
    assert_eq!(state.transfer_leader(id, new), Ok(()), "it leads already");
    sound(&state);
}

#[test]
fn pd_hands_its_lead_over_to_a_member_that_is_there() {
    let mut state = cluster(1, 1);
    let old = state.pd().leader().unwrap() as u32;
    let new = (old + 1) % 3;
    state.transfer_pd_leader(new).unwrap();
    assert_eq!(state.pd().leader(), Some(new.into()));
    state.stop(Node::Pd(old));
    assert_eq!(state.transfer_pd_leader(old), Err(MoveError::OutOfReach(Node::Pd(old))));
    assert_eq!(state.transfer_pd_leader(7), Err(MoveError::NoNode(Node::Pd(7))));
}

#[test]
fn peers_come_in_two_changes_and_go_in_one() {
    let mut state = cluster(5, 1);
    let id = ids(&state)[0];
    let (lead, new) = (leader(&state, id).unwrap(), other(&state, id));
    state.add_peer(id, new).unwrap();
    assert_eq!((epoch(&state, id), stores(&state, id).len()), ((7, 1), 4));
    assert_eq!(state.add_peer(id, new), Err(MoveError::HasPeer { region: id, store: Node::Store(new) }));
    // the leader's peer goes: another leads at once
    state.remove_peer(id, lead).unwrap();
    assert_eq!((epoch(&state, id), stores(&state, id).len()), ((8, 1), 3));
    assert!(leader(&state, id).is_some_and(|now| now != lead));
    state.move_peer(id, new, lead).unwrap();
    assert_eq!(epoch(&state, id), (11, 1));
    sound(&state);
    for _ in 0..2 {
        let store = stores(&state, id)[0];
        state.remove_peer(id, store).unwrap();
    }
    let last = stores(&state, id)[0];
    assert_eq!(state.remove_peer(id, last), Err(MoveError::LastPeer(id)));
    sound(&state);
}

#[test]
fn a_scatter_fills_empty_stores_and_follows_the_seed() {
    let scattered = || {
        let mut state = cluster(3, 30);
        for _ in 0..3 {
            let id = state.alloc_id();
            state.add_store(id, SocketAddr::from(([127, 0, 0, 1], 1)));
        }
        for id in ids(&state) {
            state.scatter(id).unwrap();
            assert_eq!(stores(&state, id).len(), 3);
        }
        sound(&state);
        state
    };
    let state = scattered();
    let peers: Vec<_> = state
        .nodes()
        .filter_map(|(node, _)| match node {
            Node::Store(id) => Some(state.regions.peers_on(id)),
            Node::Pd(_) => None,
        })
        .collect();
    assert!(peers.iter().all(|peers| (13..=17).contains(peers)), "{peers:?}");
    let again = scattered();
    assert!(state.regions.iter().zip(again.regions.iter()).all(|(a, b)| a.meta == b.meta));
}

#[test]
fn a_frozen_store_keeps_its_leads_for_the_election_time_and_learns_of_their_loss() {
    let mut state = cluster(3, 6);
    let led = ids(&state).into_iter().find(|id| leader(&state, *id) == Some(2)).unwrap();
    state.advance(1_000);
    state.freeze(Node::Store(2));
    state.advance(10_999);
    assert_eq!(leader(&state, led), Some(2));
    assert_eq!(state.process(Node::Store(2)).unwrap().last_heartbeat(10_999), 1_000);
    state.advance(11_000);
    assert_ne!(leader(&state, led), Some(2));
    state.advance(60_000);
    assert_eq!(state.process(Node::Store(2)).unwrap().state_name(60_000, Patience::new(1)), "Disconnected");
    state.resume(Node::Store(2));
    assert_ne!(leader(&state, led), Some(2));
    let process = state.process(Node::Store(2)).unwrap();
    assert_eq!((process.state_name(60_000, Patience::new(1)), process.start_timestamp(0)), ("Up", 0));
    let words: Vec<_> = said(&mut state);
    let words: Vec<_> = words.iter().map(|(ms, what)| (*ms, what.as_str())).collect();
    assert_eq!(
        words,
        [(1_000, "tikv-2 is frozen"), (11_000, "2 leaders moved off tikv-2"), (60_000, "tikv-2 goes on"),]
    );
}

#[test]
fn a_store_that_is_down_gets_replacements_a_few_at_a_time() {
    let mut state = cluster(6, 200);
    let lost: Vec<u64> = state.regions.on(2).collect();
    let others: Vec<u64> = ids(&state).into_iter().filter(|id| !lost.contains(id)).collect();
    let before: Vec<_> = others.iter().map(|id| meta(&state, *id)).collect();
    state.stop(Node::Store(2));
    state.advance(30 * MINUTE);
    assert_eq!(state.process(Node::Store(2)).unwrap().state_name(state.now(), Patience::new(1)), "Down");
    assert_eq!(state.regions.peers_on(2), lost.len());
    // five stores take peers, 15 a minute each
    state.advance(30 * MINUTE + 4_000);
    assert_eq!(state.regions.peers_on(2), lost.len() - 5);
    state.advance(33 * MINUTE);
    assert_eq!(state.regions.peers_on(2), 0);
    for id in lost {
        assert_eq!((epoch(&state, id), stores(&state, id).len()), ((8, 1), 3));
    }
    assert_eq!(others.iter().map(|id| meta(&state, *id)).collect::<Vec<_>>(), before);
    sound(&state);
}

#[test]
fn a_store_that_is_back_before_it_is_down_keeps_its_peers() {
    let mut state = cluster(4, 20);
    let peers = state.regions.peers_on(2);
    state.stop(Node::Store(2));
    state.advance(29 * MINUTE);
    state.restart(Node::Store(2));
    state.advance(31 * MINUTE);
    state.stop(Node::Store(2));
    state.advance(60 * MINUTE);
    assert_eq!(state.regions.peers_on(2), peers);
    // nowhere to go: the peers stay until a store joins
    let mut state = cluster(3, 20);
    state.stop(Node::Store(2));
    state.advance(60 * MINUTE);
    assert_eq!(state.regions.peers_on(2), 20);
    let new = state.alloc_id();
    state.add_store(new, SocketAddr::from(([127, 0, 0, 1], 1)));
    state.advance(65 * MINUTE);
    assert_eq!((state.regions.peers_on(2), state.regions.peers_on(new)), (0, 20));
    sound(&state);
}

#[test]
fn a_store_that_is_to_leave_hands_its_peers_on_and_ends_as_a_tombstone() {
    let mut state = cluster(4, 20);
    let peers = state.regions.peers_on(1);
    let store = Node::Store(1);
    assert_eq!(state.tombstone(1), Err(MoveError::HasPeers { store, peers }));
    state.offline(1).unwrap();
    assert_eq!(state.process(store).unwrap().state_name(0, Patience::new(1)), "Offline");
    state.advance(5 * MINUTE);
    assert_eq!(
        (state.regions.peers_on(1), state.process(store).unwrap().state_name(state.now(), Patience::new(1))),
        (0, "Tombstone")
    );
    let id = ids(&state)[0];
    assert_eq!(state.add_peer(id, 1).map_err(|error| error.to_string()), Err("`tikv-1` is Tombstone".into()));
    assert!(state.offline(1).is_err() && state.cancel_offline(1).is_err());
    sound(&state);
}

#[test]
fn pd_tells_a_new_address_after_the_next_heartbeat_it_hears() {
    let mut state = cluster(3, 1);
    let (old, new) = (SocketAddr::from(([127, 0, 0, 1], 1)), SocketAddr::from(([127, 0, 0, 1], 2)));
    let addr = |state: &State| state.process(Node::Store(3)).unwrap().addr;
    state.change_address(3, new);
    state.advance(9_999);
    assert_eq!(addr(&state), old);
    state.advance(10_000);
    assert_eq!(addr(&state), new);
    // not while PD does not hear it, and then at once
    state.change_address(3, old);
    state.stop(Node::Store(3));
    state.advance(MINUTE);
    assert_eq!(addr(&state), new);
    state.restart(Node::Store(3));
    assert_eq!(addr(&state), old);
}

#[test]
fn a_leader_cut_off_from_its_peers_loses_its_leads_and_pd_hears_it_still() {
    let mut state = cluster(3, 6);
    let (alone, others) = ([Node::Store(1)], [Node::Store(2), Node::Store(3)]);
    let led: Vec<u64> = ids(&state).into_iter().filter(|id| leader(&state, *id) == Some(1)).collect();
    assert_eq!(state.partition(&alone, &others, Direction::Both), Ok(2));
    assert_eq!(state.partition(&alone, &others, Direction::To), Ok(0));
    state.advance(9_999);
    assert!(led.iter().all(|id| leader(&state, *id) == Some(1)));
    state.advance(MINUTE);
    assert!(ids(&state).into_iter().all(|id| leader(&state, id).is_some_and(|store| store != 1)));
    assert_eq!(state.process(Node::Store(1)).unwrap().state_name(MINUTE, Patience::new(1)), "Up");
    assert_eq!(state.heal(&alone, &others, Direction::Both), Ok(2));
    assert_eq!(
        state.heal(&alone, &[Node::Store(9)], Direction::Both),
        Err(MoveError::NoNode(Node::Store(9)))
    );
}

#[test]
fn one_lost_direction_is_enough_and_a_store_that_pd_does_not_hear_is_disconnected() {
    let mut state = cluster(3, 6);
    let pd = [Node::Pd(0), Node::Pd(1), Node::Pd(2)];
    let leads: Vec<_> = ids(&state).into_iter().map(|id| leader(&state, id)).collect();
    assert_eq!(state.partition(&pd, &[Node::Store(1)], Direction::To), Ok(3));
    state.advance(MINUTE);
    let process = state.process(Node::Store(1)).unwrap();
    assert_eq!(
        (process.state_name(MINUTE, Patience::new(1)), process.last_heartbeat(MINUTE)),
        ("Disconnected", 0)
    );
    // its peers hear it: it leads on
    assert_eq!(ids(&state).into_iter().map(|id| leader(&state, id)).collect::<Vec<_>>(), leads);
    state.heal(&pd, &[Node::Store(1)], Direction::To).unwrap();
    assert_eq!(state.process(Node::Store(1)).unwrap().state_name(MINUTE, Patience::new(1)), "Up");
}

#[test]
fn a_pd_leader_cut_off_from_its_followers_is_replaced_by_one_of_them() {
    let mut state = cluster(1, 1);
    let old = state.pd().leader().unwrap();
    let others: Vec<Node> = (0..3).filter(|member| u64::from(*member) != old).map(Node::Pd).collect();
    state.partition(&[Node::Pd(old as u32)], &others, Direction::Both).unwrap();
    state.advance(10_000);
    let new = state.pd().leader().unwrap();
    assert_ne!(new, old);
    let words = said(&mut state);
    assert_eq!(words.last().unwrap().1, format!("{} leads PD", Node::Pd(new as u32)));
}

proptest::proptest! {
    #[test]
    fn whatever_is_moved_the_key_space_stays_covered(moves in proptest::collection::vec((0u8..12, 0usize..40, 1u64..7, 1u64..7), 1..60)) {
        let mut state = cluster(5, 8);
        for (what, which, a, b) in moves {
            let all = ids(&state);
            let id = all[which % all.len()];
            let next = all[(which + 1) % all.len()];
            let key = Bytes::from(vec![which as u8, a as u8, b as u8]);
            // most are refused: nothing may have changed then, and nothing may panic
            match what {
                0 => drop(state.split(id, &[key])),
                1 => drop(state.merge(id, next)),
                2 => drop(state.merge(next, id)),
                3 => drop(state.transfer_leader(id, a)),
                4 => drop(state.move_peer(id, a, b)),
                5 => drop(state.scatter(id)),
                6 => state.stop(Node::Store(a)),
                7 => state.restart(Node::Store(a)),
                8 => state.freeze(Node::Store(a)),
                9 => drop(state.partition(&[Node::Store(a.min(5))], &[Node::Store(b.min(5))], Direction::Both)),
                10 => drop(state.offline(a)),
                _ => state.advance(state.now() + 20 * MINUTE),
            }
            sound(&state);
        }
    }
}

#[test]
fn a_scaled_cluster_is_as_impatient_as_the_scale_says() {
    let spec = Spec { stores: 4, regions: 4, scale: 60, ..Spec::default() };
    let mut state =
        State::new(&spec, (1..=4).map(|id| (Node::Store(id), SocketAddr::from(([127, 0, 0, 1], id as u16)))));
    state.stop(Node::Store(2));
    let mut name = |ms| {
        state.advance(ms);
        state.state_name(state.process(Node::Store(2)).unwrap())
    };
    assert_eq!([332, 333, 29_999, 30_000].map(&mut name), ["Up", "Disconnected", "Disconnected", "Down"]);
    assert!(state.regions.peers_on(2) > 0);
    state.advance(31_000);
    assert_eq!(state.regions.peers_on(2), 0);
}
