//! `unstuck nightly SCENARIOS…`: everything, with pinned seeds and fresh ones, into a history; then what has become of it.

mod keep;
mod plan;

use std::error::Error;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use unstuck_record::Outcome;
use unstuck_reports::history::prune::Policy;
use unstuck_reports::history::{Appender, History, HistoryError, Night, Origin, Part, Row};
use unstuck_reports::text::clean;

use super::args::Where;
use super::morning::{self, Files};
use super::run::{cores, interrupts};
use super::screen::Screen;
use super::{Exit, files};
use crate::run::batch::{self, Done, Job, Progress};
use crate::run::seed::split;
use keep::Kept;
use plan::{Partition, Planned};

/// What CI servers call the run in which they are, the same on each machine: GitHub Actions, GitLab CI, Jenkins.
const NIGHT: [&str; 3] = ["GITHUB_RUN_ID", "CI_PIPELINE_ID", "BUILD_TAG"];

/// Arguments of `unstuck nightly`.
#[derive(Debug, Args)]
pub(super) struct NightlyArgs {
    /// Scenario files, or folders of them with all that is below. Where a folder has a matrix, all of its runs are made, and
    /// what it expects is what must come out.
    #[arg(required = true, value_name = "SCENARIOS")]
    pub(super) paths: Vec<PathBuf>,
    /// The folder of the history. It is made if it is not there.
    #[arg(long, value_name = "DIR")]
    history: PathBuf,
    /// Only this part of all cases: `2/5` is the second of five. The parts are disjoint, and all of them are all.
    #[arg(long, value_name = "N/M", default_value_t = Partition::WHOLE)]
    pub(super) partition: Partition,
    /// The night's name, the same for each of its parts. Default: the CI server's number of the run, else the time.
    #[arg(long, value_name = "NAME", value_parser = name)]
    night: Option<String>,
    /// Seeds of each case in virtual time that are the same every night, from 1 on; those that were pinned come in addition.
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub(super) pinned: u64,
    /// Seeds of each case in virtual time that are drawn for this night. One that fails is pinned.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub(super) fresh: u64,
    /// Runs of each case on real sockets, where a matrix or a client asks for these.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub(super) sockets: u64,
    /// Only runs in this world.
    #[arg(long, value_enum)]
    pub(super) world: Option<Where>,
    /// What the fresh seeds are drawn from. Default: the night's name.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The commit under test. Default: the CI server's, else git's.
    #[arg(long, value_name = "HASH")]
    commit: Option<String>,
    /// Cases at a time. Default: one a core.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZero<usize>>,
    /// Nothing on stderr while cases run.
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    files: Files,
}

/// A night's name is a folder's, too.
fn name(text: &str) -> Result<String, &'static str> {
    let wanted = "letters, digits, `-`, `_` and `.`, at most 100 of them, no `.` at the beginning";
    if morning::is_plain(text) { Ok(text.to_owned()) } else { Err(wanted) }
}

pub(super) fn run(args: &NightlyArgs, colour: bool, colour_errors: bool) -> Exit {
    night(args, colour, colour_errors).unwrap_or_else(|error| {
        eprintln!("error: {error}");
        Exit::Harness
    })
}

fn night(args: &NightlyArgs, colour: bool, colour_errors: bool) -> Result<Exit, Box<dyn Error>> {
    let history = History::create(&args.history)?;
    let night = begun(args)?;
    let planned = match plan::plan(args, &night, &history, colour_errors) {
        Ok(planned) => planned,
        Err(exit) => return Ok(exit),
    };
    let stop = interrupts().map_err(|error| format!("cannot listen for Ctrl-C: {error}"))?;
    let mut kept = Kept::create(&args.history, &night.name, args.partition)?;
    let jobs: Vec<Job> = planned.iter().map(|one| kept.job(one)).collect();
    let part = Part {
        part: args.partition.part,
        parts: args.partition.parts,
        machine: format!("{} {}, {} cores", std::env::consts::OS, std::env::consts::ARCH, cores()),
        started_ms: night.started_ms,
        ended_ms: None,
        interrupted: false,
        planned: jobs.len() as u64,
    };
    let appender = Appender::begin(history, &night, &part)?;
    if !args.quiet {
        eprintln!("night {}, seed {}: {} runs", night.name, night.seed, jobs.len());
    }
    let mut run = Run { appender, kept, planned: &planned, stop: &stop, failed: None };
    let mut screen = Screen::new(jobs.len(), args.quiet);
    let threads = args.jobs.map_or_else(cores, NonZero::get);
    batch::run_all(&jobs, threads, batch::WEDGED_AFTER, &stop, |progress| {
        if let Progress::Ended(index, done) = &progress {
            run.ended(*index, &jobs[*index], done);
        }
        screen.show(progress);
    });
    let Run { appender, failed, .. } = run;
    if let Some(error) = failed {
        return Err(error.into());
    }
    let interrupted = stop.load(Ordering::Relaxed);
    let mut history = appender.end(now(), interrupted)?;
    for gone in history.prune(Policy::default())? {
        morning::forget(&args.history, &gone);
    }
    let told =
        morning::tell(&history, std::slice::from_ref(&args.history), Some(&night.name), &args.files, colour)?;
    Ok(if interrupted { Exit::Interrupted } else { told })
}

/// The night as it begins.
fn begun(args: &NightlyArgs) -> Result<Night, String> {
    let started_ms = now();
    let of_ci = || NIGHT.iter().find_map(|key| name(&std::env::var(key).ok()?).ok());
    let of_time = || {
        if args.partition.parts > 1 {
            return Err(
                "a part of a night needs `--night NAME`, the same on each machine, so that the parts come \
                        together",
            );
        }
        Ok(unstuck_reports::history::night::name_of_time(started_ms))
    };
    let name = match args.night.clone().or_else(of_ci) {
        Some(name) => name,
        None => of_time()?,
    };
    Ok(Night {
        seed: args.seed.unwrap_or_else(|| split(0, &name) >> 32),
        commit: args.commit.clone().or_else(files::commit).or_else(git),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        name,
        started_ms,
    })
}

/// What git calls the commit, if this is a repository.
fn git() -> Option<String> {
    let git = std::process::Command::new("git")
        .args(["describe", "--always", "--dirty", "--abbrev=10"])
        .output()
        .ok()?;
    let said = String::from_utf8(git.stdout).ok()?;
    (git.status.success() && !said.trim().is_empty()).then(|| said.trim().to_owned())
}

/// Milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "a night has a date; no record sees it")]
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

/// A night while it runs.
struct Run<'a> {
    appender: Appender,
    kept: Kept,
    planned: &'a [Planned],
    stop: &'a AtomicBool,
    failed: Option<HistoryError>,
}

impl Run<'_> {
    /// Appends a run that has ended. What cannot be written down need not be run: the rest of the night is not begun.
    fn ended(&mut self, index: usize, job: &Job, done: &Done) {
        let planned = &self.planned[index];
        let wall_ms = done.wall.as_millis() as u64;
        let mut row = match &done.run {
            Ok(run) => Row::of(run, wall_ms, planned.origin, None),
            Err(error) => Row::broken(job.setup.seed, &error.to_string(), wall_ms, planned.origin),
        };
        // what was cut short shows nothing
        if row.outcome == Some(Outcome::Interrupted) {
            return keep::drop(job);
        }
        if row.is_bad() {
            row.path = self.kept.keep(&planned.cell, job).map(Into::into);
        } else {
            keep::drop(job);
        }
        if let Err(error) = self.append(planned, &row) {
            self.failed = Some(error);
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn append(&mut self, planned: &Planned, row: &Row) -> Result<(), HistoryError> {
        self.appender.append(&planned.cell, row)?;
        if row.is_bad() && planned.origin == Origin::Fresh && self.appender.pin(&planned.cell, row.seed)? {
            let again = format!("{}, seed {}: {}", planned.cell, row.seed, row.said());
            eprintln!("pinned: {}", clean(&again));
        }
        Ok(())
    }
}
