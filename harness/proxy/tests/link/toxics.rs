//! What toxics do to a connection. Times are exact in the sim.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use unstuck_proxy::Toxic;
use unstuck_proxy::toxic::{Bandwidth, Kind, Latency, LimitData, ResetPeer, Slicer, SlowClose, Timeout};

use crate::path::*;

fn upstream(kind: Kind) -> Toxic {
    Toxic::new(kind).upstream()
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

        let placed = path.proxy.add(upstream(Kind::Latency(Latency::of(100 * MS)))).unwrap();
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
        let _placed =
            path.proxy.add(upstream(Kind::Bandwidth(Bandwidth { rate: 1_000_000, burst: 0 }))).unwrap();
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
        let _placed = path.proxy.add(Toxic::new(Kind::ResetPeer(ResetPeer { timeout: 20 * MS }))).unwrap();
        assert_eq!(client.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(node.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_timeout_counts_from_its_start_whatever_is_sent() {
    in_sim(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let _placed = path.proxy.add(upstream(Kind::Timeout(Timeout { timeout: 100 * MS }))).unwrap();
        let start = Instant::now();
        let chatter = async {
            for _ in 0..30 {
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
        let stopped = path.proxy.add(upstream(Kind::Bandwidth(Bandwidth { rate: 0, burst: 0 }))).unwrap();
        client.write_all(b"hello").await.unwrap();
        client.shutdown().await.unwrap();
        tokio::time::sleep(20 * MS).await;
        drop(stopped);
        let mut got = Vec::new();
        node.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"hello");
    });
}

#[test]
fn a_slow_close_delays_the_fin_and_leaves_the_other_way_open() {
    in_sim(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let _placed = path.proxy.add(upstream(Kind::SlowClose(SlowClose { delay: 300 * MS }))).unwrap();
        let start = Instant::now();
        send(&mut client, b"bye").await;
        client.shutdown().await.unwrap();
        expect(&mut node, b"bye").await;
        assert!(start.elapsed() < 5 * MS);
        expect_fin(&mut node).await;
        assert!(start.elapsed().abs_diff(300 * MS) < 5 * MS, "{:?}", start.elapsed());
        send(&mut node, b"still there?").await;
        expect(&mut client, b"still there?").await;
    });
}

#[test]
fn slices_arrive_apart() {
    in_sim(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let slicer = Slicer { average_size: 10, size_variation: 0, delay: 10 * MS };
        let _placed = path.proxy.add(upstream(Kind::Slicer(slicer))).unwrap();
        let start = Instant::now();
        send(&mut client, &[7; 100]).await;
        for n in 0..10 {
            let mut some = [0; 64];
            assert_eq!(soon(node.read(&mut some)).await.unwrap(), 10);
            assert_eq!(start.elapsed(), 2 * MS + n * 10 * MS);
        }
    });
}

#[test]
fn the_bytes_within_a_limit_arrive_and_then_fin() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let placed = path.proxy.add(upstream(Kind::LimitData(LimitData { bytes: 100_000 }))).unwrap();
        let data = vec![7; 1 << 20];
        send(&mut node, &[1; 1000]).await;
        let (mut read, mut write) = client.split();
        let (mut at_node, mut at_client) = (Vec::new(), Vec::new());
        let all = soon(async {
            let sends = write.write_all(&data);
            tokio::join!(sends, node.read_to_end(&mut at_node), read.read_to_end(&mut at_client))
        })
        .await;
        assert!(matches!(all, (Ok(()), Ok(100_000), Ok(1000))), "FIN to both and RST to none: {all:?}");
        assert_eq!(path.ended().await, ["toxic closed"]);
        assert_eq!(placed.evidence().closed, 1);
    });
}

#[test]
fn a_live_connection_is_reset_while_it_talks() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        send(&mut client, &[7; 1000]).await;
        let _placed =
            path.proxy.add(Toxic::new(Kind::ResetPeer(ResetPeer { timeout: Duration::ZERO }))).unwrap();
        let end = soon(async {
            loop {
                match client.read(&mut [0; 64]).await {
                    Ok(0) => panic!("FIN"),
                    Ok(_) => {}
                    Err(error) => break error.kind(),
                }
            }
        })
        .await;
        assert_eq!(end, ErrorKind::ConnectionReset);
        let mut rest = Vec::new();
        assert_eq!(soon(node.read_to_end(&mut rest)).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(path.ended().await, ["toxic reset"]);
    });
}

#[test]
fn a_reset_that_touches_nobody_resets_nobody() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let reset = Toxic::new(Kind::ResetPeer(ResetPeer { timeout: Duration::ZERO }));
        let _placed = path.proxy.add(Toxic { toxicity: 0.0, ..reset }).unwrap();
        let (mut client, mut node) = path.open().await;
        drop(client.shutdown().await);
        expect_fin(&mut node).await;
        drop(node);
        expect_fin(&mut client).await;
        assert_eq!(path.ended().await, ["client closed"], "its end is its own");
    });
}

#[test]
fn a_timeout_that_is_taken_out_ends_whom_it_robbed_and_nobody_else() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let (mut idle, mut its_node) = path.open().await;
        let placed = path.proxy.add(upstream(Kind::Timeout(Timeout { timeout: Duration::ZERO }))).unwrap();
        send(&mut client, b"lost").await;
        expect_silence(&mut node).await;
        assert_eq!(placed.evidence().bytes, 4);
        drop(placed);
        expect_fin(&mut node).await;
        expect_fin(&mut client).await;
        healthy(&mut idle, &mut its_node).await;
    });
}

#[test]
fn updates_reach_live_connections() {
    in_sim(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let late = |ms: u32| upstream(Kind::Latency(Latency::of(ms * MS)));
        let placed = path.proxy.add(late(3_600_000)).unwrap();
        send(&mut client, b"an hour late").await;
        let start = Instant::now();
        tokio::time::sleep(100 * MS).await;
        placed.update(late(50)).unwrap();
        expect(&mut node, b"an hour late").await;
        assert!(start.elapsed().abs_diff(150 * MS) < 5 * MS, "{:?}", start.elapsed());
        let other = placed.update(upstream(Kind::Noop)).unwrap_err().to_string();
        assert_eq!(other, "a `latency` cannot become a `noop`: take it out and add another one");
        let other = placed.update(Toxic::new(Kind::Latency(Latency::of(MS)))).unwrap_err().to_string();
        assert_eq!(other, "a `latency` cannot change its direction: take it out and add another one");
    });
}

#[test]
fn toxics_act_in_the_order_in_which_they_were_added() {
    in_sim(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let limit = upstream(Kind::LimitData(LimitData { bytes: 4 }));
        let _first = path.proxy.add(limit).unwrap();
        let _then = path.proxy.add(upstream(Kind::Latency(Latency::of(100 * MS)))).unwrap();
        let start = Instant::now();
        send(&mut client, b"limited").await;
        expect(&mut node, b"limi").await;
        expect_fin(&mut node).await;
        assert_eq!(start.elapsed(), 102 * MS, "the end of the first is late, as its bytes are");
    });
}
