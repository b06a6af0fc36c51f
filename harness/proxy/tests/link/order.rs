//! Whatever rules come and go, and when: bytes arrive in order, none lost, none twice, and nothing hangs.

use std::time::Duration;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use unstuck_net::Conn;
use unstuck_proxy::{Flow, Rule};

use crate::path::{MS, Path, in_sim};

/// What one side sends: chunks, each after a pause, and FIN after another.
type Script = Vec<(usize, u64)>;

/// A rule, when it comes and for how long it stays.
type Spell = (Rule, u64, u64);

fn flow() -> impl Strategy<Value = Flow> {
    prop_oneof![
        Just(Flow::Pass),
        Just(Flow::Blackhole),
        Just(Flow::StallRead),
        (0u32..50, 0u32..50).prop_map(|(l, j)| Flow::Delay { latency: l * MS, jitter: j * MS }),
    ]
}

fn spells() -> impl Strategy<Value = Vec<Spell>> {
    let rule = (flow(), flow()).prop_map(|(up, down)| Rule { up, down, ..Rule::default() });
    proptest::collection::vec((rule, 0u64..200, 0u64..200), 0..8)
}

fn script() -> impl Strategy<Value = Script> {
    proptest::collection::vec((prop_oneof![1usize..100, 1usize..100_000], 0u64..60), 0..8)
}

/// Position-dependent bytes, so that a loss, a repetition or a swap shows.
fn bytes(script: &Script) -> Vec<u8> {
    let count: usize = script.iter().map(|(len, _)| len).sum();
    (0..count).map(|at| (at % 251) as u8 ^ (at / 251) as u8).collect()
}

/// Says its script, half-closes, and returns what it heard until the other's FIN.
async fn talk(mut conn: Conn, script: Script) -> Vec<u8> {
    let all = bytes(&script);
    let (mut read, mut write) = conn.split();
    let says = async {
        let mut rest = &all[..];
        for (len, pause) in script {
            sleep(u32::try_from(pause).unwrap() * MS).await;
            let (chunk, after) = rest.split_at(len);
            write.write_all(chunk).await.unwrap();
            rest = after;
        }
        write.shutdown().await.unwrap();
    };
    let hears = async {
        let mut heard = Vec::new();
        read.read_to_end(&mut heard).await.unwrap();
        heard
    };
    tokio::join!(says, hears).1
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn all_bytes_arrive_in_order_and_nothing_hangs(client in script(), node in script(), spells in spells()) {
        let (from_client, from_node) = (bytes(&client), bytes(&node));
        let (at_node, at_client, ends, evidence) = in_sim(async |net| {
            let mut path = Path::new(&net);
            for (fault, (rule, start, lasts)) in spells.iter().copied().enumerate() {
                let proxy = path.proxy.clone();
                tokio::spawn(async move {
                    sleep(Duration::from_millis(start)).await;
                    let guard = proxy.apply(fault, rule);
                    sleep(Duration::from_millis(lasts)).await;
                    drop(guard);
                });
            }
            let client = tokio::spawn(talk(path.connect().await.unwrap(), client));
            let node = tokio::spawn(talk(path.arrival().await, node));
            let both = async { (node.await.unwrap(), client.await.unwrap()) };
            // Scripts and spells end within a second; a megabyte and a half at the sim's window takes no longer.
            let (at_node, at_client) = timeout(Duration::from_secs(10), both).await.expect("nothing hangs");
            let evidence: Vec<_> = (0..spells.len()).map(|fault| path.proxy.evidence(fault)).collect();
            (at_node, at_client, path.ended().await, evidence)
        });
        prop_assert!(at_node == from_client, "{} of {} bytes at the node", at_node.len(), from_client.len());
        prop_assert!(at_client == from_node, "{} of {} bytes at the client", at_client.len(), from_node.len());
        prop_assert!(ends.len() == 1 && ends[0].ends_with(" closed"), "{ends:?}");
        for ((rule, ..), evidence) in spells.iter().zip(evidence) {
            let idle = *rule == Rule::default();
            prop_assert!(!(idle && evidence.touched()), "{evidence:?} without a rule");
        }
    }
}
