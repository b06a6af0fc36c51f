//! RST on live connections.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use unstuck_net::Conn;

use crate::{Log, arrival, fill, pair, same, transit};

fn reset(conn: Conn) {
    conn.reset_on_drop();
    drop(conn);
}

/// In a task of its own, so that nothing but the connection can wake the program.
fn later(act: impl FnOnce() + Send + 'static) {
    tokio::spawn(async {
        transit().await;
        act();
    });
}

#[test]
fn a_reset_of_an_idle_connection_is_told_once() {
    same(
        async |net| {
            let mut log = Log::default();
            let (mut client, server, ..) = pair(&net).await;
            reset(server);
            log.read(&mut client).await;
            log.read(&mut client).await;
            log.write(&mut client).await;
            client.shutdown().await.unwrap();
            log
        },
        &["read: ConnectionReset", "read: EOF", "write: BrokenPipe"],
    );
}

#[test]
fn a_write_can_be_the_one_that_learns_of_the_reset() {
    same(
        async |net| {
            let mut log = Log::default();
            let (mut client, server, ..) = pair(&net).await;
            reset(server);
            transit().await;
            log.write(&mut client).await;
            log.write(&mut client).await;
            log.read(&mut client).await;
            log
        },
        &["write: ConnectionReset", "write: BrokenPipe", "read: EOF"],
    );
}

#[test]
fn readable_leaves_the_error_to_the_read() {
    same(
        async |net| {
            let mut log = Log::default();
            let (mut client, server, ..) = pair(&net).await;
            reset(server);
            arrival(&mut client).await;
            arrival(&mut client).await;
            log.read(&mut client).await;
            log
        },
        &["read: ConnectionReset"],
    );
}

#[test]
fn a_reset_leaves_what_was_delivered_readable() {
    same(
        async |net| {
            let mut log = Log::default();
            let (mut client, mut server, ..) = pair(&net).await;
            server.write_all(b"delivered").await.unwrap();
            arrival(&mut client).await;
            reset(server);
            transit().await;
            log.read(&mut client).await;
            log.read(&mut client).await;
            log
        },
        &["read: delivered", "read: ConnectionReset"],
    );
}

#[test]
fn a_reset_loses_what_the_receiver_had_no_room_for() {
    same(
        async |net| {
            let mut log = Log::default();
            let (mut client, mut server, ..) = pair(&net).await;
            let written = fill(&mut server).await;
            reset(server);
            transit().await;
            let mut got = Vec::new();
            let error = client.read_to_end(&mut got).await.unwrap_err();
            log.note(format!("some read: {}, some lost: {}", !got.is_empty(), got.len() < written));
            log.note(format!("{:?}", error.kind()));
            log
        },
        &["some read: true, some lost: true", "ConnectionReset"],
    );
}

#[test]
fn a_reset_wakes_a_blocked_reader() {
    same(
        async |net| {
            let mut log = Log::default();
            let (mut client, server, ..) = pair(&net).await;
            later(|| reset(server));
            log.read(&mut client).await;
            log
        },
        &["read: ConnectionReset"],
    );
}

#[test]
fn a_reset_wakes_a_blocked_writer() {
    same(
        async |net| {
            let mut log = Log::default();
            let (mut client, server, ..) = pair(&net).await;
            fill(&mut client).await;
            // Healthy until here: the writer is blocked, and stays so until the reset.
            let blocked = poll_fn(|cx| Poll::Ready(Pin::new(&mut client).poll_write(cx, b"x").is_pending()));
            log.note(format!("blocked: {}", blocked.await));
            later(|| reset(server));
            log.write(&mut client).await;
            log
        },
        &["blocked: true", "write: ConnectionReset"],
    );
}

#[test]
fn a_close_with_unread_bytes_wakes_a_blocked_writer() {
    same(
        async |net| {
            let mut log = Log::default();
            let (mut client, server, ..) = pair(&net).await;
            fill(&mut client).await;
            later(|| drop(server));
            log.write(&mut client).await;
            log
        },
        &["write: ConnectionReset"],
    );
}

/// A receiver that has seen FIN is at its end of file already: an RST after that breaks its writes only.
#[test]
fn a_reset_after_fin_leaves_the_reader_at_eof() {
    same(
        async |net| {
            let mut log = Log::default();
            let (mut client, mut server, ..) = pair(&net).await;
            server.write_all(b"all").await.unwrap();
            server.shutdown().await.unwrap();
            transit().await;
            reset(server);
            transit().await;
            log.read(&mut client).await;
            log.read(&mut client).await;
            log.write(&mut client).await;
            log.write(&mut client).await;
            log
        },
        &["read: all", "read: EOF", "write: BrokenPipe", "write: BrokenPipe"],
    );
}
