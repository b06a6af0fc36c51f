//! What passes while a rule is in force, and after it.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use unstuck_proxy::{Flow, Rule};
use unstuck_record::Evidence;

use crate::path::*;

#[test]
fn bytes_pass_and_are_counted() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let stats = path.proxy.stats();
        assert_eq!((stats.conns, stats.accepted, stats.up, stats.down), (1, 1, 4, 4));
        client.shutdown().await.unwrap();
        expect_fin(&mut node).await;
        send(&mut node, b"still open").await;
        expect(&mut client, b"still open").await;
        node.shutdown().await.unwrap();
        expect_fin(&mut client).await;
        assert_eq!(path.ended().await, ["client closed"]);
    });
}

#[test]
fn a_blackhole_is_silent_and_loses_nothing() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let guard = path.proxy.apply(3, both_ways(Flow::Blackhole));
        send(&mut client, b"question").await;
        send(&mut node, b"answer").await;
        node.shutdown().await.unwrap();
        expect_silence(&mut client).await;
        expect_silence(&mut node).await;
        let held = "question".len() + "answer".len() + 1;
        assert_eq!(path.proxy.evidence(3).bytes, held as u64, "the FIN counts as one");
        drop(guard);
        expect(&mut node, b"question").await;
        expect(&mut client, b"answer").await;
        expect_fin(&mut client).await;
        send(&mut client, b"goes on").await;
        expect(&mut node, b"goes on").await;
        assert_eq!(path.proxy.evidence(3), Evidence { bytes: held as u64, ..Evidence::default() });
    });
}

#[test]
fn one_way_leaves_the_other_way_open() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let guard = path.proxy.apply(0, up(Flow::Blackhole));
        send(&mut client, b"lost for now").await;
        send(&mut node, b"heard").await;
        expect(&mut client, b"heard").await;
        expect_silence(&mut node).await;
        drop(guard);
        expect(&mut node, b"lost for now").await;
    });
}

#[test]
fn an_idle_connection_is_no_evidence() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        for (fault, flow) in [Flow::Blackhole, Flow::StallRead, delay(9)].into_iter().enumerate() {
            let guard = path.proxy.apply(fault, both_ways(flow));
            expect_silence(&mut client).await;
            drop(guard);
            healthy(&mut client, &mut node).await;
            assert!(!path.proxy.evidence(fault).touched(), "{flow:?}");
        }
    });
}

#[test]
fn a_blackhole_takes_one_buffer_and_then_the_sender_blocks() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let guard = path.proxy.apply(0, up(Flow::Blackhole));
        let sent = fill(&mut client).await;
        assert_eq!(path.proxy.evidence(0).bytes, 64 << 10);
        assert!(sent > 64 << 10, "the kernel's buffers are full too");
        drop(guard);
        expect(&mut node, &vec![7; sent]).await;
        healthy(&mut client, &mut node).await;
    });
}

#[test]
fn a_stalled_reader_takes_nothing_and_the_sender_blocks() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let guard = path.proxy.apply(0, up(Flow::StallRead));
        expect_silence(&mut node).await;
        assert!(!path.proxy.evidence(0).touched());
        let sent = fill(&mut client).await;
        expect_silence(&mut node).await;
        assert_eq!(path.proxy.evidence(0).bytes, 1, "something waits");
        assert_eq!(path.proxy.stats().up, 4, "and nothing of it passed");
        drop(guard);
        expect(&mut node, &vec![7; sent]).await;
        healthy(&mut client, &mut node).await;
    });
}

#[test]
fn a_burst_is_late_once() {
    in_sim(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let start = Instant::now();
        send(&mut client, b"x").await;
        expect(&mut node, b"x").await;
        let transit = start.elapsed();

        let guard = path.proxy.apply(0, up(delay(100)));
        let start = Instant::now();
        for n in 0..10 {
            send(&mut client, &[n]).await;
            tokio::time::sleep(MS).await;
        }
        for n in 0..10 {
            expect(&mut node, &[n]).await;
            assert_eq!(start.elapsed(), transit + u32::from(n) * MS + 100 * MS);
        }
        assert_eq!(path.proxy.evidence(0), Evidence { delayed: 10, ..Evidence::default() });
        drop(guard);
        let start = Instant::now();
        send(&mut client, b"x").await;
        expect(&mut node, b"x").await;
        assert_eq!(start.elapsed(), transit);
    });
}

#[test]
fn a_delay_that_heals_lets_everything_go_at_once() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let guard = path.proxy.apply(0, both_ways(delay(3_600_000)));
        send(&mut client, b"an hour late").await;
        client.shutdown().await.unwrap();
        expect_silence(&mut node).await;
        drop(guard);
        expect(&mut node, b"an hour late").await;
        expect_fin(&mut node).await;
        assert_eq!(path.proxy.evidence(0), Evidence { delayed: 2, ..Evidence::default() });
    });
}

#[test]
fn what_is_under_way_when_a_blackhole_begins_is_held_by_it() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let late = path.proxy.apply(0, up(delay(3_600_000)));
        send(&mut client, b"under way").await;
        client.shutdown().await.unwrap();
        expect_silence(&mut node).await;
        let hole = path.proxy.apply(1, up(Flow::Blackhole));
        drop(late);
        expect_silence(&mut node).await;
        assert_eq!(path.proxy.evidence(1).bytes, "under way".len() as u64 + 1);
        drop(hole);
        expect(&mut node, b"under way").await;
        expect_fin(&mut node).await;
    });
}

#[test]
fn delays_of_two_faults_add_and_both_are_credited() {
    in_sim(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let _one = path.proxy.apply(0, up(delay(30)));
        let _other = path.proxy.apply(1, up(delay(12)));
        let start = Instant::now();
        send(&mut client, b"x").await;
        expect(&mut node, b"x").await;
        assert_eq!(start.elapsed(), (2 + 42) * MS);
        assert_eq!((path.proxy.evidence(0).delayed, path.proxy.evidence(1).delayed), (1, 1));
    });
}

#[test]
fn jitter_keeps_order_stays_in_bounds_and_follows_the_seed() {
    let times = || {
        in_sim(async |net| {
            let mut path = Path::new(&net);
            let (mut client, mut node) = path.open().await;
            let rule = up(Flow::Delay { latency: 50 * MS, jitter: 20 * MS });
            let _guard = path.proxy.apply(0, rule);
            let mut late = Vec::new();
            for n in 0..50 {
                let start = Instant::now();
                send(&mut client, &[n]).await;
                expect(&mut node, &[n]).await;
                late.push(start.elapsed());
            }
            late
        })
    };
    let late = times();
    assert!(
        late.iter().all(|late| (32 * MS..=73 * MS).contains(late)),
        "two hops of 1 ms, and timers count whole ms: {late:?}"
    );
    let (min, max) = (late.iter().min().unwrap(), late.iter().max().unwrap());
    assert!(*min < 42 * MS && *max > 62 * MS, "it varies: {min:?} to {max:?}");
    assert_eq!(late, times());
}

#[test]
fn a_new_connection_is_subject_to_the_rule_too() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        path.open().await;
        let guard = path.proxy.apply(0, both_ways(Flow::Blackhole));
        let mut client = path.connect().await.unwrap();
        let mut node = path.arrival().await;
        send(&mut client, b"hello").await;
        expect_silence(&mut node).await;
        drop(guard);
        expect(&mut node, b"hello").await;
        healthy(&mut client, &mut node).await;
    });
}

#[test]
fn a_receiver_that_does_not_read_blocks_its_sender() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let sent = fill(&mut client).await;
        send(&mut node, b"the other way is open").await;
        expect(&mut client, b"the other way is open").await;
        expect(&mut node, &vec![7; sent]).await;
        healthy(&mut client, &mut node).await;
    });
}

#[test]
fn a_healed_stall_under_a_blackhole_is_still_a_blackhole() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let stall = path.proxy.apply(0, up(Flow::StallRead));
        let hole = path.proxy.apply(1, Rule { up: Flow::Blackhole, ..Rule::default() });
        send(&mut client, b"patience").await;
        expect_silence(&mut node).await;
        assert_eq!((path.proxy.evidence(0).bytes, path.proxy.evidence(1).bytes), (1, 0));
        drop(stall);
        expect_silence(&mut node).await;
        assert_eq!(path.proxy.evidence(1).bytes, "patience".len() as u64);
        drop(hole);
        expect(&mut node, b"patience").await;
    });
}

#[test]
fn a_megabyte_arrives_whole_both_ways_at_once() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let (mut client, mut node) = path.open().await;
        let data: Vec<u8> = (0..1 << 20).map(|n: u32| (n % 251) as u8).collect();
        let ((mut cr, mut cw), (mut nr, mut nw)) = (client.split(), node.split());
        let (mut at_node, mut at_client) = (Vec::new(), Vec::new());
        let sends = async { cw.write_all(&data).await.and(cw.shutdown().await) };
        let answers = async { nw.write_all(&data).await.and(nw.shutdown().await) };
        let all = soon(async {
            tokio::join!(sends, answers, nr.read_to_end(&mut at_node), cr.read_to_end(&mut at_client))
        })
        .await;
        assert!(matches!(all, (Ok(()), Ok(()), Ok(_), Ok(_))), "{all:?}");
        assert!(at_node == data && at_client == data);
    });
}

fn delay(ms: u32) -> Flow {
    Flow::Delay { latency: ms * MS, jitter: Duration::ZERO }
}
