//! A year of nights, made up: cases in virtual time and on real sockets, with the failures, flakes and shifts that a year brings.

use std::path::Path;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unstuck_record::{Outcome, Verdict};
use unstuck_reports::history::prune::Policy;
use unstuck_reports::history::{Appender, Cell, History, Night, Origin, Part, Row};

/// Seeds that run every night in virtual time.
const PINNED: u64 = 10;
/// Seeds drawn for a night.
const FRESH: u64 = 20;
/// Runs a night on real sockets.
const SOCKETS: u64 = 5;

/// What has been made: `nights` nights of `cases` cases, the last of them last night.
pub(crate) fn year(folder: &Path, nights: u64, cases: u64) -> History {
    let mut history = History::create(folder).expect("a folder of the benchmark's own");
    for night in 0..nights {
        let (as_night, part) = night_of(night, nights);
        let mut appender = Appender::begin(history, &as_night, &part).expect("a new night");
        let rows: Vec<(Cell, Row)> = (0..cases)
            .filter(|case| !(*case == 42 && night + 1 == nights))
            .flat_map(|case| rows(case, night, nights).into_iter().map(move |row| (cell(case), row)))
            .collect();
        appender.append_all(rows.iter().map(|(cell, row)| (cell, row))).expect("there is room");
        history = appender.end(part.started_ms + 3_600_000, false).expect("there is room");
        if night % 30 == 29 {
            history.prune(Policy::default()).expect("there is room");
        }
    }
    history.prune(Policy::default()).expect("there is room");
    history
}

fn night_of(night: u64, nights: u64) -> (Night, Part) {
    // 2026-11-21 02:00 UTC is the last
    let started_ms = 1_795_226_400_000 - (nights - 1 - night) * 86_400_000;
    let part = Part {
        part: 1,
        parts: 1,
        machine: "linux x86_64, 4 cores".into(),
        started_ms,
        ended_ms: None,
        interrupted: false,
        planned: 0,
    };
    // a commit every other night
    let commit = ChaCha8Rng::seed_from_u64(night / 2).next_u64();
    let night = Night {
        name: format!("n{night:04}"),
        started_ms,
        commit: Some(format!("{:010x}", commit >> 24)),
        version: "0.1.0".into(),
        seed: night,
    };
    (night, part)
}

fn cell(case: u64) -> Cell {
    let kinds =
        ["tikv_failure", "network_partition", "pd_leader_freeze", "io_hang", "region_merge", "stall_read"];
    let clients = ["lightning@fixed", "br@fixed", "br@as-reported", "tikv-client@0.4"];
    let real = case % 10 == 9;
    Cell {
        file: format!(
            "scenarios/{}/suite-{:02}.yaml",
            ["reported", "catalogue"][(case % 2) as usize],
            case / 12
        ),
        name: format!("{}_{case}", kinds[(case % 6) as usize]),
        variant: if real { "tcp".into() } else { String::new() },
        client: clients[(case % 4) as usize].into(),
        world: if real { "tcp" } else { "sim" }.into(),
    }
}

/// The runs of a case in one night, by what happens to it in the year.
fn rows(case: u64, night: u64, nights: u64) -> Vec<Row> {
    let left = nights - night;
    let mut random = ChaCha8Rng::seed_from_u64(case * 1_000_003 + night);
    let mut share = move || (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    let real = case % 10 == 9;
    let seeds: Vec<(u64, Origin)> = if real {
        (1..=SOCKETS).map(|seed| (seed, Origin::Sockets)).collect()
    } else {
        let fresh = (0..FRESH).map(|i| {
            (1000 + (night * 7919 + case * 104_729 + i * 15_485_863) % 4_294_967_295, Origin::Fresh)
        });
        (1..=PINNED).map(|seed| (seed, Origin::Pinned)).chain(fresh).collect()
    };
    // what changed, and when
    let slower = match case {
        7 if left <= 1 => 1.18,
        19 | 29 if left <= 3 => 1.3,
        77 => 1.0 + 0.35 * (30 - left.min(30)) as f64 / 30.0,
        99 if left <= 3 => 0.7,
        _ => 1.0,
    };
    seeds
        .into_iter()
        .map(|(seed, origin)| {
            let noise = if real { 0.9 + 0.2 * share() } else { 1.0 + (seed % 97) as f64 * 0.0005 };
            let noise = if case == 39 { 0.5 + 3.0 * share() } else { noise };
            let virtual_ms = ((900_000 + case * 7_001) as f64 * noise * slower) as u64;
            let bad = match case {
                3 => left <= 1 && seed % 3 == 0,
                12 => left <= 1,
                25 => left <= 12,
                31 => left > 1 && left <= 9,
                // one seed in thirty
                50 => origin == Origin::Fresh && share() < 0.03,
                69 => share() < 0.1,
                _ => false,
            };
            let (outcome, verdict, found) = if bad {
                (Outcome::Stuck, Verdict::Fail, "hang at NewStream/quota, leak")
            } else {
                (Outcome::Completed, Verdict::Pass, "")
            };
            let touched = !(case == 61 && left <= 4);
            Row {
                seed,
                origin,
                outcome: Some(outcome),
                verdict: Some(if touched { verdict } else { Verdict::Unknown }),
                virtual_ms: if bad { 3_600_000 } else { virtual_ms },
                wall_ms: virtual_ms / 600,
                budget_ms: 1_500_000 + case * 7_001,
                baseline_ms: Some(600_000),
                found: found.into(),
                touched,
                path: bad.then(|| format!("nights/n{night:04}/1-of-1/case-{case}.{seed}.txt").into()),
            }
        })
        .collect()
}
