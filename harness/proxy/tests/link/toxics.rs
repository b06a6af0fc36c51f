//! What toxics do to a connection. Times are exact in the sim.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use unstuck_proxy::Toxic;
use unstuck_proxy::toxic::{Bandwidth, Kind, Latency, ResetPeer, Stream, Timeout};

use crate::path::*;

fn upstream(kind: Kind) -> Toxic {
    Toxic { stream: Stream::Upstream, ..Toxic::new(kind) }
}

#[test]
fn a_burst_under_latency_is_late_once() {
    in_sim(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let plain = Instant::now();
        client.write_all(&[1]).await.unwrap();
        node.read_u8().await.unwrap();
        let transit = plain.elapsed();

        let placed =
            path.proxy.add(upstream(Kind::Latency(Latency { latency: 100 * MS, jitter: Duration::ZERO })));
        let start = Instant::now();
        for byte in 0..10 {
            client.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        let mut got = [0; 10];
        node.read_exact(&mut got).await.unwrap();
        assert_eq!(got, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(start.elapsed(), 100 * MS + transit);
        assert!(placed.evidence().delayed >= 1);
    });
}

#[test]
fn bandwidth_is_what_it_says() {
    in_sim(async |net| {
        let mut path = Path::new(&net);
        let (client, mut node) = path.open().await;
        let _placed = path.proxy.add(upstream(Kind::Bandwidth(Bandwidth { rate: 1_000_000, burst: 0 })));
        let start = Instant::now();
        let mut sender = client;
        let sends = async {
            sender.write_all(&vec![7; 1_000_000]).await.unwrap();
            sender.shutdown().await.unwrap();
        };
        let mut got = Vec::new();
        let ((), count) = tokio::join!(sends, node.read_to_end(&mut got));
        assert_eq!(count.unwrap(), 1_000_000);
        // the transits of the sim are a few milliseconds
        let off = start.elapsed().abs_diff(Duration::from_secs(1));
        assert!(off < 10 * MS, "{:?}", start.elapsed());
    });
}

#[test]
fn an_idle_connection_is_reset() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let _placed = path.proxy.add(Toxic::new(Kind::ResetPeer(ResetPeer { timeout: 20 * MS })));
        assert_eq!(client.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(node.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_timeout_counts_from_its_start_whatever_is_sent() {
    in_sim(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let _placed = path.proxy.add(upstream(Kind::Timeout(Timeout { timeout: 100 * MS })));
        let start = Instant::now();
        let chatter = async {
            loop {
                if client.write_all(b"ping").await.is_err() {
                    break;
                }
                tokio::time::sleep(10 * MS).await;
            }
        };
        let silent = async {
            assert_eq!(node.read(&mut [0; 8]).await.unwrap_or(0), 0, "nothing gets through");
            start.elapsed()
        };
        let ((), closed) = tokio::join!(chatter, silent);
        assert!(closed.abs_diff(100 * MS) <= 3 * MS, "{closed:?}");
    });
}

#[test]
fn taking_a_toxic_out_loses_nothing() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let stopped = path.proxy.add(upstream(Kind::Bandwidth(Bandwidth { rate: 0, burst: 0 })));
        client.write_all(b"hello").await.unwrap();
        client.shutdown().await.unwrap();
        tokio::time::sleep(20 * MS).await;
        drop(stopped);
        let mut got = Vec::new();
        node.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"hello");
    });
}
