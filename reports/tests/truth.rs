//! Whether the report tells the truth of real time: synthetic nights with known changes and known noise. Seeded, so that
//! each number below is the same on every machine.
//!
//! `UNSTUCK_CELLS=300000` looks at as many quiet cells as the promise speaks of (`.ci/nightly`); else at fewer.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unstuck_reports::regression::Settings;
use unstuck_reports::regression::shift::{Shift, judge};

/// Cells of a night that are looked at together, which is what the correction for many is for.
const CELLS: usize = 300;
/// Runs of a case on real sockets in one night: as many as `unstuck nightly` makes.
const RUNS: usize = 5;
/// Nights in the window.
const NIGHTS: usize = 30;

/// How a time varies, as the logarithm of a factor.
#[derive(Clone, Copy, Debug)]
enum Noise {
    /// Lognormal with this spread, from run to run and from night to night.
    LogNormal { run: f64, night: f64 },
    /// Student's t with three degrees of freedom, which has wild outliers, times this.
    HeavyTails(f64),
    /// Lognormal, and one run in so many takes two to ten times as long.
    Outliers { run: f64, one_in: f64 },
}

fn uniform(random: &mut impl Rng) -> f64 {
    // 53 bits, never 0
    ((random.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

/// Box and Muller.
fn normal(random: &mut impl Rng) -> f64 {
    (-2.0 * uniform(random).ln()).sqrt() * (std::f64::consts::TAU * uniform(random)).cos()
}

fn student3(random: &mut impl Rng) -> f64 {
    let chi: f64 = (0..3).map(|_| normal(random).powi(2)).sum();
    normal(random) / (chi / 3.0).sqrt()
}

/// The median of a night's runs, as the report takes it.
fn night(noise: Noise, random: &mut impl Rng) -> f64 {
    let whole = if let Noise::LogNormal { night, .. } = noise { night * normal(random) } else { 0.0 };
    let mut runs: Vec<f64> = (0..RUNS)
        .map(|_| match noise {
            Noise::LogNormal { run, .. } => run * normal(random),
            Noise::HeavyTails(scale) => scale * student3(random),
            Noise::Outliers { run, one_in } => {
                let wild = uniform(random) * one_in < 1.0;
                run * normal(random) + if wild { (2.0 + 8.0 * uniform(random)).ln() } else { 0.0 }
            }
        })
        .collect();
    runs.sort_by(f64::total_cmp);
    whole + runs[RUNS / 2]
}

fn shifted(series: &[f64]) -> bool {
    matches!(judge(series, CELLS, &Settings::default()), Shift::Shifted { .. })
}

fn cells() -> usize {
    std::env::var("UNSTUCK_CELLS").ok().map_or(20_000, |cells| cells.parse().expect("a number"))
}

/// Alarms among quiet cells of so many nights. Each cell is new, so that no luck is counted twice.
fn alarms(noise: Noise, nights: usize, cells: usize) -> usize {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let quiet = |_: usize| {
        let series: Vec<f64> = (0..nights).map(|_| night(noise, &mut random)).collect();
        shifted(&series)
    };
    (0..cells).map(quiet).filter(|alarm| *alarm).count()
}

/// How many of the trials see a shift within three nights after it.
fn found(noise: Noise, factor: f64, trials: usize) -> f64 {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let trial = |_: usize| {
        let mut series: Vec<f64> = (0..NIGHTS - 1).map(|_| night(noise, &mut random)).collect();
        (0..3).any(|_| {
            series.push(night(noise, &mut random) + factor.ln());
            series.remove(0);
            shifted(&series)
        })
    };
    (0..trials).map(trial).filter(|seen| *seen).count() as f64 / trials as f64
}

/// The promise is one in 300,000. The default setting aims at a third of that; here are 20,000 cells of each noise, where
/// none at all is to be seen, and all 300,000 where `UNSTUCK_CELLS` asks for them.
#[test]
fn quiet_cells_raise_no_alarm() {
    let all = [
        Noise::LogNormal { run: 0.05, night: 0.0 },
        Noise::LogNormal { run: 0.02, night: 0.05 },
        Noise::LogNormal { run: 0.25, night: 0.15 },
        Noise::HeavyTails(0.05),
        Noise::HeavyTails(0.20),
        Noise::Outliers { run: 0.05, one_in: 20.0 },
    ];
    let cells = cells();
    let alarms = all.map(|noise| alarms(noise, NIGHTS, cells));
    println!("in {cells} quiet cells {alarms:?} alarms of {all:?}");
    assert!(alarms.iter().all(|alarms| *alarms <= cells / 300_000), "{alarms:?} of {all:?}");
}

/// A history of two weeks: the spread of so few nights is not known well, so less is found, and nothing is made up.
#[test]
fn young_histories_raise_no_alarm_either() {
    let all = [Noise::LogNormal { run: 0.05, night: 0.0 }, Noise::HeavyTails(0.05)];
    let cells = cells();
    let alarms = all.map(|noise| alarms(noise, 14, cells));
    println!("in {cells} quiet cells of two weeks {alarms:?} alarms of {all:?}");
    assert!(alarms.iter().all(|alarms| *alarms <= cells / 300_000), "{alarms:?} of {all:?}");
}

#[test]
fn a_slow_down_by_a_fifth_on_a_twentieth_of_noise_is_found_within_three_nights() {
    let noises = [Noise::LogNormal { run: 0.05, night: 0.0 }, Noise::Outliers { run: 0.05, one_in: 20.0 }];
    let found = noises.map(|noise| found(noise, 1.2, 4000));
    println!("found {found:?} behind {noises:?}");
    assert!(found.iter().all(|found| *found >= 0.95), "{found:?} behind {noises:?}");
}

/// The same noise as night, which no number of runs averages away: the hardest reading of "5 % noise".
#[test]
fn a_great_slow_down_is_found_behind_noise_of_whole_nights_too() {
    let found = found(Noise::LogNormal { run: 0.0, night: 0.05 }, 1.4, 2000);
    println!("found in {:.1} %", found * 100.0);
    assert!(found >= 0.95, "{found}");
}
