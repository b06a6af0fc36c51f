//! Reserving, listening, connecting.

use crate::{Log, pair, same};
use tokio::io::AsyncWriteExt;

#[test]
fn a_reserved_port_refuses_connects() {
    same(
        async |net| {
            let mut log = Log::default();
            let port = net.reserve(net.any()).unwrap();
            log.connect(&net, &port).await;
            log
        },
        &["connect: ConnectionRefused"],
    );
}

#[test]
fn a_dropped_listener_refuses_and_its_connections_live_on() {
    same(
        async |net| {
            let mut log = Log::default();
            let (mut client, mut server, listener, port) = pair(&net).await;
            drop(listener);
            log.connect(&net, &port).await;
            client.write_all(b"still here").await.unwrap();
            log.read(&mut server).await;
            log
        },
        &["connect: ConnectionRefused", "read: still here"],
    );
}

#[test]
fn a_port_can_be_listened_on_again() {
    same(
        async |net| {
            let mut log = Log::default();
            let (_client, _server, listener, port) = pair(&net).await;
            drop(listener);
            for _ in 0..10 {
                log.connect(&net, &port).await;
                let mut again = port.listen().unwrap();
                let client = net.connect(port.addr()).await.unwrap();
                let (_, peer) = again.accept().await.unwrap();
                assert_eq!(peer, client.local_addr().unwrap());
            }
            log.0.dedup();
            log
        },
        &["connect: ConnectionRefused"],
    );
}

#[test]
fn no_connection_is_lost_to_the_reservation() {
    same(
        async |net| {
            let mut log = Log::default();
            let port = net.reserve(net.any()).unwrap();
            let mut listener = port.listen().unwrap();
            for _ in 0..500 {
                let client = net.connect(port.addr()).await.unwrap();
                let (_, peer) = listener.accept().await.unwrap();
                assert_eq!(peer, client.local_addr().unwrap());
            }
            log.note("500 accepted");
            log
        },
        &["500 accepted"],
    );
}

#[test]
fn a_port_is_reserved_once_and_listened_on_once() {
    same(
        async |net| {
            let mut log = Log::default();
            let port = net.reserve(net.any()).unwrap();
            let addr = port.addr();
            log.note(format!("reserve: {:?}", net.reserve(addr).unwrap_err().kind()));
            let listener = port.listen().unwrap();
            log.note(format!("listen: {:?}", port.listen().unwrap_err().kind()));
            drop(port);
            log.note(format!("reserve: {:?}", net.reserve(addr).unwrap_err().kind()));
            drop(listener);
            log.note(format!("reserve: {}", net.reserve(addr).unwrap().addr() == addr));
            log
        },
        &["reserve: AddrInUse", "listen: AddrInUse", "reserve: AddrInUse", "reserve: true"],
    );
}

#[test]
fn a_listener_outlives_its_port() {
    same(
        async |net| {
            let mut log = Log::default();
            let port = net.reserve(net.any()).unwrap();
            let addr = port.addr();
            let mut listener = port.listen().unwrap();
            drop(port);
            let client = net.connect(addr).await.unwrap();
            let (_, peer) = listener.accept().await.unwrap();
            log.note(format!("accepted: {}", peer == client.local_addr().unwrap()));
            log
        },
        &["accepted: true"],
    );
}

#[test]
fn a_dropped_listener_resets_connections_it_never_accepted() {
    same(
        async |net| {
            let mut log = Log::default();
            let port = net.reserve(net.any()).unwrap();
            let listener = port.listen().unwrap();
            let mut client = net.connect(port.addr()).await.unwrap();
            drop(listener);
            log.read(&mut client).await;
            log
        },
        &["read: ConnectionReset"],
    );
}

#[test]
fn both_ends_know_both_addresses() {
    same(
        async |net| {
            let mut log = Log::default();
            let (client, server, _listener, port) = pair(&net).await;
            log.note(format!("{}", client.peer_addr().unwrap() == port.addr()));
            log.note(format!("{}", server.local_addr().unwrap() == port.addr()));
            log.note(format!("{}", server.peer_addr().unwrap() == client.local_addr().unwrap()));
            log.note(format!("{}", client.local_addr().unwrap().ip()));
            log
        },
        &["true", "true", "true", "127.0.0.1"],
    );
}
