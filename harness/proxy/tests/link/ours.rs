//! Toxics that Toxiproxy does not have.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};
use unstuck_net::Net;
use unstuck_proxy::toxic::{Corrupt, Kind, Latency, Loss};
use unstuck_proxy::{Rule, Toxic};
use unstuck_record::Evidence;

use crate::path::*;

/// Longer than a SYN takes on any machine, shorter than its first retransmission, after a second.
const NO_ANSWER: Duration = Duration::from_millis(400);

fn upstream(kind: Kind) -> Toxic {
    Toxic::new(kind).upstream()
}

#[test]
fn a_blackhole_holds_one_direction_and_gives_it_back() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let hole = path.proxy.add(upstream(Kind::Blackhole)).unwrap();
        send(&mut client, b"held").await;
        client.shutdown().await.unwrap();
        expect_silence(&mut node).await;
        send(&mut node, b"heard").await;
        expect(&mut client, b"heard").await;
        assert_eq!(hole.evidence(), Evidence { bytes: 5, ..Evidence::default() });
        drop(hole);
        expect(&mut node, b"held").await;
        expect_fin(&mut node).await;
    });
}

#[test]
fn a_stalled_sender_blocks_and_loses_nothing() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let stall = path.proxy.add(upstream(Kind::StallRead)).unwrap();
        expect_silence(&mut node).await;
        assert!(!stall.evidence().touched());
        let sent = fill(&mut client).await;
        assert_eq!(
            (stall.evidence().bytes, path.proxy.stats().up),
            (1, 4),
            "something waits, nothing passed"
        );
        drop(stall);
        expect(&mut node, &vec![7; sent]).await;
        healthy(&mut client, &mut node).await;
    });
}

#[test]
fn a_frozen_link_stands_still_for_old_and_new_and_goes_on() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let frozen = path.proxy.add(Toxic::new(Kind::Freeze)).unwrap();
        send(&mut client, b"question").await;
        send(&mut node, b"answer").await;
        expect_silence(&mut client).await;
        expect_silence(&mut node).await;
        let mut new = path.connect().await.unwrap();
        send(&mut new, b"hello").await;
        expect_silence(&mut new).await;
        let arrives = timeout(20 * MS, path.node.accept()).await;
        assert!(arrives.is_err(), "it is not dialled");
        assert_eq!(frozen.evidence(), Evidence { bytes: 2, refused: 1, ..Evidence::default() });
        drop(frozen);
        expect(&mut node, b"question").await;
        expect(&mut client, b"answer").await;
        let mut its_node = path.arrival().await;
        expect(&mut its_node, b"hello").await;
        healthy(&mut new, &mut its_node).await;
    });
}

#[test]
fn a_half_open_connection_is_silent_and_then_reset() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let half = path.proxy.add(Toxic::new(Kind::HalfOpen)).unwrap();
        expect_fin(&mut node).await;
        send(&mut client, b"anybody there?").await;
        expect_silence(&mut client).await;
        assert_eq!(half.status().unwrap().met.live, 1);
        drop(half);
        expect_reset(&mut client).await;
        assert_eq!(path.ended().await, ["toxic reset"]);
    });
}

#[test]
fn a_client_that_leaves_a_half_open_connection_is_let_go() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (client, _node) = path.open().await;
        let _half = path.proxy.add(Toxic::new(Kind::HalfOpen)).unwrap();
        drop(client);
        assert_eq!(path.ended().await, ["client closed"]);
    });
}

#[test]
fn refusals_are_at_the_door_and_live_connections_stay() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let refuse = path.proxy.add(Toxic::new(Kind::Refuse)).unwrap();
        assert_eq!(path.connect().await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        healthy(&mut client, &mut node).await;
        drop(refuse);
        path.open().await;
    });
}

#[test]
fn some_are_accepted_and_reset_where_not_all_are_refused() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let refuse = Toxic::new(Kind::Refuse);
        let only = unstuck_proxy::toxic::Only { connection: Some(2), ..Default::default() };
        let refuse = path.proxy.add(Toxic { only, ..refuse }).unwrap();
        let (mut client, mut node) = path.open().await;
        expect_reset(&mut path.connect().await.unwrap()).await;
        path.open().await;
        healthy(&mut client, &mut node).await;
        assert_eq!(refuse.evidence().refused, 1);
        assert!(path.ends().contains(&"toxic refused".to_owned()));
    });
}

/// In the sim and on Linux, where SYNs can be dropped.
#[test]
fn a_connect_hangs_as_with_a_lost_syn_and_gets_through_when_it_is_sent_again() {
    let program = async |net: Net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let hang = path.proxy.add(Toxic::new(Kind::ConnectHang)).unwrap();
        let mut connects = Box::pin(net.connect(path.proxy.addr()));
        assert!(timeout(NO_ANSWER, &mut connects).await.is_err(), "not even a handshake");
        healthy(&mut client, &mut node).await;
        drop(hang);
        let mut late = soon(connects).await.unwrap();
        let mut its_node = path.arrival().await;
        healthy(&mut late, &mut its_node).await;
        path.open().await;
        assert_eq!(path.proxy.stats().accepted, 3, "and nobody else");
    };
    in_sim(program);
    if cfg!(target_os = "linux") {
        on_sockets(program);
    }
}

#[test]
fn a_connect_of_some_hangs_by_silence() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let only = unstuck_proxy::toxic::Only { connection: Some(1), ..Default::default() };
        let hang = path.proxy.add(Toxic { only, ..Toxic::new(Kind::ConnectHang) }).unwrap();
        let mut first = path.connect().await.unwrap();
        send(&mut first, b"hello").await;
        path.open().await;
        expect_silence(&mut first).await;
        drop(hang);
        let mut node = path.arrival().await;
        expect(&mut node, b"hello").await;
    });
}

/// The timeout is 200 ms, doubled each time, so that everything is late by 0, 200, 600, … ms.
#[test]
fn a_lossy_link_is_a_late_one() {
    in_sim(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let loss = path.proxy.add(upstream(Kind::Loss(Loss { rate: 0.3, ..Loss::default() }))).unwrap();
        let mut late = Vec::new();
        for n in 0..50 {
            let start = Instant::now();
            send(&mut client, &[n]).await;
            expect(&mut node, &[n]).await;
            late.push(start.elapsed().as_millis() - 2);
        }
        assert!(late.iter().all(|late| [0, 200, 600, 1400, 3000, 6200].contains(late)), "{late:?}");
        let again = late.iter().filter(|late| **late > 0).count();
        assert!((5..=25).contains(&again), "{late:?}");
        assert_eq!(loss.evidence(), Evidence { delayed: again as u64, ..Evidence::default() });
    });
}

#[test]
fn corrupted_bytes_are_the_same_with_the_same_seed() {
    let corrupted = |net: Net| async move {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let corrupt = path.proxy.add(upstream(Kind::Corrupt(Corrupt { rate: 0.01 }))).unwrap();
        let mut got = vec![0; 10_000];
        send(&mut client, &[0; 10_000]).await;
        soon(node.read_exact(&mut got)).await.unwrap();
        assert_eq!(corrupt.evidence().bytes, got.iter().filter(|byte| **byte != 0).count() as u64);
        got
    };
    let in_memory = in_sim(corrupted);
    assert!((50..200).contains(&in_memory.iter().filter(|byte| **byte != 0).count()));
    assert!(in_memory == on_sockets(corrupted), "in either world, however the bytes are cut");
}

#[test]
fn a_rule_brings_its_toxics_and_takes_them_along() {
    in_sim(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let toxics = vec![
            upstream(Kind::Latency(Latency::of(100 * MS))),
            Toxic::new(Kind::Latency(Latency::of(50 * MS))),
        ];
        let guard = path.proxy.apply(7, Rule { toxics, ..Rule::default() });
        assert_eq!(path.proxy.toxics().iter().map(|toxic| toxic.fault).collect::<Vec<_>>(), [Some(7); 2]);
        let start = Instant::now();
        healthy(&mut client, &mut node).await;
        assert_eq!(start.elapsed(), 154 * MS);
        assert_eq!(path.proxy.evidence(7), Evidence { delayed: 2, ..Evidence::default() });
        drop(guard);
        assert!(path.proxy.toxics().is_empty());
        let start = Instant::now();
        healthy(&mut client, &mut node).await;
        assert_eq!(start.elapsed(), 4 * MS);
    });
}
