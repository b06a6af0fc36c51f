//! `unstuck watch FILE`: judges a client that runs elsewhere, under faults that others carry out.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use unstuck_record::{Expect, Limits, Run, Span};
use unstuck_reports::batch::Ended;
use unstuck_reports::terminal::Aside;
use unstuck_reports::text::{clean, shell};

use super::args::Outputs;
use super::results::Results;
use super::run::{Printer, beside, interrupts, write_dump};
use super::{Exit, files};
use crate::client;
use crate::scenario::program::Source;
use crate::scenario::suggest::did_you_mean;
use crate::scenario::{self, Case, File, units};
use crate::watch::{self, Asked, Exit as ExitCode, Place, Watch};

/// A program's timers where nobody says them, as in scenarios.
const LONGEST_TIMER: Duration = Duration::from_secs(30);
const BACKOFF_CAP: Duration = Duration::from_secs(10);
/// So many samples span a watch, unless they would come more often than once a second.
const SAMPLES: u64 = 2_000;
/// A client's progress is asked for at least so often.
const SELDOM: Duration = Duration::from_secs(15);

/// Arguments of `unstuck watch`.
#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    /// The scenario file that the faults are from.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The case. Not needed where the file has one.
    #[arg(long, value_name = "NAME")]
    case: Option<String>,
    /// What the client is called in reports. Default: as the file says, else `client@elsewhere`.
    #[arg(long, value_name = "NAME@REVISION", value_parser = named)]
    client: Option<(String, String)>,
    /// Where the client says how far it is; with `--metric` or `--json-pointer`.
    #[arg(long, value_name = "URL", value_parser = url)]
    progress: Option<String>,
    /// The Prometheus metric on that page, perhaps with labels: `rows_total{kind="a"}`.
    #[arg(long, value_name = "NAME", requires = "progress", conflicts_with = "json_pointer")]
    metric: Option<String>,
    /// The JSON pointer to the number in that document: `/done`.
    #[arg(long, value_name = "POINTER", requires = "progress", value_parser = pointer)]
    json_pointer: Option<String>,
    /// How much there is to do: at this progress the client is done.
    #[arg(long, value_name = "N", requires = "progress")]
    total: Option<NonZero<u64>>,
    /// What the progress counts.
    #[arg(long, value_name = "WORD", default_value = "units")]
    unit: String,
    /// Where the client serves Go's net/http/pprof: `http://br:6060`.
    #[arg(long, value_name = "URL", value_parser = url)]
    dump: Option<String>,
    /// Part of the name of a function in which a task may wait for ever; may be given again.
    #[arg(long, value_name = "PART")]
    idle: Vec<String>,
    /// A JSON document that holds the client's exit code once it has ended: its pod, by `kubectl proxy`.
    #[arg(long, value_name = "URL", value_parser = url)]
    exit_url: Option<String>,
    /// The JSON pointer to the exit code.
    #[arg(
        long,
        value_name = "POINTER",
        requires = "exit_url",
        value_parser = pointer,
        default_value = "/status/containerStatuses/0/state/terminated/exitCode"
    )]
    exit_pointer: String,
    /// The objects of Chaos Mesh as JSON, a file that may be written again, or a URL; may be given again. They tell when the
    /// faults acted, and on what; without them the plan does, and nobody proves that they did.
    #[arg(long, value_name = "FILE|URL", value_parser = place)]
    schedule: Vec<Place>,
    /// Where a metric is that counts only what faults do, such as failed calls.
    #[arg(long, value_name = "URL", requires = "evidence_metric", value_parser = url)]
    evidence: Option<String>,
    /// That metric.
    #[arg(long, value_name = "NAME", requires = "evidence")]
    evidence_metric: Option<String>,
    /// When the client started, as RFC 3339 has it. Default: now.
    #[arg(long, value_name = "TIME", value_parser = watch::unix_ms)]
    started: Option<u64>,
    /// What the client takes without faults, as measured before.
    #[arg(long, value_name = "DURATION", value_parser = units::duration)]
    baseline: Option<Duration>,
    /// The client's longest timer. Default: as the file or the client's model says, else 30s.
    #[arg(long, value_name = "DURATION", value_parser = units::duration)]
    longest_timer: Option<Duration>,
    /// The longest it waits between two attempts. Default: likewise, else 10s.
    #[arg(long, value_name = "DURATION", value_parser = units::duration)]
    backoff_cap: Option<Duration>,
    /// When to give up, since the client's start. Default: as a run, after twice the budget; without a budget, after a day.
    #[arg(long, value_name = "DURATION", value_parser = units::duration)]
    until: Option<Duration>,
    /// How often to ask. Default: 1s, in a long watch up to 15s.
    #[arg(long, value_name = "DURATION", value_parser = period)]
    every: Option<Duration>,
    /// How often to take a dump; in a long watch ever more seldom.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = period)]
    dump_every: Duration,
    /// How long one answer may take.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = period)]
    answer_within: Duration,
    /// The seed of the plan.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// One JSON object on stdout; everything else is on stderr.
    #[arg(long)]
    json: bool,
    /// Nothing on stderr while the client is watched.
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    outputs: Outputs,
    /// Where the record goes, in a new folder.
    #[arg(long, default_value = "results", value_name = "DIR")]
    results: PathBuf,
}

/// Watches and reports; `colour` is for stdout, `colour_errors` for stderr.
pub(super) fn run(args: &WatchArgs, colour: bool, colour_errors: bool) -> Exit {
    let watch = match scenario::load(&args.file) {
        Ok(file) => made(args, &file),
        Err(problems) => {
            eprintln!("{}", problems.render(colour_errors));
            return Exit::Scenario;
        }
    };
    let watch = match watch {
        Ok(watch) => watch,
        Err((exit, error)) => {
            eprintln!("error: {error}");
            return exit;
        }
    };
    match watched(args, &watch) {
        Ok((run, record, interrupted)) => report(args, colour, &run, &record, interrupted),
        Err(error) => {
            eprintln!("error: case `{}` could not be watched: {error}", clean(&watch.case));
            Exit::Harness
        }
    }
}

fn watched(args: &WatchArgs, watch: &Watch) -> std::io::Result<(Run, PathBuf, bool)> {
    let mut results = Results::create(&args.results)?;
    let client = watch.client.replace('@', "-");
    let record = results.place((&watch.file, &watch.case), &client, watch::WORLD, watch.seed);
    let stop = interrupts()?;
    let say = |at_ms: u64, what: &str| {
        if !args.quiet {
            eprintln!("{} {}: at {}: {}", clean(&watch.case), clean(&watch.client), Span(at_ms), clean(what));
        }
    };
    say(0, &format!("watched until {} at the latest", Span(watch.deadline_ms())));
    let run = watch::watch(watch, Some(&record), &stop, &mut |at_ms, what| say(at_ms, what))?;
    write_dump(&record, &run);
    Ok((run, record, stop.load(std::sync::atomic::Ordering::Relaxed)))
}

fn report(args: &WatchArgs, colour: bool, run: &Run, record: &std::path::Path, interrupted: bool) -> Exit {
    Printer::new(args.json, colour).case(run, Some(record), None);
    let judgement = run.judgement.as_ref().expect("a watch is judged when it is over");
    let (path, beside) = (record.display().to_string(), beside(record));
    let aside = Aside { record: Some(&path), beside: &beside, wall_ms: None };
    let written = files::write(&args.outputs, &[Ended::Judged { run, judgement, aside }]);
    match (interrupted, written) {
        (true, _) => Exit::Interrupted,
        (false, false) => Exit::Harness,
        (false, true) => Exit::of([judgement.verdict]),
    }
}

type Wrong = (Exit, String);

fn made(args: &WatchArgs, file: &File) -> Result<Watch, Wrong> {
    let case = chosen(args, file)?;
    let (name, revision) = args.client.clone().unwrap_or_else(|| {
        let said = file.client.as_ref().map(|client| (client.name.clone(), client.revision.clone()));
        said.unwrap_or_else(|| ("client".to_owned(), watch::WORLD.to_owned()))
    });
    let (planned, triggers) = watch::planned(file, case, &name, args.seed)
        .map_err(|error| (Exit::Scenario, format!("{}: case `{}`: {error}", file.name, clean(&case.name))))?;
    if let (Some(trigger), true) = (triggers.first(), args.schedule.is_empty()) {
        let why = format!(
            "a fault of case `{}` waits ({trigger}): nobody here sees when that comes",
            clean(&case.name)
        );
        return Err((Exit::Scenario, format!("{why}; give `--schedule`, which tells when it was injected")));
    }
    let limits = limits(args, file, case, (&name, &revision));
    let asked = asked(args)?;
    if !case.expect.phases.is_empty() && asked.progress.is_none() {
        let why = format!("case `{}` demands progress, and nobody here sees it", clean(&case.name));
        return Err((Exit::Scenario, format!("{why}; give `--progress`, which tells where it is served")));
    }
    let mut watch = Watch {
        file: file.name.clone(),
        line: case.line,
        case: case.name.clone(),
        client: format!("{name}@{revision}"),
        seed: args.seed,
        planned,
        triggers,
        limits,
        expect: Expect {
            outcome: case.expect.outcome,
            stuck_at: case.expect.stuck_at.clone(),
            phases: case.expect.phases,
        },
        unit: args.unit.clone(),
        total: args.total.map(NonZero::get),
        started_ms: args.started,
        deadline: args.until,
        asked,
        idle: args.idle.clone(),
        again: again(),
        notes: notes(args),
    };
    let part = Duration::from_millis(watch.deadline_ms() / SAMPLES);
    watch.asked.every = args.every.unwrap_or(part.clamp(Duration::from_secs(1), SELDOM));
    Ok(watch)
}

fn chosen<'a>(args: &WatchArgs, file: &'a File) -> Result<&'a Case, Wrong> {
    let names: Vec<&str> = file.cases.iter().map(|case| case.name.as_str()).collect();
    let Some(name) = &args.case else {
        return match &file.cases[..] {
            [one] => Ok(one),
            _ => Err((
                Exit::Scenario,
                format!("{} has {} cases: give one of them with `--case`", file.name, names.len()),
            )),
        };
    };
    let found = file.cases.iter().find(|case| case.name == *name);
    found.ok_or_else(|| {
        let hint = clean(&did_you_mean(name, &names));
        (Exit::Scenario, format!("no case of {} is called `{}`; {hint}", file.name, clean(name)))
    })
}

fn limits(args: &WatchArgs, file: &File, case: &Case, (name, revision): (&str, &str)) -> Limits {
    let of_file = file.program.as_ref().map(|program| (program.longest_timer, program.backoff_cap));
    let of_model = client::find(name, revision).map(|client| client.timers());
    let known = of_file.or(of_model.map(|timers| (timers.longest, timers.backoff_cap)));
    let (longest, backoff_cap) = known.unwrap_or((LONGEST_TIMER, BACKOFF_CAP));
    let ms = |length: Duration| length.as_millis() as u64;
    let unknown = "what the client takes without faults is not known: give `--baseline DURATION` as measured, or the case \
                   `expect: {within: …}`";
    Limits {
        baseline_ms: args.baseline.map(ms),
        baseline_unknown: args.baseline.is_none().then(|| unknown.to_owned()),
        baseline_gap_ms: 0,
        recovery_ms: ms(case.recovery),
        within_ms: case.expect.within.map(ms),
        longest_timer_ms: ms(args.longest_timer.unwrap_or(longest)),
        backoff_cap_ms: ms(args.backoff_cap.unwrap_or(backoff_cap)),
    }
}

fn asked(args: &WatchArgs) -> Result<Asked, Wrong> {
    let wrong = |text: &str| Err((Exit::Harness, text.to_owned()));
    let progress = match (&args.progress, &args.metric, &args.json_pointer) {
        (None, ..) => None,
        (Some(url), Some(metric), _) => Some(Source::Metric { url: url.clone(), metric: metric.clone() }),
        (Some(url), None, Some(pointer)) => Some(Source::Json { url: url.clone(), pointer: pointer.clone() }),
        (Some(_), None, None) => {
            return wrong(
                "`--progress` says not what to read there: add `--metric NAME` or `--json-pointer POINTER`",
            );
        }
    };
    if args.total.is_none() && args.exit_url.is_none() {
        return wrong(
            "nothing tells when the client is done: give `--total N` with `--progress`, or `--exit-url URL`",
        );
    }
    let evidence = args.evidence.clone().zip(args.evidence_metric.clone());
    Ok(Asked {
        progress,
        dump: args.dump.clone(),
        exit: args.exit_url.clone().map(|url| ExitCode { url, pointer: args.exit_pointer.clone() }),
        evidence: evidence.map(|(url, metric)| Source::Metric { url, metric }),
        schedule: args.schedule.clone(),
        every: Duration::from_secs(1),
        dump_every: args.dump_every,
        within: args.answer_within,
    })
}

/// What a reader must know of faults that others carry out.
fn notes(args: &WatchArgs) -> Vec<String> {
    let times = match args.schedule.len() {
        0 => "the times of faults are the plan's; `--schedule` takes those of Chaos Mesh",
        _ => "the times of faults are Chaos Mesh's",
    };
    let effect = match &args.evidence_metric {
        None => "what faults touch nobody counts; `--evidence` takes a metric that does".to_owned(),
        Some(metric) => format!("what faults touch is counted by `{metric}`"),
    };
    vec![times.to_owned(), effect]
}

/// The command as it was given.
fn again() -> String {
    let words = std::env::args().skip(1).map(|word| shell(&word));
    std::iter::once("unstuck".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

fn url(text: &str) -> Result<String, String> {
    if text.starts_with("https://") {
        return Err(
            "`https` is not spoken here: forward it with `kubectl port-forward`, or `kubectl proxy`".into()
        );
    }
    let plain = text.strip_prefix("http://").unwrap_or(text);
    if plain.is_empty() || plain.starts_with('/') || plain.contains("://") {
        return Err("write `http://HOST:PORT/PATH`".into());
    }
    Ok(text.to_owned())
}

fn place(text: &str) -> Result<Place, String> {
    if text.starts_with("https://") || text.starts_with("http://") {
        return url(text).map(Place::Url);
    }
    Ok(Place::File(text.into()))
}

fn pointer(text: &str) -> Result<String, String> {
    if text.starts_with('/') { Ok(text.to_owned()) } else { Err("a JSON pointer begins with `/`".into()) }
}

fn period(text: &str) -> Result<Duration, String> {
    let length = units::duration(text)?;
    if length < Duration::from_millis(10) { Err("at least 10ms".into()) } else { Ok(length) }
}

fn named(text: &str) -> Result<(String, String), String> {
    let (name, revision) = text.split_once('@').unwrap_or((text, watch::WORLD));
    if name.is_empty() || revision.is_empty() || text.chars().any(char::is_whitespace) {
        return Err("write `NAME` or `NAME@REVISION`, without spaces".into());
    }
    Ok((name.to_owned(), revision.to_owned()))
}
