//! `unstuck run [PATH…]`: runs scenarios and judges the client.

use std::fmt;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use indexmap::IndexMap;
use unstuck_record::{EndReason, Run};
use unstuck_reports::terminal::{Aside, Style};
use unstuck_reports::text::clean;

use super::args::{RunArgs, Where};
use super::results::Results;
use super::screen::Screen;
use super::table::Table;
use super::{Exit, choose, files, out};
use crate::run::Setup;
use crate::run::batch::{self, Done, Job, Progress};

/// Runs and reports; `colour` is for stdout, `colour_errors` for stderr.
pub(super) fn run(args: &RunArgs, colour: bool, colour_errors: bool) -> Exit {
    if args.proxy.is_some() && args.world != Where::Tcp {
        eprintln!("error: `--proxy` needs real sockets; give `--world tcp` too");
        return Exit::Harness;
    }
    let setups = match choose::setups(args, colour_errors) {
        Ok(setups) => setups,
        Err(exit) => return exit,
    };
    let mut results = match Results::create(&args.results) {
        Ok(results) => results,
        Err(error) => {
            eprintln!(
                "error: cannot create a folder for the records in `{}`: {error}",
                args.results.display()
            );
            return Exit::Harness;
        }
    };
    // a page shows what happened, not the verdict alone
    let verdict_only = args.seeds.get() > 1 && !args.json && args.outputs.html.is_none();
    let jobs: Vec<Job> = setups
        .into_iter()
        .map(|setup| Job { record: Some(results.record(&setup)), setup, verdict_only })
        .collect();
    let stop = match interrupts() {
        Ok(stop) => stop,
        Err(error) => {
            eprintln!("error: cannot listen for Ctrl-C: {error}");
            return Exit::Harness;
        }
    };
    let mut screen = Screen::new(jobs.len(), args.quiet);
    let threads = args.jobs.map_or_else(cores, NonZero::get);
    let done = batch::run_all(&jobs, threads, batch::WEDGED_AFTER, &stop, |progress| {
        if let Progress::Ended(index, done) = &progress
            && let (Some(record), Ok(run)) = (&jobs[*index].record, &done.run)
        {
            write_dump(record, run);
        }
        screen.show(progress);
    });
    drop(screen);
    report(args, colour, &jobs, &done, stop.load(Ordering::Relaxed))
}

fn report(args: &RunArgs, colour: bool, jobs: &[Job], done: &[Option<Done>], interrupted: bool) -> Exit {
    let printer = Printer::new(args.json, colour);
    let mut table = (args.seeds.get() > 1).then(Table::default);
    let mut not_run = NotRun::default();
    for (job, done) in jobs.iter().zip(done) {
        match done {
            Some(Done { run: Ok(run), wall }) => match &mut table {
                Some(table) if !args.json => table.add(run),
                _ => printer.case(run, job.record.as_deref(), Some(*wall)),
            },
            Some(Done { run: Err(error), .. }) => {
                eprintln!("error: case `{}` could not be run: {error}", clean(&job.setup.case));
            }
            None => not_run.add(&job.setup),
        }
    }
    match table {
        Some(table) if !args.json => out::say(&table.to_string()),
        _ => {}
    }
    let runs = || done.iter().flatten().filter_map(|done| done.run.as_ref().ok());
    if args.seeds.get() == 1 {
        printer.summary(runs());
    }
    eprint!("{not_run}");
    let written = files::write_batch(&args.outputs, jobs, done);
    let verdicts = runs().filter_map(|run| Some(run.judgement.as_ref()?.verdict));
    let broken = !written || done.iter().flatten().any(|done| done.run.is_err());
    match (interrupted, broken) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::Harness,
        (false, false) => Exit::of(verdicts),
    }
}

/// Cases that never began, and how many of their seeds.
#[derive(Default)]
struct NotRun(IndexMap<(String, String), Vec<u64>>);

impl NotRun {
    fn add(&mut self, setup: &Setup) {
        self.0.entry((setup.file.clone(), setup.case.clone())).or_default().push(setup.seed);
    }
}

impl fmt::Display for NotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((file, case), seeds) in &self.0 {
            write!(f, "not run: case `{}` of {}, seed {}", clean(case), clean(file), seeds[0])?;
            match seeds.len() {
                1 => writeln!(f)?,
                count => writeln!(f, " and {} more", count - 1)?,
            }
        }
        Ok(())
    }
}

/// The last task dump goes beside the record, in a form that tools for Go's dumps read; a client that ended by
/// itself has left none.
pub(super) fn write_dump(record: &Path, run: &Run) {
    let ended = run.end.as_ref().is_some_and(|end| end.reason == EndReason::ClientEnded);
    if let (false, Some(dump)) = (ended, run.dumps.last()) {
        let path = dump_of(record);
        if let Err(error) = std::fs::write(&path, unstuck_reports::dump::go(dump)) {
            eprintln!("error: cannot write `{}`: {error}", path.display());
        }
    }
}

/// `case.goroutines.txt`, beside `case.jsonl`.
fn dump_of(record: &Path) -> PathBuf {
    record.with_extension("goroutines.txt")
}

/// What lies beside a record, each with a word for it.
pub(super) fn beside(record: &Path) -> Vec<(&'static str, String)> {
    let kinds = [("goroutines", "goroutines.txt"), ("output", "output.txt"), ("dumps", "dumps.txt")];
    let paths = kinds.into_iter().map(|(what, ending)| (what, record.with_extension(ending)));
    paths.filter(|(_, path)| path.is_file()).map(|(what, path)| (what, path.display().to_string())).collect()
}

/// The first Ctrl-C (or SIGTERM) sets the flag; a second one ends the process at once.
pub(super) fn interrupts() -> std::io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&stop))?;
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}

pub(super) fn cores() -> usize {
    thread::available_parallelism().map_or(2, NonZero::get)
}

/// Prints reports as text or as JSON lines, to stdout.
pub(super) struct Printer {
    json: bool,
    style: Style,
}

impl Printer {
    pub(super) fn new(json: bool, colour: bool) -> Self {
        Self { json, style: Style { colour, ..Style::default() } }
    }

    pub(super) fn case(&self, run: &Run, record: Option<&Path>, wall: Option<Duration>) {
        let Some(judgement) = &run.judgement else { return };
        let wall_ms = wall.map(|wall| wall.as_millis() as u64);
        if self.json {
            out::say(&format!("{}\n", unstuck_reports::json::case(run, judgement, wall_ms)));
        } else {
            let beside = record.map(beside).unwrap_or_default();
            let record = record.map(|path| path.display().to_string());
            let aside = Aside { record: record.as_deref(), beside: &beside, wall_ms };
            out::say(&format!("{}\n", unstuck_reports::terminal::case(run, judgement, aside, self.style)));
        }
    }

    /// A line for each of several.
    pub(super) fn summary<'a>(&self, runs: impl IntoIterator<Item = &'a Run>) {
        let judged: Vec<_> =
            runs.into_iter().filter_map(|run| Some((run, run.judgement.as_ref()?))).collect();
        if !self.json && judged.len() > 1 {
            out::say(&unstuck_reports::terminal::summary(judged, self.style));
        }
    }
}
