//! New connections.

use std::io::ErrorKind;

use tokio::time::{Instant, timeout};
use unstuck_proxy::{Accept, Flow, OnHeal, OnInject, Rule};

use crate::path::*;

#[test]
fn a_refused_port_refuses_while_active_and_works_after() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let guard = path.proxy.apply(0, accept(Accept::Refuse));
        for _ in 0..3 {
            assert_eq!(path.connect().await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        }
        healthy(&mut client, &mut node).await;
        drop(guard);
        path.open().await;
        if net.is_sim() {
            assert_eq!(path.proxy.evidence(0).refused, 3);
        }
    });
}

#[test]
fn a_hanging_connect_reaches_the_node_after_the_heal() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let guard = path.proxy.apply(0, accept(Accept::Hang));
        let dial = async {
            let mut client = path.net.connect(path.proxy.addr()).await.unwrap();
            send(&mut client, b"hello").await;
            expect(&mut client, b"welcome").await;
        };
        tokio::pin!(dial);
        assert!(timeout(50 * MS, &mut dial).await.is_err());
        assert!(timeout(50 * MS, path.node.accept()).await.is_err(), "the node hears nothing");
        healthy(&mut client, &mut node).await;
        drop(guard);
        let serve = async {
            let mut node = path.node.accept().await.unwrap().0;
            expect(&mut node, b"hello").await;
            send(&mut node, b"welcome").await;
        };
        soon(async { tokio::join!(dial, serve) }).await;
        assert_eq!(path.proxy.evidence(0).refused, 1);
    });
}

#[test]
fn a_dropped_syn_is_sent_again_after_a_second() {
    in_sim(async |net| {
        let path = Path::new(&net);
        let start = Instant::now();
        let guard = path.proxy.apply(0, accept(Accept::Hang));
        let dial = tokio::spawn({
            let (net, addr) = (net.clone(), path.proxy.addr());
            async move { net.connect(addr).await.map(drop) }
        });
        tokio::time::sleep(1500 * MS).await;
        drop(guard);
        dial.await.unwrap().unwrap();
        assert_eq!(start.elapsed(), 3002 * MS, "SYNs leave at 0, 1 and 3 s");
        assert_eq!(path.proxy.evidence(0).refused, 1, "one connect, however many SYNs");
    });
}

#[test]
fn a_hang_is_stronger_than_a_refusal() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        path.open().await;
        let refuse = path.proxy.apply(0, accept(Accept::Refuse));
        let hang = path.proxy.apply(1, accept(Accept::Hang));
        let silent = async {
            let mut client = path.net.connect(path.proxy.addr()).await.unwrap();
            expect_silence(&mut client).await;
        };
        let _hangs = timeout(100 * MS, silent).await;
        drop(hang);
        assert_eq!(path.connect().await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        drop(refuse);
        path.open().await;
        assert_eq!(path.proxy.evidence(1).refused, 1);
    });
}

#[test]
fn a_node_that_is_gone_resets_the_client() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        path.open().await;
        path.ended().await;
        drop(path.node);
        let mut client = soon(net.connect(path.proxy.addr())).await.unwrap();
        expect_reset(&mut client).await;
        assert_eq!(path.proxy.stats().accepted, 2);
        assert!(!path.proxy.evidence(0).touched());
    });
}

#[test]
fn a_failed_process_takes_its_connections_along_and_refuses() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let rule = Rule { accept: Accept::Refuse, inject: OnInject::Close, ..Rule::default() };
        let guard = path.proxy.apply(0, rule);
        expect_fin(&mut client).await;
        expect_fin(&mut node).await;
        assert_eq!(path.connect().await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        drop(guard);
        path.open().await;
        assert_eq!(path.proxy.evidence(0).closed, 1);
        assert_eq!(path.ends()[0], "fault closed");
    });
}

#[test]
fn a_partition_stays_silent_for_old_and_new_and_heals() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let rule = Rule { accept: Accept::Hang, ..both_ways(Flow::Blackhole) };
        let guard = path.proxy.apply(0, rule);
        send(&mut client, b"anyone?").await;
        expect_silence(&mut node).await;
        let dial = path.net.connect(path.proxy.addr());
        tokio::pin!(dial);
        let dialled = timeout(50 * MS, &mut dial).await;
        assert_eq!(dialled.is_err(), net.is_sim(), "a real kernel completes the handshake");
        drop(guard);
        expect(&mut node, b"anyone?").await;
        healthy(&mut client, &mut node).await;
        let mut late = match dialled {
            Ok(conn) => conn.unwrap(),
            Err(_) => soon(dial).await.unwrap(),
        };
        let mut arrival = soon(path.node.accept()).await.unwrap().0;
        healthy(&mut late, &mut arrival).await;
    });
}

#[test]
fn what_ends_connections_passes_a_hanging_connect_by() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, _node) = path.open().await;
        let rule = Rule { accept: Accept::Hang, heal: OnHeal::Reset, ..both_ways(Flow::Blackhole) };
        let partition = path.proxy.apply(0, rule);
        let dial = async {
            let mut client = path.net.connect(path.proxy.addr()).await.unwrap();
            send(&mut client, b"hello").await;
            client
        };
        tokio::pin!(dial);
        let dialled = timeout(50 * MS, &mut dial).await;
        drop(path.proxy.apply(1, Rule { inject: OnInject::Close, ..Rule::default() }));
        expect_fin(&mut client).await;
        drop(partition);
        let mut late = match dialled {
            Ok(conn) => conn,
            Err(_) => soon(dial).await,
        };
        let mut arrival = soon(path.node.accept()).await.unwrap().0;
        expect(&mut arrival, b"hello").await;
        healthy(&mut late, &mut arrival).await;
        assert_eq!((path.proxy.evidence(0).closed, path.proxy.evidence(1).closed), (0, 1));
    });
}
