//! What every stage owes, as pure machines: nothing is lost, doubled or swapped, whatever comes when. Times are exact here.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use tokio::time::Instant;

use super::chain::Chain;
use super::stage::{End, Next, Piece, Stages};
use super::*;

const MS: Duration = Duration::from_millis(1);

/// A chain of these toxics, upstream, as a connection with this seed meets it.
struct Rig {
    chain: Chain,
    toxics: Vec<Arc<InForce>>,
    now: Instant,
    got: Vec<(Duration, Piece)>,
    start: Instant,
}

impl Rig {
    fn new(kinds: &[Kind]) -> Self {
        Self::with(kinds.iter().map(|kind| Toxic::new(kind.clone()).upstream()))
    }

    fn with(toxics: impl Iterator<Item = Toxic>) -> Self {
        let now = Instant::now();
        let mut rig = Self { chain: Chain::default(), toxics: Vec::new(), now, got: Vec::new(), start: now };
        for (at, toxic) in toxics.enumerate() {
            let id = at as u64 + 1;
            let tally = Arc::default();
            let cause = Cause::Toxic(id);
            let in_force = InForce { id, revision: 0, toxic, cause, tally, since: now, over: false };
            rig.toxics.push(Arc::new(in_force));
            rig.meet(at);
        }
        rig
    }

    fn meet(&mut self, at: usize) {
        let toxic = &self.toxics[at];
        let mut seed = [3; 32];
        seed[0] = toxic.id as u8;
        let met = Meeting { connection: 1, client: SocketAddr::from(([127, 0, 0, 1], 1)), seed };
        let Stages { up, .. } = toxic.toxic.stages(&met);
        self.chain.add(toxic, up.expect("it acts upstream"), self.now);
    }

    fn send(&mut self, bytes: &[u8]) -> bool {
        let takes = self.chain.takes();
        if takes {
            self.chain.push(Piece::Data(Bytes::copy_from_slice(bytes)), self.now);
        }
        self.fetch();
        takes
    }

    fn end(&mut self, end: End) {
        self.chain.push(Piece::End(end), self.now);
        self.fetch();
    }

    fn wait(&mut self, time: Duration) {
        self.until(self.now + time);
    }

    /// Lets time pass as a lane does: from one alarm to the next.
    fn until(&mut self, end: Instant) {
        while let Some(at) = self.fetch().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            if self.chain.ends(self.now).is_some() {
                break;
            }
        }
        self.now = end;
    }

    fn fetch(&mut self) -> Option<Instant> {
        loop {
            match self.chain.next(self.now) {
                Next::Piece(piece) => self.got.push((self.now - self.start, piece)),
                Next::Idle(wake) => return wake,
            }
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let data = |(_, piece): &(_, Piece)| match piece {
            Piece::Data(bytes) => bytes.to_vec(),
            Piece::End(_) => Vec::new(),
        };
        self.got.iter().flat_map(data).collect()
    }

    fn ends(&self) -> Vec<End> {
        let end = |(_, piece): &(_, Piece)| match piece {
            Piece::Data(_) => None,
            Piece::End(end) => Some(*end),
        };
        self.got.iter().filter_map(end).collect()
    }

    fn times(&self) -> Vec<u128> {
        self.got.iter().map(|(at, _)| at.as_millis()).collect()
    }

    fn touched(&self) -> unstuck_record::Evidence {
        self.toxics[0].tally.evidence()
    }
}

#[test]
fn latency_is_exact_and_a_burst_is_late_once() {
    let mut rig = Rig::new(&[Kind::Latency(Latency::of(100 * MS))]);
    for byte in 0..5 {
        rig.send(&[byte]);
        rig.wait(MS);
    }
    rig.end(End::Fin);
    rig.wait(200 * MS);
    assert_eq!(rig.times(), [100, 101, 102, 103, 104, 105]);
    assert_eq!((rig.bytes(), rig.ends()), (vec![0, 1, 2, 3, 4], vec![End::Fin]));
    assert_eq!(rig.touched().delayed, 6);
}

#[test]
fn a_long_line_is_wide_and_its_end_is_bounded() {
    let mut rig = Rig::new(&[Kind::Latency(Latency::of(100 * MS))]);
    let piece = vec![0; 64 << 10];
    let sent = (0..100).take_while(|_| rig.send(&piece)).count();
    assert_eq!(sent, 64, "4 MiB are under way");
    rig.now += 200 * MS;
    assert!(!rig.chain.takes(), "what has arrived and is not fetched keeps more from coming");
}

#[test]
fn jitter_stays_in_bounds_keeps_order_and_follows_the_seed() {
    let late = |distribution| {
        let jitter = Latency { latency: 50 * MS, jitter: 20 * MS, distribution, correlation: 0.25 };
        let mut rig = Rig::new(&[Kind::Latency(jitter)]);
        for byte in 0..200 {
            rig.send(&[byte]);
            rig.wait(100 * MS);
        }
        assert_eq!(rig.bytes(), (0..200).collect::<Vec<u8>>());
        rig.times().iter().enumerate().map(|(n, at)| at - 100 * n as u128).collect::<Vec<_>>()
    };
    let uniform = late(Distribution::Uniform);
    assert!(uniform.iter().all(|late| (30..=70).contains(late)), "{uniform:?}");
    let normal = late(Distribution::Normal);
    assert!(normal.iter().any(|late| *late > 70), "{normal:?}");
    assert_ne!(uniform, normal);
    assert_ne!(normal, late(Distribution::Pareto));
    assert_eq!(normal, late(Distribution::Normal));
}

#[test]
fn bandwidth_is_exact_to_the_byte_and_a_burst_comes_after_a_pause() {
    let mut rig = Rig::new(&[Kind::Bandwidth(Bandwidth { rate: 1_000_000, burst: 0 })]);
    let (piece, mut sent) = (vec![7; 50_000], 0);
    while sent < 1_000_000 {
        if rig.send(&piece) {
            sent += 50_000;
        } else {
            rig.wait(MS);
        }
        let time = (rig.now - rig.start).as_micros();
        assert!(rig.bytes().len() as u128 <= time, "{} in {time} us", rig.bytes().len());
    }
    rig.wait(Duration::from_secs(1));
    assert_eq!(rig.got.last().map(|(at, _)| *at), Some(Duration::from_secs(1)));

    let mut rig = Rig::new(&[Kind::Bandwidth(Bandwidth { rate: 1_000, burst: 500 })]);
    rig.send(&[7; 600]);
    assert_eq!(rig.bytes().len(), 500, "the burst goes at once");
    rig.wait(99 * MS);
    assert!(rig.bytes().len() < 600);
    rig.wait(MS);
    assert_eq!(rig.bytes().len(), 600);
    rig.wait(250 * MS);
    rig.send(&[7; 500]);
    assert_eq!(rig.bytes().len(), 850, "a quarter of a second saves up half of the burst");
}

/// As on a busy machine: timers that come 8 ms late, 64 KiB of room at a time.
#[test]
fn a_rate_is_true_whatever_the_timer_and_a_pause_saves_nothing_up() {
    let mut rig = Rig::new(&[Kind::Bandwidth(Bandwidth { rate: 10_000_000, burst: 0 })]);
    let late = |rig: &mut Rig, time: Duration| {
        let end = rig.now + time;
        while rig.now < end {
            while rig.send(&[7; 1000]) {}
            rig.now = (rig.fetch().expect("a timer") + 8 * MS).min(end);
            rig.fetch();
        }
        rig.bytes().len()
    };
    let got = late(&mut rig, Duration::from_secs(1));
    assert!((9_900_000..=10_000_000).contains(&got), "{got}");

    // nobody takes anything for ten seconds
    rig.now += Duration::from_secs(10);
    let before = rig.bytes().len();
    let got = late(&mut rig, Duration::from_secs(1)) - before;
    // what was on its way, and what was held
    assert!((9_900_000..=10_000_000 + 200_000).contains(&got), "{got}");

    // nothing is sent for ten seconds
    rig.wait(Duration::from_secs(10));
    let before = rig.bytes().len();
    let got = late(&mut rig, Duration::from_secs(1)) - before;
    assert!((9_900_000..=10_000_000).contains(&got), "{got}");
}

#[test]
fn a_slow_close_delays_the_end_alone() {
    let mut rig = Rig::new(&[Kind::SlowClose(SlowClose { delay: 30 * MS })]);
    rig.send(b"a");
    rig.end(End::Fin);
    rig.wait(100 * MS);
    assert_eq!((rig.times(), rig.ends()), (vec![0, 30], vec![End::Fin]));
}

#[test]
fn slices_have_their_sizes_and_their_pauses() {
    let slicer = Slicer { average_size: 10, size_variation: 4, delay: 5 * MS };
    let mut rig = Rig::new(&[Kind::Slicer(slicer)]);
    rig.send(&[7; 200]);
    rig.end(End::Fin);
    rig.wait(1000 * MS);
    let sizes: Vec<usize> = rig.got.iter().map(|(_, piece)| piece.weight()).collect();
    let (whole, last) = sizes.split_at(sizes.len() - 2);
    assert!(whole.iter().all(|size| (6..=14).contains(size)), "{sizes:?}");
    assert!(whole.iter().any(|size| *size != whole[0]), "they vary: {sizes:?}");
    assert_eq!((last[1], sizes.iter().sum::<usize>()), (1, 201));
    assert_eq!(rig.times(), (0..sizes.len() as u128).map(|n| 5 * n).collect::<Vec<_>>());
}

/// A timer that comes 30 pauses late, as real ones do.
#[test]
fn pauses_are_true_on_average_whatever_the_timer() {
    let slicer = Slicer { average_size: 1, size_variation: 0, delay: Duration::from_micros(50) };
    let mut rig = Rig::new(&[Kind::Slicer(slicer)]);
    rig.send(&[7; 100]);
    for _ in 0..4 {
        rig.now += Duration::from_micros(1500);
        rig.fetch();
    }
    assert_eq!(rig.bytes().len(), 100, "5 ms are 100 pauses");
    rig.now += MS;
    rig.send(&[7; 2]);
    assert_eq!(rig.bytes().len(), 101, "but none is saved up");
}

/// Numbers as large as they can be are slow, or no limit at all; they do not overflow.
#[test]
fn the_largest_numbers_are_only_large() {
    let (time, many) = (Duration::MAX, u64::MAX);
    let jitter = Distribution::Pareto;
    for kind in [
        Kind::Latency(Latency { latency: time, jitter: time, distribution: jitter, correlation: 1.0 }),
        Kind::Bandwidth(Bandwidth { rate: many, burst: many }),
        Kind::Bandwidth(Bandwidth { rate: 1, burst: many }),
        Kind::SlowClose(SlowClose { delay: time }),
        Kind::Timeout(Timeout { timeout: time }),
        Kind::ResetPeer(ResetPeer { timeout: time }),
        Kind::Slicer(Slicer { average_size: many, size_variation: many, delay: time }),
        Kind::LimitData(LimitData { bytes: many }),
        Kind::Loss(Loss { rate: 1.0, correlation: 1.0, timeout: time }),
        Kind::Reorder(Reorder { rate: 1.0, correlation: 1.0, delay: time }),
        Kind::Corrupt(Corrupt { rate: 1.0 }),
    ] {
        let only = Only { during: Some(time), ..Only::default() };
        let toxic = Toxic { only, ..Toxic::new(kind.clone()).upstream() };
        assert_eq!(toxic.check(), Ok(()));
        assert_eq!(toxic.scaled(u32::MAX).check(), Ok(()));
        let mut rig = Rig::with([toxic].into_iter());
        assert_eq!(rig.toxics[0].until(), None);
        rig.send(&[7; 5000]);
        rig.end(End::Fin);
        rig.wait(Duration::from_secs(24 * 3600));
        let same = Toxic { ..rig.toxics[0].toxic.clone() };
        rig.toxics[0] = Arc::new(InForce { revision: 1, toxic: same, ..InForce::clone(&rig.toxics[0]) });
        rig.chain.keep(&rig.toxics, rig.now);
        rig.wait(Duration::from_secs(24 * 3600));
        assert_eq!(rig.chain.ends(rig.now), None, "{kind:?}");
    }
}

/// With a rate of 1 a segment is lost as often as it can be: the timeouts double up to two minutes.
#[test]
fn a_loss_is_a_delay_by_timeouts_that_double_and_those_behind_wait() {
    let loss = Loss { rate: 1.0, ..Loss::default() };
    let mut rig = Rig::new(&[Kind::Loss(loss)]);
    rig.send(&[7; 3000]);
    rig.wait(Duration::from_secs(3600));
    let doubled: u32 = (0..15).map(|n| 120_000.min(200 << n)).sum();
    assert_eq!(rig.times(), [u128::from(doubled); 3], "three segments");

    let mut rig = Rig::new(&[Kind::Loss(Loss { rate: 0.1, ..Loss::default() })]);
    for byte in 0..=255 {
        rig.send(&[byte]);
        rig.wait(10 * MS);
    }
    rig.wait(Duration::from_secs(10));
    assert_eq!(rig.bytes(), (0..=255).collect::<Vec<u8>>(), "all and in order");
    let late = rig.times().iter().enumerate().filter(|(n, at)| **at > 10 * *n as u128).count();
    // a tenth is lost, and each holds up the twenty behind it
    assert!((100..256).contains(&late), "{late}");
    assert!(rig.times().iter().enumerate().any(|(n, at)| *at == 10 * n as u128 + 200));
    assert_eq!(rig.touched().delayed, late as u64, "whoever waits for another is late too");
}

#[test]
fn what_is_overtaken_holds_up_what_is_behind_it() {
    let reorder = Reorder { rate: 0.1, delay: 25 * MS, ..Reorder::default() };
    let mut rig = Rig::new(&[Kind::Reorder(reorder)]);
    for byte in 0..=255 {
        rig.send(&[byte]);
        rig.wait(10 * MS);
    }
    rig.wait(25 * MS);
    assert_eq!(rig.bytes(), (0..=255).collect::<Vec<u8>>());
    let late: Vec<u128> = rig.times().iter().enumerate().map(|(n, at)| at - 10 * n as u128).collect();
    assert!(
        late.iter().all(|late| *late <= 25) && late.contains(&25) && late.contains(&15) && late.contains(&0)
    );
}

#[test]
fn corruption_follows_the_seed_and_not_the_chunks() {
    let corrupt = |size: usize| {
        let mut rig = Rig::new(&[Kind::Corrupt(Corrupt { rate: 0.01 })]);
        for chunk in vec![0; 20_000].chunks(size) {
            rig.send(chunk);
        }
        (rig.bytes(), rig.touched().bytes)
    };
    let (bytes, touched) = corrupt(20_000);
    let altered = bytes.iter().filter(|byte| **byte != 0).count();
    // 200 are expected, with a deviation of 14
    assert!((140..260).contains(&altered), "{altered}");
    assert_eq!(touched, altered as u64);
    for size in [1, 7, 1448] {
        assert_eq!(corrupt(size), (bytes.clone(), touched), "in chunks of {size}");
    }
    let mut all = Rig::new(&[Kind::Corrupt(Corrupt { rate: 1.0 })]);
    all.send(&[0; 100]);
    assert!(all.bytes().iter().all(|byte| *byte != 0));
}

#[test]
fn a_limit_lets_so_many_bytes_on_and_then_closes() {
    for (limit, sends, gets) in [(5, 10, 5), (10, 10, 10), (0, 1, 0)] {
        let mut rig = Rig::new(&[Kind::LimitData(LimitData { bytes: limit })]);
        rig.send(&vec![7; sends]);
        assert_eq!((rig.bytes().len(), rig.ends()), (gets, vec![End::Close]), "{limit} of {sends}");
    }
    let mut rig = Rig::new(&[Kind::LimitData(LimitData { bytes: 5 })]);
    rig.send(&[7; 4]);
    rig.end(End::Fin);
    assert_eq!(rig.ends(), [End::Fin], "within the limit");
    let mut rig = Rig::new(&[Kind::LimitData(LimitData { bytes: 0 })]);
    rig.wait(MS);
    assert_eq!(rig.ends(), [], "an idle one has sent nothing");
}

#[test]
fn what_ends_connections_counts_from_its_first_moment() {
    for (kind, end) in [
        (Kind::Timeout(Timeout { timeout: 30 * MS }), End::Close),
        (Kind::ResetPeer(ResetPeer { timeout: 30 * MS }), End::Reset),
    ] {
        let mut rig = Rig::new(std::slice::from_ref(&kind));
        for _ in 0..29 {
            rig.send(b"x");
            rig.wait(MS);
            assert_eq!(rig.chain.ends(rig.now), None, "{kind:?}");
        }
        rig.now += MS;
        assert_eq!(rig.chain.ends(rig.now), Some(end));
        assert_eq!(rig.bytes().len(), if end == End::Reset { 29 } else { 0 });
    }
    let mut never = Rig::new(&[Kind::Timeout(Timeout { timeout: Duration::ZERO })]);
    never.wait(Duration::from_secs(3600));
    assert_eq!(never.chain.ends(never.now), None);
}

#[test]
fn a_limit_in_bytes_puts_off_the_first_moment() {
    let only = Only { after_bytes: 5, ..Only::default() };
    let late = Kind::ResetPeer(ResetPeer { timeout: 30 * MS });
    let mut rig = Rig::with([Toxic { only, ..Toxic::new(late).upstream() }].into_iter());
    rig.send(b"four");
    rig.wait(100 * MS);
    assert_eq!(rig.chain.ends(rig.now), None);
    rig.send(b"and more");
    assert_eq!(rig.bytes(), b"fourand more");
    rig.now += 29 * MS;
    assert_eq!(rig.chain.ends(rig.now), None);
    rig.now += MS;
    assert_eq!(rig.chain.ends(rig.now), Some(End::Reset));

    let mut rig = Rig::with([Toxic { only, ..Toxic::new(Kind::Blackhole).upstream() }].into_iter());
    rig.send(b"passes, is held");
    rig.end(End::Fin);
    assert_eq!((rig.bytes(), rig.ends()), (b"passe".to_vec(), vec![]));
    assert_eq!(rig.touched().bytes, "s, is held".len() as u64 + 1);
}

/// Kinds that alter no byte and end no connection.
pub(crate) fn harmless() -> impl Strategy<Value = Kind> {
    let ms = |most: u32| (0..most).prop_map(|ms| ms * MS);
    let distribution =
        prop_oneof![Just(Distribution::Uniform), Just(Distribution::Normal), Just(Distribution::Pareto)];
    prop_oneof![
        Just(Kind::Noop),
        Just(Kind::Blackhole),
        Just(Kind::StallRead),
        (ms(50), ms(50), distribution, 0.0..1.0).prop_map(|(latency, jitter, distribution, correlation)| {
            Kind::Latency(Latency { latency, jitter, distribution, correlation })
        }),
        (0u64..10_000_000, 0u64..10_000).prop_map(|(rate, burst)| Kind::Bandwidth(Bandwidth { rate, burst })),
        ms(50).prop_map(|delay| Kind::SlowClose(SlowClose { delay })),
        (1u64..3000, 0u64..3000, 0u64..2000).prop_map(|(average_size, size_variation, us)| {
            Kind::Slicer(Slicer { average_size, size_variation, delay: Duration::from_micros(us) })
        }),
        (0.0..1.0, 0.0..1.0, ms(20)).prop_map(|(rate, correlation, timeout)| Kind::Loss(Loss {
            rate,
            correlation,
            timeout
        })),
        (0.0..1.0, 0.0..1.0, ms(20)).prop_map(|(rate, correlation, delay)| Kind::Reorder(Reorder {
            rate,
            correlation,
            delay
        })),
    ]
}

#[derive(Clone, Debug)]
enum Act {
    Send(usize),
    Wait(u32),
    /// The toxic in this place, if there is one, is changed to this kind if it is of it.
    Update(usize, Kind),
    TakeOut(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => prop_oneof![1usize..100, 1usize..70_000].prop_map(Act::Send),
        4 => (0u32..80).prop_map(Act::Wait),
        1 => (0usize..6, harmless()).prop_map(|(at, kind)| Act::Update(at, kind)),
        1 => (0usize..6).prop_map(Act::TakeOut),
    ];
    proptest::collection::vec(act, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_chain_keeps_every_byte_in_its_place(
        kinds in proptest::collection::vec((harmless(), prop_oneof![3 => Just(0u64), 1 => 1u64..5000]), 0..6),
        acts in acts(),
    ) {
        let toxics = kinds.into_iter().map(|(kind, after_bytes)| Toxic {
            only: Only { after_bytes, ..Only::default() },
            ..Toxic::new(kind).upstream()
        });
        let mut rig = Rig::with(toxics);
        let mut sent = Vec::new();
        for act in acts {
            match act {
                Act::Send(count) => {
                    let bytes: Vec<u8> = (sent.len()..sent.len() + count).map(|at| (at % 251) as u8).collect();
                    if rig.send(&bytes) {
                        sent.extend(bytes);
                    }
                }
                Act::Wait(ms) => rig.wait(ms * MS),
                Act::Update(at, kind) => {
                    if let Some(toxic) = rig.toxics.get_mut(at)
                        && std::mem::discriminant(&toxic.toxic.kind) == std::mem::discriminant(&kind)
                    {
                        let changed = Toxic { kind, ..toxic.toxic.clone() };
                        let revision = toxic.revision + 1;
                        *toxic = Arc::new(InForce { revision, toxic: changed, ..InForce::clone(toxic) });
                        rig.chain.keep(&rig.toxics, rig.now);
                    }
                }
                Act::TakeOut(at) => {
                    if at < rig.toxics.len() {
                        rig.toxics.remove(at);
                        rig.chain.keep(&rig.toxics, rig.now);
                    }
                }
            }
            let held = rig.chain.held();
            prop_assert_eq!(rig.bytes().len() + held, sent.len(), "what is not through is held");
        }
        rig.end(End::Fin);
        rig.toxics.clear();
        rig.chain.keep(&[], rig.now);
        rig.fetch();
        prop_assert!(rig.bytes() == sent, "{} of {} bytes", rig.bytes().len(), sent.len());
        prop_assert_eq!(rig.ends(), [End::Fin]);
        prop_assert!(rig.chain.is_empty());
    }

    /// Toxics that heal by themselves get everything through without being taken out.
    #[test]
    fn no_chain_that_moves_stands_still(
        kinds in proptest::collection::vec(harmless(), 0..5),
        sizes in proptest::collection::vec(1usize..5000, 0..20),
    ) {
        let moves = |kind: &Kind| match kind {
            Kind::Blackhole | Kind::StallRead => false,
            Kind::Bandwidth(bandwidth) => bandwidth.rate > 10_000,
            _ => true,
        };
        let kinds: Vec<Kind> = kinds.into_iter().filter(moves).collect();
        let mut rig = Rig::new(&kinds);
        let mut count = 0;
        for size in sizes {
            while !rig.send(&vec![1; size]) {
                rig.wait(10 * MS);
            }
            count += size;
        }
        rig.end(End::Rst);
        // 100 kB at 10 kB/s, a hundred losses of at most 40 minutes
        rig.wait(Duration::from_secs(200 * 3600));
        prop_assert_eq!(rig.bytes().len(), count);
        prop_assert_eq!(rig.ends(), [End::Rst]);
        prop_assert!(rig.chain.held() == 0);
    }
}

#[test]
fn luck_is_drawn_once_and_a_larger_share_touches_more_of_the_same() {
    let touched = |toxicity: f64, seed: u8| -> Vec<u64> {
        let toxic = Toxic { toxicity, ..Toxic::new(Kind::Noop) };
        let met = |connection: u64| {
            let mut whole = [seed; 32];
            whole[..8].copy_from_slice(&connection.to_le_bytes());
            Meeting { connection, client: SocketAddr::from(([127, 0, 0, 1], 9)), seed: whole }
        };
        (0..1000).filter(|connection| toxic.touches(&met(*connection))).collect()
    };
    let (few, many) = (touched(0.3, 1), touched(0.6, 1));
    // 300 are expected, with a deviation of 14
    assert!((240..360).contains(&few.len()), "{}", few.len());
    assert!(few.iter().all(|connection| many.contains(connection)));
    assert_ne!(few, touched(0.3, 2), "another seed, other connections");
    assert_eq!((touched(0.0, 1).len(), touched(1.0, 1).len()), (0, 1000));
}

#[test]
fn limits_admit_whom_they_name() {
    let met = |connection, client: &str| Meeting {
        connection,
        client: client.parse().expect("an address"),
        seed: [0; 32],
    };
    let only = |only| Toxic { only, ..Toxic::new(Kind::Noop) };
    let second = only(Only { connection: Some(2), ..Only::default() });
    assert!(!second.touches(&met(1, "10.0.0.1:5")) && second.touches(&met(2, "10.0.0.1:5")));
    let at =
        |client: &str| only(Only { client: Some(client.parse().expect("an address")), ..Only::default() });
    assert!(at("10.0.0.1:0").touches(&met(1, "10.0.0.1:5")));
    assert!(at("10.0.0.1:0").touches(&met(1, "[::ffff:10.0.0.1]:5")));
    assert!(!at("10.0.0.1:6").touches(&met(1, "10.0.0.1:5")));
    assert!(!at("10.0.0.2:0").touches(&met(1, "10.0.0.1:5")));
}
