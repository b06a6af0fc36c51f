//! BR, store-based backup: every round asks each store for all that is left, until nothing is.
//!
//! The model follows `startMainBackupLoop` of v8.2.0-alpha task by task and channel by channel. What it gets wrong
//! (`as-reported`) and how that was mended (`fixed`) is the difference between two [`Behaviour`]s; nothing else is.
//! Modules, in reading order:
//!
//! * [`main_loop`]: rounds, and what is handled within one
//! * [`store_backup`], [`collector`]: the tasks of a round
//! * [`store_manager`]: one connection a store; [`watcher`]: stores that are new
//! * [`answers`], [`tree`], [`liveness`], [`retry`]: what answers, ranges, heartbeats and errors mean
//! * [`tools`], [`lines`]: what all of them need

mod answers;
mod collector;
mod lines;
mod liveness;
mod main_loop;
mod retry;
mod store_backup;
mod store_manager;
mod tools;
mod tree;
mod watcher;

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use fake_tikv::proto::metapb::Region;
use fake_tikv::{Observed, Speed};
use tonic::Status;
use unstuck_record::Work;

use self::lines::Lines;
use self::main_loop::MainLoop;
use self::tools::Tools;
use self::tree::Range;
use self::watcher::FirstLook;
use super::ctx::Ctx;
use super::pd::{PdClient, PdOptions, TOOL_TIMEOUT};
use super::{Client, Env, Failure, Timers, Workload};
use crate::probe::frame;
use crate::probe::meter::Counts;

/// How many regions one question to PD asks for.
const SCAN_LIMIT: i32 = 1024;
/// A store that is silent for so long is asked anew (br/pkg/backup: `TimeoutOneResponse`).
const ANSWER_WITHIN: Duration = Duration::from_secs(60 * 60);
/// Five attempts that fail at once, 3 s apart: then a store's backup begins anew.
const RESTART_PERIOD: Duration = Duration::from_secs(15);
/// So many missing ranges are named.
const NAMED: usize = 5;

/// BR under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Br {
    /// Which BR.
    pub revision: Revision,
}

/// Which BR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revision {
    /// v8.2.0-alpha of May 2024, of which pingcap/tidb#53519 was reported.
    AsReported,
    /// With pingcap/tidb#53341, before #53920: its watcher takes every store for a new one (pingcap/tidb#53926).
    Tidb53926,
    /// With pingcap/tidb#53341 and what followed.
    Fixed,
}

/// What the revisions do differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Behaviour {
    /// A failed store task's notice ends with its round; else it waits until some round hears it.
    guarded_notice: bool,
    /// The first collector of a round ends with the round's stores; else only with the whole backup.
    handle_ends_with_main: bool,
    /// Connections outlive a round that ended by itself.
    keeps_conns: bool,
    /// Before each round.
    round_pause: Option<Duration>,
    /// How long a store may be silent.
    answer_within: Option<Duration>,
    /// How the watcher of stores begins; there was none before.
    watcher: Option<FirstLook>,
}

impl Revision {
    fn behaviour(self) -> Behaviour {
        match self {
            Self::AsReported => Behaviour {
                guarded_notice: false,
                handle_ends_with_main: false,
                keeps_conns: false,
                round_pause: None,
                answer_within: None,
                watcher: None,
            },
            Self::Tidb53926 => {
                Behaviour { watcher: Some(FirstLook::AtTheFirstTick), ..Self::Fixed.behaviour() }
            }
            Self::Fixed => Behaviour {
                guarded_notice: true,
                handle_ends_with_main: true,
                keeps_conns: true,
                round_pause: Some(main_loop::ROUND_PAUSE),
                answer_within: Some(ANSWER_WITHIN),
                watcher: Some(FirstLook::AtOnce),
            },
        }
    }
}

impl Client for Br {
    fn name(&self) -> &'static str {
        "br"
    }

    fn revision(&self) -> &'static str {
        match self.revision {
            Revision::AsReported => "as-reported",
            Revision::Tidb53926 => "tidb-53926",
            Revision::Fixed => "fixed",
        }
    }

    fn unit(&self) -> &'static str {
        "ranges"
    }

    fn timers(&self) -> Timers {
        Timers {
            longest: self.revision.behaviour().answer_within.unwrap_or(store_manager::LONGEST_RESET),
            backoff_cap: store_manager::LONGEST_PAUSE,
            restart_period: RESTART_PERIOD,
        }
    }

    fn speed(&self, workload: &Workload, stores: u32) -> Speed {
        // the stores work side by side, each on the regions it leads, one after the other
        Speed { backup_region: workload.duration * stores / workload.regions.max(1), ..Speed::default() }
    }

    fn run(&self, env: Env) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>> {
        let behaviour = self.revision.behaviour();
        Box::pin(async move {
            let main = env.tasks.spawn("startMainBackupLoop", backup(env.clone(), behaviour));
            main.join("br/join").await.unwrap_or_else(|error| Err(Failure(error.to_string())))
        })
    }

    fn progress(&self, _seen: &Observed, counts: &Counts) -> (u64, u64) {
        (counts.unique(), counts.total)
    }

    fn audit(&self, seen: &Observed, counts: &Counts) -> Work {
        audit(seen, counts)
    }
}

async fn backup(env: Env, behaviour: Behaviour) -> Result<(), Failure> {
    let outer = Ctx::background();
    let _cancelled = outer.cancel_on_drop();
    let options = PdOptions { timeout: TOOL_TIMEOUT, scale: env.scale, seed: env.seed };
    let pd = PdClient::new(&env.net, env.pd.clone(), options);
    let tools = Tools { lines: Lines::new(env.log.clone()), env, behaviour };
    let whole = Range { start: Bytes::new(), end: Bytes::new() };
    let cluster_id = tools.ask_pd(&outer, || pd.cluster_id(&outer)).await.map_err(|e| gave_up(&e))?;
    let units =
        frame("GetRegionCount", regions(&tools, &pd, &outer, &whole)).await.map_err(|e| gave_up(&e))?;
    tools.env.meter.expect(units.len() as u64);
    Box::pin(MainLoop::new(tools, pd, cluster_id, whole, units).run(&outer)).await
}

/// BR asks PD's HTTP API for their number; the scan gives the same.
async fn regions(tools: &Tools, pd: &PdClient, ctx: &Ctx, range: &Range) -> Result<Vec<Range>, Status> {
    let mut from = range.start.clone();
    let mut units = vec![];
    loop {
        let regions = tools.ask_pd(ctx, || pd.scan_regions(ctx, &from, &range.end, SCAN_LIMIT)).await?;
        let unit = |(region, _): &(Region, _)| Range {
            start: region.start_key.clone(),
            end: region.end_key.clone(),
        };
        units.extend(regions.iter().map(unit));
        match regions.last() {
            Some((region, _)) if !region.end_key.is_empty() && region.end_key > from => {
                from = region.end_key.clone();
            }
            _ => return Ok(units),
        }
    }
}

fn gave_up(status: &Status) -> Failure {
    Failure(format!("rpc error: code = {:?} desc = {}", status.code(), status.message()))
}

/// A range is done when the client says so and a store has sent it: a claim without a backup is a lost range.
fn audit(seen: &Observed, counts: &Counts) -> Work {
    let sent: BTreeSet<_> = seen.ranges_backed_up.iter().collect();
    let mut work = Work { expected: seen.ranges.len() as u64, ..Work::default() };
    for range in &seen.ranges {
        let why = match (counts.is_done(range), sent.contains(range)) {
            (true, true) => {
                work.unique += 1;
                continue;
            }
            (true, false) => "is claimed, but no store has backed it up",
            (false, true) => "was backed up, but the client does not count it as done",
            (false, false) => "is not backed up",
        };
        if work.missing.len() < NAMED {
            work.missing.push(format!("range {range} {why}"));
        }
    }
    work
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Meter;

    fn workload(regions: u32) -> Workload {
        Workload {
            regions,
            batches: 1,
            batch_bytes: 1,
            workers: 1,
            connections: 1,
            duration: Duration::from_secs(300),
        }
    }

    #[test]
    fn a_store_has_its_share_of_the_regions_to_do_in_the_whole_time() {
        let br = Br { revision: Revision::Fixed };
        assert_eq!(br.speed(&workload(300), 3).backup_region, Duration::from_secs(3));
        assert_eq!(br.speed(&workload(0), 3).backup_region, Duration::from_secs(900));
    }

    #[test]
    fn a_range_counts_when_the_client_claims_it_and_a_store_sent_it() {
        let meter = Meter::default();
        meter.done("");
        meter.done("6b");
        let seen = Observed {
            ranges: ["", "61", "6b", "6c"].map(str::to_owned).to_vec(),
            ranges_backed_up: ["", "61"].map(str::to_owned).to_vec(),
            ..Observed::default()
        };
        let work = audit(&seen, &meter.read());
        assert_eq!((work.expected, work.unique), (4, 1));
        assert_eq!(
            work.missing,
            [
                "range 61 was backed up, but the client does not count it as done",
                "range 6b is claimed, but no store has backed it up",
                "range 6c is not backed up",
            ]
        );
    }

    #[test]
    fn the_longest_timer_is_what_the_client_may_still_move_after() {
        let longest = |revision| Br { revision }.timers().longest;
        assert_eq!(longest(Revision::AsReported), Duration::from_secs(102));
        assert_eq!(longest(Revision::Fixed), Duration::from_secs(3600));
    }
}
