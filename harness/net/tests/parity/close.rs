//! Orderly ends: FIN, half-close, close.

use tokio::io::AsyncWriteExt;

use crate::{Log, arrival, pair, same, transit};

#[test]
fn a_half_closed_connection_goes_on_the_other_way() {
    same(
        async |net| {
            let mut log = Log::default();
            for client_first in [true, false] {
                let (client, server, ..) = pair(&net).await;
                let (mut first, mut second) = if client_first { (client, server) } else { (server, client) };
                first.write_all(b"last words").await.unwrap();
                first.shutdown().await.unwrap();
                log.read(&mut second).await;
                log.read(&mut second).await;
                second.write_all(b"reply").await.unwrap();
                log.read(&mut first).await;
                second.shutdown().await.unwrap();
                log.read(&mut first).await;
                log.read(&mut first).await;
            }
            log
        },
        &["read: last words", "read: EOF", "read: reply", "read: EOF", "read: EOF"].repeat(2),
    );
}

#[test]
fn a_write_after_shutdown_is_a_broken_pipe() {
    same(
        async |net| {
            let mut log = Log::default();
            let (mut client, _server, ..) = pair(&net).await;
            client.shutdown().await.unwrap();
            log.write(&mut client).await;
            client.shutdown().await.unwrap();
            log.write(&mut client).await;
            log
        },
        &["write: BrokenPipe", "write: BrokenPipe"],
    );
}

#[test]
fn close_delivers_what_was_written_and_then_eof() {
    same(
        async |net| {
            let mut log = Log::default();
            let (mut client, mut server, ..) = pair(&net).await;
            server.write_all(b"goodbye").await.unwrap();
            drop(server);
            transit().await;
            log.read(&mut client).await;
            log.read(&mut client).await;
            log.read(&mut client).await;
            log
        },
        &["read: goodbye", "read: EOF", "read: EOF"],
    );
}

/// The first write meets no error: FIN does not tell close from shutdown. It draws the RST.
#[test]
fn a_write_to_a_closed_peer_succeeds_once() {
    same(
        async |net| {
            let mut log = Log::default();
            let (mut client, server, ..) = pair(&net).await;
            drop(server);
            arrival(&mut client).await;
            log.write(&mut client).await;
            transit().await;
            log.write(&mut client).await;
            log.read(&mut client).await;
            log.write(&mut client).await;
            log
        },
        &["write: 1", "write: BrokenPipe", "read: EOF", "write: BrokenPipe"],
    );
}

#[test]
fn close_with_unread_bytes_resets_the_peer() {
    same(
        async |net| {
            let mut log = Log::default();
            let (mut client, mut server, ..) = pair(&net).await;
            client.write_all(b"unread").await.unwrap();
            arrival(&mut server).await;
            drop(server);
            log.read(&mut client).await;
            log.read(&mut client).await;
            log.write(&mut client).await;
            log
        },
        &["read: ConnectionReset", "read: EOF", "write: BrokenPipe"],
    );
}

#[test]
fn close_with_unread_bytes_leaves_what_was_delivered_readable() {
    same(
        async |net| {
            let mut log = Log::default();
            let (mut client, mut server, ..) = pair(&net).await;
            client.write_all(b"unread").await.unwrap();
            arrival(&mut server).await;
            server.write_all(b"answer").await.unwrap();
            drop(server);
            transit().await;
            log.read(&mut client).await;
            log.read(&mut client).await;
            log
        },
        &["read: answer", "read: ConnectionReset"],
    );
}

#[test]
fn two_finished_directions_leave_nothing_to_reset() {
    same(
        async |net| {
            let mut log = Log::default();
            let (mut client, mut server, ..) = pair(&net).await;
            client.shutdown().await.unwrap();
            log.read(&mut server).await;
            server.shutdown().await.unwrap();
            log.read(&mut client).await;
            server.reset_on_drop();
            drop(server);
            transit().await;
            log.read(&mut client).await;
            log
        },
        &["read: EOF", "read: EOF", "read: EOF"],
    );
}
