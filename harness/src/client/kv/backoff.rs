//! How long a request may still try, and the pauses between its attempts: client-go's `retry.Backoffer`.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unstuck_record::Resource;

use super::error::Error;
use crate::client::Env;
use crate::probe::{Site, wait};

/// Of [`Kind::ServerBusy`] so much sleep is not taken from the budget; source: `isSleepExcluded`.
const EXCLUDED: Duration = Duration::from_secs(600);
/// Every budget is worth so many times what its caller says; source: `kv.DefBackOffWeight`.
const WEIGHT: u32 = 2;

/// The longest pause there is: that for a busy store, which takes its cap of 10 s.
pub(super) const LONGEST: Duration = Duration::from_secs(10);

/// Why a request pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A request did not reach its store, or its answer did not come.
    TikvRpc,
    /// PD did not answer.
    PdRpc,
    /// What is known of the region is out of date.
    RegionMiss,
    /// The region elects, splits or merges.
    RegionScheduling,
    /// The store asks for patience.
    ServerBusy,
    /// The store has no space left.
    DiskFull,
    /// The cluster is being restored.
    RegionRecovery,
    /// The leader's largest timestamp is not known yet.
    MaxTsNotSynced,
    /// A peer has no snapshot yet.
    RegionNotInitialized,
    /// Somebody else's lock is in the way of a write.
    TxnLock,
    /// … of a read.
    TxnLockFast,
    /// A lock's primary is not there yet.
    TxnNotFound,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Jitter {
    None,
    /// Half of the pause is certain, the other half is drawn.
    Equal,
}

impl Kind {
    /// Name, base and cap in milliseconds, jitter; source: client-go `config/retry/config.go`.
    fn figures(self) -> (&'static str, u64, u64, Jitter) {
        match self {
            Self::TikvRpc => ("tikvRPC", 100, 2_000, Jitter::Equal),
            Self::PdRpc => ("pdRPC", 500, 3_000, Jitter::Equal),
            Self::RegionMiss => ("regionMiss", 2, 500, Jitter::None),
            Self::RegionScheduling => ("regionScheduling", 2, 500, Jitter::None),
            Self::ServerBusy => ("tikvServerBusy", 2_000, 10_000, Jitter::Equal),
            Self::DiskFull => ("tikvDiskFull", 500, 5_000, Jitter::None),
            Self::RegionRecovery => ("regionRecoveryInProgress", 100, 10_000, Jitter::Equal),
            Self::MaxTsNotSynced => ("maxTsNotSynced", 2, 500, Jitter::None),
            Self::RegionNotInitialized => ("regionNotInitialized", 2, 1_000, Jitter::None),
            Self::TxnLock => ("txnLock", 100, 3_000, Jitter::Equal),
            Self::TxnLockFast => ("txnLockFast", 2, 3_000, Jitter::Equal),
            Self::TxnNotFound => ("txnNotFound", 2, 500, Jitter::None),
        }
    }
    fn name(self) -> &'static str {
        self.figures().0
    }
    /// Where a task stands that pauses for it.
    fn site(self) -> &'static str {
        match self {
            Self::TikvRpc => "Backoff/tikvRPC",
            Self::PdRpc => "Backoff/pdRPC",
            Self::RegionMiss => "Backoff/regionMiss",
            Self::RegionScheduling => "Backoff/regionScheduling",
            Self::ServerBusy => "Backoff/tikvServerBusy",
            Self::DiskFull => "Backoff/tikvDiskFull",
            Self::RegionRecovery => "Backoff/regionRecoveryInProgress",
            Self::MaxTsNotSynced => "Backoff/maxTsNotSynced",
            Self::RegionNotInitialized => "Backoff/regionNotInitialized",
            Self::TxnLock => "Backoff/txnLock",
            Self::TxnLockFast => "Backoff/txnLockFast",
            Self::TxnNotFound => "Backoff/txnNotFound",
        }
    }
    fn pause(self, attempt: u32, random: &mut ChaCha8Rng) -> Duration {
        let (_, base, cap, jitter) = self.figures();
        let full = base.saturating_mul(1_u64.checked_shl(attempt).unwrap_or(u64::MAX)).min(cap);
        Duration::from_millis(match jitter {
            Jitter::None => full,
            Jitter::Equal => full / 2 + random.random_range(0..full / 2),
        })
    }
}

/// The sleeps of one request, and how many more it may have. All durations in it are unscaled.
#[derive(Debug)]
pub(super) struct Backoffer {
    budget: Duration,
    slept: Duration,
    excluded: Duration,
    /// By kind: how often, and how long in all.
    by_kind: BTreeMap<Kind, (u32, Duration)>,
    random: ChaCha8Rng,
}

impl Backoffer {
    /// Sleeps for as long as twice `max_sleep` in all.
    pub(super) fn new(max_sleep: Duration, seed: u64) -> Self {
        Self {
            budget: max_sleep * WEIGHT,
            slept: Duration::ZERO,
            excluded: Duration::ZERO,
            by_kind: BTreeMap::new(),
            random: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// The coming pause. When the budget is used up: the error of the kind that took most of it, with the last reason.
    fn next(&mut self, kind: Kind, why: &str) -> Result<Duration, Error> {
        let busy = kind == Kind::ServerBusy;
        let too_busy = busy && self.excluded >= EXCLUDED && self.excluded >= self.budget;
        if self.slept >= self.budget + self.excluded || too_busy {
            // of equal ones the first
            let longest = self.by_kind.iter().rev().max_by_key(|(_, (_, slept))| *slept);
            let longest = longest.map_or(kind, |(kind, _)| *kind);
            return Err(Error::OutOfPatience { kind: longest, name: longest.name(), why: why.to_owned() });
        }
        let (attempts, in_all) = self.by_kind.entry(kind).or_default();
        let pause = kind.pause(*attempts, &mut self.random);
        *attempts += 1;
        *in_all += pause;
        self.slept += pause;
        if busy {
            self.excluded += pause;
        }
        Ok(pause)
    }

    /// Pauses, at a wait site of that kind.
    pub(super) async fn pause(&mut self, env: &Env, kind: Kind, why: &str) -> Result<(), Error> {
        let pause = self.next(kind, why)?;
        env.meter.retry();
        sleep(env, kind.site(), pause).await;
        Ok(())
    }
}

/// Sleeps at a wait site of that name; `real` is unscaled.
pub(super) async fn sleep(env: &Env, site: &'static str, real: Duration) {
    let scaled = env.scale.timer(real);
    let until_ms = env.tasks.clock().ms() + scaled.as_millis() as u64;
    wait(Site::new(site, Resource::Timer { until_ms }), tokio::time::sleep(scaled)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    const S20: Duration = Duration::from_secs(20);

    fn pauses(kind: Kind, count: usize) -> Vec<u64> {
        let mut backoffer = Backoffer::new(S20, 7);
        (0..count).map(|_| backoffer.next(kind, "").unwrap().as_millis() as u64).collect()
    }

    #[test]
    fn pauses_double_from_the_base_to_the_cap() {
        assert_eq!(pauses(Kind::RegionMiss, 10), [2, 4, 8, 16, 32, 64, 128, 256, 500, 500]);
        assert_eq!(pauses(Kind::DiskFull, 6), [500, 1000, 2000, 4000, 5000, 5000]);
    }

    #[test]
    fn equal_jitter_keeps_half_of_a_pause_and_follows_from_the_seed() {
        let drawn = pauses(Kind::TikvRpc, 8);
        for (pause, full) in drawn.iter().zip([100, 200, 400, 800, 1600, 2000, 2000, 2000]) {
            assert!((full / 2..full).contains(pause), "{pause} of {full}");
        }
        assert_eq!(drawn, pauses(Kind::TikvRpc, 8));
        let mut other = Backoffer::new(S20, 8);
        assert_ne!(drawn[5], other.by_seed());
    }

    impl Backoffer {
        fn by_seed(&mut self) -> u64 {
            (0..6).map(|_| self.next(Kind::TikvRpc, "").unwrap().as_millis() as u64).last().unwrap()
        }
    }

    #[test]
    fn a_spent_budget_tells_the_kind_that_took_most_of_it() {
        let mut backoffer = Backoffer::new(S20, 1);
        for _ in 0..3 {
            backoffer.next(Kind::RegionMiss, "stale").unwrap();
        }
        let (mut slept, mut count) = (Duration::ZERO, 0);
        let error = loop {
            match backoffer.next(Kind::TikvRpc, "refused") {
                Ok(pause) => (slept, count) = (slept + pause, count + 1),
                Err(error) => break error,
            }
        };
        // twice 20 s, in pauses of 1 to 2 s: the last one may go beyond
        assert!((40_000 - 14..42_000).contains(&(slept.as_millis() as u64)), "{slept:?} in {count}");
        assert!(matches!(error, Error::OutOfPatience { kind: Kind::TikvRpc, .. }), "{error}");
        assert_eq!(error.to_string(), "tikv server timeout (tikvRPC): refused");
    }

    #[test]
    fn a_busy_store_is_waited_for_beyond_the_budget() {
        let mut backoffer = Backoffer::new(S20, 1);
        let mut slept = Duration::ZERO;
        while let Ok(pause) = backoffer.next(Kind::ServerBusy, "busy") {
            slept += pause;
        }
        assert!((EXCLUDED..EXCLUDED + Duration::from_secs(10)).contains(&slept), "{slept:?}");
    }
}
