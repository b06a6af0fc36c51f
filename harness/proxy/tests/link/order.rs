//! Whatever rules and toxics come, change and go, and when: bytes arrive in order, none lost, none twice, and nothing hangs.

use std::time::Duration;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use unstuck_net::{Conn, Net};
use unstuck_proxy::toxic::{
    Bandwidth, Distribution, Kind, Latency, Loss, Only, Reorder, Slicer, SlowClose, Stream,
};
use unstuck_proxy::{Flow, Proxy, Rule, Toxic};

use crate::path::{MS, Path, in_sim, on_sockets};

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
            for (fault, (rule, start, lasts)) in spells.iter().cloned().enumerate() {
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

/// A toxic, what it is changed to half-way, when it comes and for how long it stays.
type Dose = (Toxic, Toxic, u64, u64);

/// Kinds that alter no byte and end no connection, each with another one of the same kind.
fn harmless() -> impl Strategy<Value = (Kind, Kind)> {
    let two = |most: u32| (0..most, 0..most).prop_map(|(one, other)| (one * MS, other * MS));
    prop_oneof![
        Just((Kind::Noop, Kind::Noop)),
        Just((Kind::Blackhole, Kind::Blackhole)),
        Just((Kind::StallRead, Kind::StallRead)),
        Just((Kind::Freeze, Kind::Freeze)),
        (two(50), two(30)).prop_map(|((latency, jitter), (other, spread))| {
            let one = Latency { latency, jitter, ..Latency::default() };
            let (distribution, correlation) = (Distribution::Normal, 0.5);
            (
                Kind::Latency(one),
                Kind::Latency(Latency { latency: other, jitter: spread, distribution, correlation }),
            )
        }),
        (0u64..5_000_000, 0u64..5_000_000).prop_map(|(rate, other)| {
            let burst = other / 100;
            (Kind::Bandwidth(Bandwidth { rate, burst: 0 }), Kind::Bandwidth(Bandwidth { rate: other, burst }))
        }),
        two(50).prop_map(|(delay, other)| {
            (Kind::SlowClose(SlowClose { delay }), Kind::SlowClose(SlowClose { delay: other }))
        }),
        (1u64..3000, two(3)).prop_map(|(average_size, (delay, other))| {
            let slicer = Slicer { average_size, size_variation: average_size / 2, delay };
            (Kind::Slicer(slicer), Kind::Slicer(Slicer { delay: other, ..slicer }))
        }),
        (0.0..0.5, 0.0..0.9, two(20)).prop_map(|(rate, correlation, (timeout, delay))| {
            let loss = Loss { rate, correlation, timeout };
            (Kind::Loss(loss), Kind::Loss(Loss { timeout: delay, rate: 0.0, ..loss }))
        }),
        (0.0..0.5, 0.0..0.9, two(20)).prop_map(|(rate, correlation, (delay, other))| {
            let reorder = Reorder { rate, correlation, delay };
            (Kind::Reorder(reorder), Kind::Reorder(Reorder { delay: other, ..reorder }))
        }),
    ]
}

fn doses() -> impl Strategy<Value = Vec<Dose>> {
    let stream = prop_oneof![Just(Stream::Upstream), Just(Stream::Downstream)];
    let share = || prop_oneof![4 => Just(1.0), 1 => 0.0..1.0];
    let only = (
        prop_oneof![3 => Just(0u64), 1 => 0u64..50_000],
        prop_oneof![3 => Just(None), 1 => (0u32..200).prop_map(|ms| Some(ms * MS))],
    );
    let toxic = (harmless(), stream, share(), share(), only).prop_map(
        |((kind, other), stream, share, then, only)| {
            let only = Only { after_bytes: only.0, during: only.1, ..Only::default() };
            let toxic = Toxic { stream, toxicity: share, only, ..Toxic::new(kind) };
            (toxic.clone(), Toxic { toxicity: then, kind: other, ..toxic })
        },
    );
    let dose = (toxic, 0u64..200, 0u64..200).prop_map(|((toxic, then), at, lasts)| (toxic, then, at, lasts));
    proptest::collection::vec(dose, 0..8)
}

async fn administer(proxy: Proxy, (toxic, then, at, lasts): Dose) {
    sleep(Duration::from_millis(at)).await;
    let placed = proxy.add(toxic).unwrap();
    sleep(Duration::from_millis(lasts / 2)).await;
    placed.update(then).unwrap();
    sleep(Duration::from_millis(lasts / 2)).await;
    drop(placed);
}

/// What arrived at the node and at the client, and how the connection ended.
async fn dosed(net: Net, client: Script, node: Script, doses: Vec<Dose>) -> (Vec<u8>, Vec<u8>, Vec<String>) {
    let mut path = Path::new(&net);
    for dose in doses {
        tokio::spawn(administer(path.proxy.clone(), dose));
    }
    let client = tokio::spawn(talk(path.connect().await.unwrap(), client));
    let node = tokio::spawn(talk(path.arrival().await, node));
    let both = async { (node.await.unwrap(), client.await.unwrap()) };
    // Scripts and doses end within a second; the rest is as fast as the world is.
    let (at_node, at_client) = timeout(Duration::from_secs(20), both).await.expect("nothing hangs");
    (at_node, at_client, path.ended().await)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_toxic_that_is_harmless_harms_in_memory(client in script(), node in script(), doses in doses()) {
        let (from_client, from_node) = (bytes(&client), bytes(&node));
        let (at_node, at_client, ends) = in_sim(|net| dosed(net, client, node, doses));
        prop_assert!(at_node == from_client, "{} of {} bytes at the node", at_node.len(), from_client.len());
        prop_assert!(at_client == from_node, "{} of {} bytes at the client", at_client.len(), from_node.len());
        prop_assert!(ends.len() == 1 && ends[0].ends_with(" closed"), "{ends:?}");
    }
}

proptest! {
    // real time: a case takes up to half a second
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_toxic_that_is_harmless_harms_on_sockets(client in script(), node in script(), doses in doses()) {
        let (from_client, from_node) = (bytes(&client), bytes(&node));
        let (at_node, at_client, ends) = on_sockets(|net| dosed(net, client, node, doses));
        prop_assert!(at_node == from_client, "{} of {} bytes at the node", at_node.len(), from_client.len());
        prop_assert!(at_client == from_node, "{} of {} bytes at the client", at_client.len(), from_node.len());
        prop_assert!(ends.len() == 1 && ends[0].ends_with(" closed"), "{ends:?}");
    }
}
