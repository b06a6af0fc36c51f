//! Whom a toxic touches, for how long, and what can be read of it.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::Instant;
use unstuck_proxy::toxic::{Kind, Latency, Only, ResetPeer};
use unstuck_proxy::{Carried, Met, Proxy, Toxic};

use crate::path::*;

fn silent() -> Toxic {
    Toxic::new(Kind::Blackhole).upstream()
}

#[test]
fn a_toxic_for_one_connection_leaves_the_others_alone() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let only = Only { connection: Some(2), ..Only::default() };
        let placed = path.proxy.add(Toxic { only, ..silent() }).unwrap();
        let (mut first, mut its_node) = path.open().await;
        let mut second = path.connect().await.unwrap();
        let mut second_node = path.arrival().await;
        send(&mut second, b"held").await;
        expect_silence(&mut second_node).await;
        healthy(&mut first, &mut its_node).await;
        let touched: Vec<_> = path.proxy.conns().into_iter().map(|conn| (conn.number, conn.toxics)).collect();
        assert_eq!(touched, [(1, vec![]), (2, vec![placed.id()])]);
    });
}

#[test]
fn a_toxic_for_one_client_goes_by_its_address() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut one, mut its_node) = path.open().await;
        let (mut other, mut others_node) = path.open().await;
        let client = Some(one.local_addr().unwrap());
        let _placed = path.proxy.add(Toxic { only: Only { client, ..Only::default() }, ..silent() }).unwrap();
        send(&mut one, b"held").await;
        expect_silence(&mut its_node).await;
        healthy(&mut other, &mut others_node).await;
    });
}

#[test]
fn a_toxic_begins_after_so_many_bytes() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let only = Only { after_bytes: 10, ..Only::default() };
        let _placed = path.proxy.add(Toxic { only, ..silent() }).unwrap();
        send(&mut client, b"ten bytes and more").await;
        expect(&mut node, b"ten bytes ").await;
        expect_silence(&mut node).await;
    });
}

#[test]
fn a_toxic_is_taken_out_when_its_time_is_over() {
    in_sim(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let only = Only { during: Some(500 * MS), ..Only::default() };
        let placed = path.proxy.add(Toxic { only, ..silent() }).unwrap();
        let start = Instant::now();
        send(&mut client, b"held").await;
        expect(&mut node, b"held").await;
        assert!(start.elapsed().abs_diff(500 * MS) < 5 * MS, "{:?}", start.elapsed());
        let status = placed.status().unwrap();
        assert!(!status.in_force && status.evidence.bytes == 4, "its evidence stays: {status:?}");
        assert!(path.proxy.toxics().is_empty());
    });
    on_sockets(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let only = Only { during: Some(20 * MS), ..Only::default() };
        let _placed = path.proxy.add(Toxic { only, ..silent() }).unwrap();
        send(&mut client, b"held").await;
        expect(&mut node, b"held").await;
    });
}

#[test]
fn a_connection_keeps_its_luck_over_updates() {
    in_sim(async |net| {
        let mut path = Path::new(&net);
        let half = Toxic { toxicity: 0.5, ..silent() };
        let placed = path.proxy.add(half.clone()).unwrap();
        let mut conns = Vec::new();
        for _ in 0..20 {
            conns.push((path.connect().await.unwrap(), path.arrival().await));
        }
        let touched = |proxy: &Proxy| -> Vec<u64> {
            let touched = proxy.conns().into_iter().filter(|conn| !conn.toxics.is_empty());
            touched.map(|conn| conn.number).collect()
        };
        let settle = || tokio::time::sleep(10 * MS);
        settle().await;
        let first = touched(&path.proxy);
        assert!((4..=16).contains(&first.len()), "{first:?}");
        let other = path.proxy.add(Toxic::new(Kind::Latency(Latency::of(MS)))).unwrap();
        placed.update(half.clone()).unwrap();
        drop(other);
        settle().await;
        assert_eq!(touched(&path.proxy), first);
        placed.update(Toxic { toxicity: 0.0, ..half.clone() }).unwrap();
        settle().await;
        assert!(touched(&path.proxy).is_empty());
        placed.update(Toxic { toxicity: 1.0, ..half.clone() }).unwrap();
        settle().await;
        assert_eq!(touched(&path.proxy).len(), 20);
        placed.update(half).unwrap();
        settle().await;
        assert_eq!(touched(&path.proxy), first);
    });
}

#[test]
fn counters_are_live_and_their_own() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let placed = path.proxy.add(Toxic::new(Kind::Noop).upstream()).unwrap();
        let (mut client, node) = path.open().await;
        let (_other, _node) = path.open().await;
        client.shutdown().await.unwrap();
        let [conn, other] = &path.proxy.conns()[..] else { panic!("two connections") };
        assert_eq!((conn.number, conn.client), (1, client.local_addr().unwrap()));
        assert_eq!(
            (conn.up, conn.down),
            (Carried { received: 4, bytes: 4, chunks: 1 }, Carried { received: 4, bytes: 4, chunks: 1 })
        );
        assert_eq!(other.toxics, [placed.id()]);
        let status = placed.status().unwrap();
        assert_eq!(status.met, Met { bytes: 8, chunks: 2, connections: 2, live: 2, passed_by: 0 });
        assert!(!status.evidence.touched(), "a noop touches nothing");
        drop((client, node));
        soon(async {
            while path.proxy.stats().conns > 1 {
                tokio::time::sleep(MS).await;
            }
        })
        .await;
        let all = path.proxy.stats();
        assert_eq!((all.up, all.down), (8, 8), "what ended connections carried stays counted");
        assert_eq!(
            placed.status().unwrap().met,
            Met { bytes: 8, chunks: 2, connections: 2, live: 1, passed_by: 0 }
        );
    });
}

#[test]
fn a_link_that_is_switched_off_refuses_and_keeps_its_toxics() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, _node) = path.open().await;
        let _placed = path.proxy.add(Toxic::new(Kind::Noop)).unwrap();
        let off = path.proxy.switch_off();
        expect_fin(&mut client).await;
        assert!(path.connect().await.is_err());
        drop(off);
        path.open().await;
        assert_eq!(path.proxy.toxics().len(), 1);
    });
}

/// The upstream is a port that drops SYNs in the sim: nobody ever answers there.
#[test]
fn a_dial_that_hangs_keeps_nobody_waiting_and_ends() {
    in_sim(async |net| {
        let hole = net.reserve(net.any()).unwrap();
        hole.drop_syn(true);
        let proxy = Proxy::start(&net, "hole".into(), hole.addr(), 1, std::sync::Arc::new(|_| {})).unwrap();
        let start = Instant::now();
        let mut one = net.connect(proxy.addr()).await.unwrap();
        let mut other = net.connect(proxy.addr()).await.unwrap();
        assert!(start.elapsed() < 10 * MS, "both are accepted");
        expect_reset_in(&mut one, Duration::from_secs(60)).await;
        expect_reset_in(&mut other, Duration::from_secs(60)).await;
        assert!(start.elapsed().abs_diff(Duration::from_secs(30)) < 10 * MS, "{:?}", start.elapsed());
    });
}

#[test]
fn the_same_seed_is_the_same_run() {
    let run = |seed: u64| {
        in_sim(async |net| {
            let mut path = Path::seeded(&net, seed);
            let reset = Kind::ResetPeer(ResetPeer { timeout: 5 * MS });
            let some = |kind| Toxic { toxicity: 0.3, ..Toxic::new(kind) };
            let late = Latency { latency: 20 * MS, jitter: 10 * MS, ..Latency::default() };
            let _reset = path.proxy.add(some(reset)).unwrap();
            let _late = path.proxy.add(some(Kind::Latency(late))).unwrap();
            let mut times = Vec::new();
            for _ in 0..20 {
                let mut client = path.connect().await.unwrap();
                let mut node = path.arrival().await;
                tokio::time::sleep(20 * MS).await;
                let start = Instant::now();
                let answered = async {
                    node.write_all(b"x").await?;
                    tokio::io::AsyncReadExt::read_u8(&mut client).await
                };
                let kind = answered.await.map_err(|error| error.kind());
                times.push((kind, start.elapsed()));
            }
            times
        })
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
