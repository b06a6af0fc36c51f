//! `unstuck compare A B`: what differs between two records, or two folders of them.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use unstuck_record::Run;
use unstuck_reports::compare::{self, Compared};
use unstuck_reports::terminal::Style;

use super::{Exit, out};

/// No folder of results is deeper; a link back to a parent folder is.
const DEEPEST: usize = 16;

/// Arguments of `unstuck compare`.
#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// A record, or a folder of them, e.g. `results/run-0001`.
    #[arg(value_name = "A")]
    old: PathBuf,
    /// What it is held against.
    #[arg(value_name = "B")]
    new: PathBuf,
    /// One JSON object on stdout.
    #[arg(long)]
    json: bool,
}

/// Tells what differs: exit code 0 if nothing does, 1 if something does.
pub(super) fn run(args: &CompareArgs, colour: bool) -> Exit {
    let mut broken = false;
    let [old, new] = [&args.old, &args.new].map(|path| read(path, &mut broken));
    if broken {
        return Exit::Scenario;
    }
    let comparison = compare::compare(old, new);
    if args.json {
        out::say(&format!("{}\n", compare::json(&comparison)));
    } else {
        let style = Style { colour, ..Style::default() };
        let [old, new] = [&args.old, &args.new].map(|path| path.display().to_string());
        out::say(&compare::plain(&comparison, &old, &new, style));
    }
    if comparison.is_same() { Exit::Pass } else { Exit::Fail }
}

/// All records of a path. What is wrong is told.
fn read(path: &Path, broken: &mut bool) -> Vec<Compared> {
    let mut tell = |path: &Path, error: String| {
        eprintln!("error: {}: {error}", path.display());
        *broken = true;
    };
    let mut files = vec![];
    if let Err(error) = collect(path, 0, &mut files) {
        tell(path, error.to_string());
    } else if files.is_empty() {
        tell(path, "no record (`*.jsonl`) in it".to_owned());
    }
    let mut compared = vec![];
    for file in &files {
        let bytes = fs::read(file).map_err(|error| error.to_string());
        match bytes.and_then(|bytes| Run::parse_bytes(&bytes).map_err(|error| error.to_string())) {
            Ok(run) => compared.push(Compared::of(&run)),
            Err(error) => tell(file, error),
        }
    }
    compared
}

/// Every record below `path`, or `path` itself whatever its name.
fn collect(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !fs::metadata(path)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let entries = fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path()));
    let mut entries = entries.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort();
    for inside in entries {
        let record = inside.extension().is_some_and(|ending| ending == "jsonl") && inside.is_file();
        if record || (inside.is_dir() && depth < DEEPEST) {
            collect(&inside, depth + 1, files)?;
        }
    }
    Ok(())
}
