//! How a connection's end on one side shows on the other, and how faults end connections.

use std::io::ErrorKind;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use unstuck_proxy::{Flow, OnHeal, OnInject, Rule};

use crate::path::*;

#[test]
fn a_reset_shows_as_a_reset_on_the_other_side() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (client, mut node) = path.open().await;
        client.reset_on_drop();
        drop(client);
        expect_reset(&mut node).await;

        let (mut client, node) = path.open().await;
        node.reset_on_drop();
        drop(node);
        expect_reset(&mut client).await;
        assert_eq!(path.ended().await, ["client reset", "node reset"]);
    });
}

#[test]
fn a_reset_after_the_others_fin_is_seen_too() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        client.shutdown().await.unwrap();
        expect_fin(&mut node).await;
        node.reset_on_drop();
        drop(node);
        expect_reset(&mut client).await;
        assert_eq!(path.ended().await, ["node reset"]);
    });
}

#[test]
fn a_reset_under_a_blackhole_shows_at_the_heal() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (client, mut node) = path.open().await;
        let guard = path.proxy.apply(0, both_ways(Flow::Blackhole));
        client.reset_on_drop();
        drop(client);
        expect_silence(&mut node).await;
        send(&mut node, b"to nobody").await;
        expect_silence(&mut node).await;
        assert_eq!(path.proxy.stats().conns, 1);
        drop(guard);
        expect_reset(&mut node).await;
        assert_eq!(path.proxy.evidence(0).bytes, 1 + "to nobody".len() as u64);
    });
}

#[test]
fn a_reset_behind_a_stall_shows_at_the_heal() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (client, mut node) = path.open().await;
        let guard = path.proxy.apply(0, both_ways(Flow::StallRead));
        client.reset_on_drop();
        drop(client);
        expect_silence(&mut node).await;
        assert_eq!(path.proxy.evidence(0).bytes, 1);
        drop(guard);
        expect_reset(&mut node).await;
    });
}

#[test]
fn a_reset_found_by_writing_is_held_by_its_own_direction() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        for flow in [Flow::Blackhole, Flow::StallRead] {
            for by_client in [true, false] {
                let (client, node) = path.open().await;
                let (gone, mut other) = if by_client { (client, node) } else { (node, client) };
                let rule = Rule { down: flow, ..Rule::default() };
                let guard = path.proxy.apply(0, if by_client { up(flow) } else { rule });
                gone.reset_on_drop();
                drop(gone);
                for _ in 0..3 {
                    send(&mut other, b"to nobody").await;
                    expect_silence(&mut other).await;
                }
                drop(guard);
                expect_reset(&mut other).await;
            }
        }
    });
}

#[test]
fn an_injected_reset_hits_both_sides_even_if_idle() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        drop(path.proxy.apply(0, Rule { inject: OnInject::Reset, ..Rule::default() }));
        expect_reset(&mut client).await;
        expect_reset(&mut node).await;
        path.open().await;
        assert_eq!(path.proxy.evidence(0).closed, 1);
        assert_eq!(path.ends()[0], "fault reset");
    });
}

#[test]
fn a_dying_process_resets_whom_it_has_not_read_and_bids_farewell_to_the_rest() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let _hole = path.proxy.apply(0, up(Flow::Blackhole));
        send(&mut client, b"unread").await;
        expect_silence(&mut node).await;
        let _died = path.proxy.apply(1, Rule { inject: OnInject::Close, ..Rule::default() });
        expect_reset(&mut client).await;
        expect_fin(&mut node).await;
        let (held, closed) = (path.proxy.evidence(0), path.proxy.evidence(1));
        assert_eq!((held.bytes, held.closed), (6, 0));
        assert_eq!((closed.bytes, closed.closed), (6, 1));
    });
}

#[test]
fn a_connection_ends_once_whoever_asks() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, _node) = path.open().await;
        let _one = path.proxy.apply(0, Rule { inject: OnInject::Reset, ..Rule::default() });
        let _other = path.proxy.apply(1, Rule { inject: OnInject::Close, ..Rule::default() });
        expect_reset(&mut client).await;
        assert_eq!((path.proxy.evidence(0).closed, path.proxy.evidence(1).closed), (1, 0));
    });
}

#[test]
fn a_heal_that_resets_resets_live_and_new_connections_of_its_time() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let guard = path.proxy.apply(0, Rule { heal: OnHeal::Reset, ..both_ways(Flow::StallRead) });
        let mut late = path.connect().await.unwrap();
        send(&mut client, b"lost").await;
        expect_silence(&mut node).await;
        drop(guard);
        expect_reset(&mut client).await;
        expect_reset(&mut node).await;
        expect_reset(&mut late).await;
        assert_eq!((path.proxy.evidence(0).bytes, path.proxy.evidence(0).closed), (1, 2));
    });
}

#[test]
fn a_heal_that_closes_reads_what_there_is_and_sends_fin() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let guard = path.proxy.apply(0, Rule { heal: OnHeal::Close, ..both_ways(Flow::StallRead) });
        let sent = fill(&mut client).await;
        drop(guard);
        expect_fin(&mut client).await;
        expect_fin(&mut node).await;
        let evidence = path.proxy.evidence(0);
        assert_eq!((evidence.bytes, evidence.closed), (1 + sent as u64, 1));
        assert_eq!(path.ended().await, ["fault closed"]);
        path.open().await;
    });
}

#[test]
fn a_heal_that_closes_leaves_connections_alone_whose_flow_it_did_not_change() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        drop(path.proxy.apply(0, Rule { heal: OnHeal::Close, ..Rule::default() }));
        healthy(&mut client, &mut node).await;
        assert!(!path.proxy.evidence(0).touched());
    });
}

#[test]
fn a_reset_waits_for_no_room_at_the_other_side() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        fill(&mut node).await;
        // The client does not read. It resets, having unread bytes.
        send(&mut client, b"bye").await;
        expect(&mut node, b"bye").await;
        drop(client);
        let error = soon(async {
            loop {
                if let Err(error) = node.write(b"x").await {
                    break error;
                }
            }
        })
        .await;
        assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
        assert_eq!(soon(node.read(&mut [0; 8])).await.unwrap_or(0), 0);
    });
}
