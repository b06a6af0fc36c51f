//! Money moves between accounts while clients die and stores come and go; nobody ever sees a sum that is not the whole.
//!
//! Every transfer also counts both of its accounts up and leaves a mark, so that a lost update, or half a commit, shows
//! in the end too. What was read once is read again in the end: nothing may be committed behind a reader's back.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use fake_tikv::proto::pdpb::SplitRegionsRequest;
use fake_tikv::{Node, Spec};
use futures_util::future::join_all;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::time::{sleep, timeout};

use super::client::{Client, encoded, spec};
use super::session::{Aborted, Known, Way};
use crate::fixture::{Fixture, with};

/// Branches, each a region with two accounts.
const BRANCHES: usize = 3;
const DEPOSIT: u64 = 100;
const WRITERS: u64 = 6;
const READERS: u64 = 2;

fn account(branch: usize, number: usize) -> Bytes {
    format!("{branch}/{number}").into()
}
fn accounts() -> impl Iterator<Item = Bytes> {
    (0..BRANCHES).flat_map(|branch| (0..2).map(move |number| account(branch, number)))
}

/// What happens meanwhile, besides clients that die.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    None,
    StoresFail,
    /// Regions divide where the branches meet.
    RegionsDivide,
    /// They divide and become one again, and their leads are handed over, all the time.
    RegionsMove,
}

/// Divides a region where branches meet, merges two, or hands a lead over; whether that could be done.
fn move_a_region(f: &Fixture, rng: &mut ChaCha8Rng) -> bool {
    let regions = f.cluster.regions();
    let at = rng.random_range(0..regions.len());
    let region = &regions[at];
    match rng.random_range(0..3) {
        0 => f.cluster.split(&[format!("{}/", rng.random_range(1..BRANCHES)).into()]).is_ok(),
        1 => {
            let next = &regions[(at + 1) % regions.len()];
            let (source, target) = if rng.random() { (region, next) } else { (next, region) };
            source.id != target.id && f.cluster.merge(source.id, target.id).is_ok()
        }
        _ => {
            let store = region.stores[rng.random_range(0..region.stores.len())];
            region.leader != Some(store) && f.cluster.transfer_leader(region.id, store).is_ok()
        }
    }
}

/// What an account holds, and how often it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Balance {
    amount: u64,
    writes: u64,
}
impl Balance {
    fn read(value: &Bytes) -> Self {
        let text = std::str::from_utf8(value).unwrap();
        let (amount, writes) = text.split_once(' ').unwrap();
        Self { amount: amount.parse().unwrap(), writes: writes.parse().unwrap() }
    }
    fn value(self) -> Bytes {
        format!("{} {}", self.amount, self.writes).into()
    }
}

/// One transfer; dropped anywhere, it is a client's death.
async fn transfer(f: &Fixture, mut rng: ChaCha8Rng, mark: u64) -> Result<u64, Aborted> {
    let client = Client::new(f);
    let way = [Way::TwoPhase, Way::Async, Way::OnePhase][rng.random_range(0..3)];
    let pessimistic = rng.random_bool(0.5);
    let branch = rng.random_range(0..BRANCHES);
    let other = if matches!(way, Way::OnePhase) { branch } else { rng.random_range(0..BRANCHES) };
    let number = rng.random_range(0..2);
    let (from, to) = (account(branch, number), account(other, 1 - number));
    let start = client.ts().await;
    let mut for_update = if pessimistic { start } else { 0 };
    let mut known = Known::default();
    let mut balances = Vec::new();
    for key in [&from, &to] {
        let value = if pessimistic {
            client.reserve(start, &mut for_update, &from, key).await?
        } else {
            client.read(key, start, &mut known).await.unwrap()
        };
        balances.push(Balance::read(&value));
    }
    let amount = rng.random_range(0..=balances[0].amount);
    let less = Balance { amount: balances[0].amount - amount, writes: balances[0].writes + 1 };
    let more = Balance { amount: balances[1].amount + amount, writes: balances[1].writes + 1 };
    let puts =
        [(from, less.value()), (to, more.value()), (format!("{branch}/m{mark}").into(), Bytes::from("x"))];
    client.write(start, for_update, &puts, 2, way).await
}

/// All accounts at one time, key by key or region by region.
async fn snapshot(client: &Client<'_>, at: u64, whole: bool) -> BTreeMap<Bytes, Balance> {
    let mut known = Known::default();
    let mut seen = BTreeMap::new();
    if whole {
        for branch in 0..BRANCHES {
            let (start, end) = (Bytes::from(format!("{branch}/")), Bytes::from(format!("{branch}/m")));
            let pairs = client.scan(&start, &end, at, &mut known).await;
            seen.extend(pairs.iter().map(|(key, value)| (key.clone(), Balance::read(value))));
        }
    } else {
        for key in accounts() {
            let value = client.read(&key, at, &mut known).await.unwrap();
            seen.insert(key, Balance::read(&value));
        }
    }
    let sum: u64 = seen.values().map(|balance| balance.amount).sum();
    assert_eq!(sum, DEPOSIT * seen.len() as u64, "at {at}: {seen:?}");
    assert_eq!(seen.len(), 2 * BRANCHES);
    seen
}

async fn run(f: &Fixture, seed: u64, transfers: u64, trouble: Trouble) {
    let generator = |stream: u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        rng
    };
    let first = Client::new(f);
    let start = first.ts().await;
    let puts: Vec<_> = accounts().map(|key| (key, Balance { amount: DEPOSIT, writes: 0 }.value())).collect();
    first.write(start, 0, &puts, 0, Way::TwoPhase).await.unwrap();

    let write = async |writer: u64| {
        let (mut rng, mut committed) = (generator(writer), Vec::new());
        for n in 0..transfers {
            let mark = writer * 1000 + n;
            let patience = if rng.random_bool(0.4) { rng.random_range(1..120) } else { 600_000 };
            let rng = generator(1_000_000 + mark);
            // it may abort, and its client may die
            let transferred = timeout(Duration::from_millis(patience), transfer(f, rng, mark)).await;
            committed.extend(transferred.ok().and_then(Result::ok).map(|at| (mark, at)));
        }
        committed
    };
    let read = async |reader: u64| {
        let (client, mut rng, mut snapshots) = (Client::new(f), generator(100 + reader), Vec::new());
        for _ in 0..transfers {
            sleep(Duration::from_millis(rng.random_range(0..40))).await;
            let at = client.ts().await;
            snapshots.push((at, snapshot(&client, at, rng.random()).await));
        }
        snapshots
    };
    let fail = async {
        let (mut rng, mut moves) = (generator(200), 0);
        for round in 1..=3 {
            sleep(Duration::from_millis(rng.random_range(50..400))).await;
            match trouble {
                Trouble::StoresFail => {
                    let store = Node::Store(rng.random_range(1..=3));
                    f.cluster.stop(store);
                    sleep(Duration::from_millis(rng.random_range(10..3_000))).await;
                    f.cluster.restart(store);
                }
                Trouble::RegionsDivide if round < BRANCHES => {
                    let split_keys = vec![encoded(format!("{round}/").as_bytes())];
                    let split = SplitRegionsRequest { split_keys, ..Default::default() };
                    f.pd_leader().await.split_regions(split).await.unwrap();
                }
                Trouble::RegionsMove => {
                    for _ in 0..10 {
                        moves += u32::from(move_a_region(f, &mut rng));
                        sleep(Duration::from_millis(rng.random_range(1..60))).await;
                    }
                }
                Trouble::RegionsDivide | Trouble::None => {}
            }
        }
        moves
    };
    let (committed, snapshots, moves) =
        tokio::join!(join_all((0..WRITERS).map(write)), join_all((0..READERS).map(read)), fail);

    // every lock that is left is one that a dead client has left, and can be settled
    sleep(Duration::from_secs(10)).await;
    let now = first.ts().await;
    let last = snapshot(&first, now, true).await;
    let mut marks = Vec::new();
    for branch in 0..BRANCHES {
        let (start, end) = (Bytes::from(format!("{branch}/m")), Bytes::from(format!("{branch}/n")));
        marks.extend(first.scan(&start, &end, now, &mut Known::default()).await);
    }
    let writes: u64 = last.values().map(|balance| balance.writes).sum();
    assert_eq!(writes, 2 * marks.len() as u64, "an update is lost, or half of one");
    let committed: Vec<_> = committed.into_iter().flatten().collect();
    for (mark, at) in &committed {
        let name = format!("m{mark}");
        assert!(marks.iter().any(|(key, _)| key.ends_with(name.as_bytes())), "{mark} was committed at {at}");
    }
    assert!(!committed.is_empty());
    assert_eq!(moves > 0, matches!(trouble, Trouble::RegionsMove));
    let mut known = Known::default();
    for (at, snapshot) in snapshots.into_iter().flatten() {
        for (key, balance) in snapshot {
            let again = Balance::read(&first.read(&key, at, &mut known).await.unwrap());
            assert_eq!(again, balance, "{key:?} at {at} was another before");
        }
    }
}

#[test]
fn the_sum_stays_whole_whoever_dies_in_between() {
    for seed in 0..24 {
        with(Spec { seed, ..spec(&["1/", "2/"]) }, |f| async move {
            run(&f, seed, 12, Trouble::None).await;
        });
    }
}

#[test]
fn the_sum_stays_whole_while_stores_come_and_go() {
    for seed in 100..112 {
        let spec = Spec { seed, election: Duration::from_millis(500), ..spec(&["1/", "2/"]) };
        with(spec, |f| async move {
            run(&f, seed, 12, Trouble::StoresFail).await;
        });
    }
}

#[test]
fn the_sum_stays_whole_while_regions_divide() {
    for seed in 200..212 {
        with(Spec { seed, ..spec(&[]) }, |f| async move {
            run(&f, seed, 12, Trouble::RegionsDivide).await;
            assert_eq!(f.regions().await.len(), BRANCHES);
        });
    }
}

#[test]
fn the_sum_stays_whole_while_regions_divide_merge_and_change_hands() {
    for seed in 300..324 {
        with(Spec { seed, ..spec(&["1/", "2/"]) }, |f| async move {
            run(&f, seed, 12, Trouble::RegionsMove).await;
        });
    }
}
