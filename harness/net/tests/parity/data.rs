//! Bytes that arrive.

use std::io::IoSlice;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{Log, fill, pair, same};

#[test]
fn what_is_written_is_read() {
    same(
        async |net| {
            let mut log = Log::default();
            let (mut client, mut server, ..) = pair(&net).await;
            client.write_all(b"ping").await.unwrap();
            log.read(&mut server).await;
            server.write_all(b"pong").await.unwrap();
            log.read(&mut client).await;
            log
        },
        &["read: ping", "read: pong"],
    );
}

#[test]
fn a_vectored_write_keeps_its_order() {
    same(
        async |net| {
            let mut log = Log::default();
            let (mut client, mut server, ..) = pair(&net).await;
            let parts = [IoSlice::new(b"a"), IoSlice::new(b""), IoSlice::new(b"bc")];
            log.note(format!("write: {}", client.write_vectored(&parts).await.unwrap()));
            log.read(&mut server).await;
            log
        },
        &["write: 3", "read: abc"],
    );
}

#[test]
fn readable_takes_nothing() {
    same(
        async |net| {
            let mut log = Log::default();
            let (mut client, mut server, ..) = pair(&net).await;
            let (mut read, _write) = server.split();
            for word in [&b"one"[..], b"two"] {
                let early = tokio::time::timeout(Duration::from_millis(20), read.readable()).await;
                log.note(format!("readable: {}", early.is_ok()));
                client.write_all(word).await.unwrap();
                read.readable().await.unwrap();
                read.readable().await.unwrap();
                log.read(&mut read).await;
            }
            client.shutdown().await.unwrap();
            read.readable().await.unwrap();
            log.read(&mut read).await;
            log
        },
        &["readable: false", "read: one", "readable: false", "read: two", "read: EOF"],
    );
}

#[test]
fn a_write_blocks_until_the_reader_makes_room() {
    same(
        async |net| {
            let mut log = Log::default();
            let (mut client, mut server, ..) = pair(&net).await;
            let absorbed = fill(&mut client).await;
            // Both worlds have 64 KiB buffers; Linux doubles them, and counts its own overhead.
            log.note(format!("absorbed a finite amount: {}", (64 << 10..4 << 20).contains(&absorbed)));
            let more = vec![7; 1_000_000];
            let reader = async {
                let mut got = vec![0; absorbed + 1_000_000];
                server.read_exact(&mut got).await.unwrap();
                got.iter().all(|byte| *byte == 7)
            };
            let (written, intact) = tokio::join!(client.write_all(&more), reader);
            log.note(format!("goes on: {} {intact}", written.is_ok()));
            log
        },
        &["absorbed a finite amount: true", "goes on: true true"],
    );
}

#[test]
fn ten_megabytes_pass_both_ways_at_once() {
    const SIZE: usize = 10_000_000;
    async fn exchange(conn: &mut unstuck_net::Conn, seed: usize, expect: usize) -> bool {
        let byte = |seed: usize, at: usize| ((at * 31) ^ (at >> 8) ^ seed) as u8;
        let (mut read, mut write) = conn.split();
        let sender = async {
            let bytes: Vec<u8> = (0..SIZE).map(|at| byte(seed, at)).collect();
            write.write_all(&bytes).await.unwrap();
            write.shutdown().await.unwrap();
        };
        let mut got = Vec::new();
        let (received, ()) = tokio::join!(read.read_to_end(&mut got), sender);
        received.unwrap() == SIZE && (0..SIZE).all(|at| got[at] == byte(expect, at))
    }
    same(
        async |net| {
            let mut log = Log::default();
            let (mut client, mut server, ..) = pair(&net).await;
            let (up, down) = tokio::join!(exchange(&mut client, 1, 2), exchange(&mut server, 2, 1));
            log.note(format!("intact: {up} {down}"));
            log
        },
        &["intact: true true"],
    );
}
