//! `unstuck judge RECORD…`: judges records again, with today's checkers.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use unstuck_record::Run;
use unstuck_reports::batch::Ended;
use unstuck_reports::terminal::Aside;

use super::run::Printer;
use super::{Exit, out};

/// Arguments of `unstuck judge`.
#[derive(Debug, Args)]
pub(super) struct JudgeArgs {
    /// Records, as a run left them under `results/`.
    #[arg(required = true, value_name = "RECORD")]
    records: Vec<PathBuf>,
    /// One JSON object a record on stdout.
    #[arg(long)]
    json: bool,
    /// The last task dump of each record after its report, in the form of a Go goroutine dump (debug=2).
    #[arg(long, conflicts_with = "json")]
    dump: bool,
    /// Writes a page that needs nothing else: the verdicts, and what happened in each case.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

pub(super) fn run(args: &JudgeArgs, colour: bool) -> Exit {
    let printer = Printer::new(args.json, colour);
    let (mut runs, mut broken) = (vec![], false);
    for path in &args.records {
        let read = std::fs::read(path).map_err(|error| error.to_string());
        let judged = read.and_then(|bytes| {
            crate::verdict::rejudge(&String::from_utf8_lossy(&bytes)).map_err(|error| error.to_string())
        });
        match judged {
            Ok((mut run, judgement)) => {
                run.judgement = Some(judgement);
                let dump = run.dumps.last().map(unstuck_reports::dump::go);
                printer.case(&run, Some(path), None);
                if args.dump {
                    out::say(dump.as_deref().unwrap_or("no task dump in this record\n"));
                }
                if args.html.is_none() {
                    // the summary and the exit code need no more of it
                    (run.events, run.samples, run.dumps) = (vec![], vec![], vec![]);
                }
                runs.push((run, path.display().to_string()));
            }
            Err(error) => {
                broken = true;
                eprintln!("error: {}: {error}", path.display());
            }
        }
    }
    printer.summary(runs.iter().map(|(run, _)| run));
    if let Some(file) = &args.html
        && let Err(error) = page(file, &runs)
    {
        eprintln!("error: cannot write `{}`: {error}", file.display());
        return Exit::Harness;
    }
    let verdicts = runs.iter().filter_map(|(run, _)| Some(run.judgement.as_ref()?.verdict));
    if broken { Exit::Scenario } else { Exit::of(verdicts) }
}

/// The page of the records that could be read.
fn page(file: &Path, runs: &[(Run, String)]) -> io::Result<()> {
    let cases = runs.iter().filter_map(|(run, record)| {
        let aside = Aside { record: Some(record), ..Aside::default() };
        Some(Ended::Judged { run, judgement: run.judgement.as_ref()?, aside })
    });
    let cases: Vec<Ended<'_>> = cases.collect();
    super::page::write(file, &cases, None)
}
