//! Whatever the chunks, the buffers and the order of the ends: bytes arrive in order, none lost, none twice.

use std::time::Duration;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;
use unstuck_net::Conn;
use unstuck_net::sim::SimConfig;

use crate::{pair, sim};

/// What one end does: chunk sizes with the pauses (ms) before them, how it reads, how it ends.
#[derive(Debug, Clone)]
struct Script {
    writes: Vec<(usize, u64)>,
    /// Size of each read, and the pause (ms) before it; repeated as long as needed.
    reads: Vec<(usize, u64)>,
    /// Sends FIN when all is written; otherwise only when all is read.
    finishes_early: bool,
    /// Waits with `readable` before each read.
    peeks: bool,
}

fn script() -> impl Strategy<Value = Script> {
    (
        prop::collection::vec((1..300_usize, 0..4_u64), 0..20),
        prop::collection::vec((1..200_usize, 0..4_u64), 1..8),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(writes, reads, finishes_early, peeks)| Script {
            writes,
            reads,
            finishes_early,
            peeks,
        })
}

/// The bytes that a script writes; `salt` tells the directions apart.
fn bytes(script: &Script, salt: u8) -> Vec<u8> {
    let len = script.writes.iter().map(|(len, _)| len).sum();
    (0..len).map(|at| (at % 251) as u8 ^ salt).collect()
}

/// Plays `script` on `conn`; returns all that was read up to EOF, or up to `expected` bytes if the peer may be
/// waiting for our FIN.
async fn play(conn: &mut Conn, script: &Script, salt: u8, expected: usize) -> Vec<u8> {
    let (mut read, mut write) = conn.split();
    let all = bytes(script, salt);
    let writer = async {
        let mut rest = &all[..];
        for (len, pause) in &script.writes {
            sleep(Duration::from_millis(*pause)).await;
            let (chunk, after) = rest.split_at(*len);
            write.write_all(chunk).await.unwrap();
            rest = after;
        }
        if script.finishes_early {
            write.shutdown().await.unwrap();
        }
    };
    let reader = async {
        let mut got = Vec::new();
        for (len, pause) in script.reads.iter().cycle() {
            if !script.finishes_early && got.len() >= expected {
                break;
            }
            sleep(Duration::from_millis(*pause)).await;
            if script.peeks {
                read.readable().await.unwrap();
            }
            let mut buf = vec![0; *len];
            let n = read.read(&mut buf).await.unwrap();
            if n == 0 {
                break;
            }
            got.extend_from_slice(&buf[..n]);
        }
        got
    };
    let ((), mut got) = tokio::join!(writer, reader);
    if !script.finishes_early {
        write.shutdown().await.unwrap();
        read.read_to_end(&mut got).await.unwrap();
    }
    got
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_arrive_in_order_none_lost_none_twice(
        scripts in [script(), script()],
        latency in 1..5_u64,
        send_buffer in 1..500_usize,
        recv_buffer in 1..500_usize,
    ) {
        let config = SimConfig { latency: Duration::from_millis(latency), send_buffer, recv_buffer };
        let [up, down] = &scripts;
        let (to_server, to_client) = (bytes(up, 0), bytes(down, 0xff));
        let (at_client, at_server) = sim(config, async |net| {
            let (mut client, mut server, ..) = pair(&net).await;
            tokio::join!(
                play(&mut client, up, 0, to_client.len()),
                play(&mut server, down, 0xff, to_server.len()),
            )
        });
        prop_assert_eq!(at_client, to_client);
        prop_assert_eq!(at_server, to_server);
    }

    /// Whatever is lost by a reset is lost from the end: what is read is a prefix of what was written.
    #[test]
    fn a_reset_cuts_the_stream_but_never_corrupts_it(
        script in script(),
        cut_after in 0..30_u64,
        recv_buffer in 1..500_usize,
    ) {
        let config = SimConfig { recv_buffer, send_buffer: 200, ..SimConfig::default() };
        let sent = bytes(&script, 0);
        let got = sim(config, async |net| {
            let (mut client, mut server, ..) = pair(&net).await;
            let sender = async {
                let cut = sleep(Duration::from_millis(cut_after));
                tokio::pin!(cut);
                let send = async {
                    for chunk in sent.chunks(50) {
                        sleep(Duration::from_millis(1)).await;
                        client.write_all(chunk).await.unwrap();
                    }
                    std::future::pending::<()>().await;
                };
                tokio::select! { biased; () = cut => {}, () = send => {} }
                client.reset_on_drop();
                drop(client);
            };
            let reader = async {
                let mut got = Vec::new();
                for (len, pause) in script.reads.iter().cycle() {
                    sleep(Duration::from_millis(*pause)).await;
                    let mut buf = vec![0; *len];
                    match server.read(&mut buf).await {
                        Ok(n) => got.extend_from_slice(&buf[..n]),
                        Err(error) => {
                            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
                            break;
                        }
                    }
                }
                got
            };
            let ((), got) = tokio::join!(sender, reader);
            got
        });
        prop_assert!(sent.starts_with(&got));
    }
}
