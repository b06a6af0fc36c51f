//! `unstuck report [DIR…]`: what has become of a night, from one history or from those of many machines.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use unstuck_reports::history::prune::Policy;
use unstuck_reports::history::{FILE_NAME, History, HistoryError};

use super::Exit;
use super::morning::{self, Files, NIGHTS};

/// Arguments of `unstuck report`.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Folders of histories. Several are merged: the same night of each is one night.
    #[arg(value_name = "DIR", required_unless_present = "history")]
    folders: Vec<PathBuf>,
    /// One folder more, as `unstuck nightly` calls it.
    #[arg(long, value_name = "DIR")]
    history: Option<PathBuf>,
    /// Merges all of them, with their pages and records, into the history of this folder. Twice is once.
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// The night to tell of. Default: the newest.
    #[arg(long, value_name = "NAME")]
    night: Option<String>,
    #[command(flatten)]
    files: Files,
}

pub(super) fn run(args: &ReportArgs, colour: bool) -> Exit {
    let mut broken = false;
    let told = match merged(args, &mut broken) {
        // everything that is wrong has been told
        Ok(None) => return Exit::Harness,
        Ok(Some((history, folders))) => {
            morning::tell(&history, &folders, args.night.as_deref(), &args.files, colour)
        }
        Err(error) => Err(error),
    };
    match told {
        Ok(exit) if !broken => exit,
        Ok(_) => Exit::Harness,
        Err(error) => {
            eprintln!("error: {error}");
            Exit::Harness
        }
    }
}

/// One history of all, and where its pages lie; `None` if not one could be read. What cannot be read is told, and the rest
/// is taken.
fn merged(args: &ReportArgs, broken: &mut bool) -> Result<Option<(History, Vec<PathBuf>)>, HistoryError> {
    let from: Vec<PathBuf> = args.history.iter().chain(&args.folders).cloned().collect();
    let mut tell = |error: String| {
        eprintln!("error: {error}");
        *broken = true;
    };
    let mut found = vec![];
    for folder in &from {
        match histories(folder) {
            Ok(files) => found.extend(files),
            Err(error) => tell(format!("`{}`: {error}", folder.display())),
        }
    }
    let mut opened = vec![];
    for file in found {
        match History::open(&file) {
            Ok(history) => opened.push(history),
            Err(error) => tell(error.to_string()),
        }
    }
    if opened.is_empty() {
        return Ok(None);
    }
    if args.into.is_none() && opened.len() == 1 {
        return Ok(Some((opened.remove(0), from)));
    }
    let mut all = match &args.into {
        Some(into) => History::create(into)?,
        None => History::in_memory()?,
    };
    for history in &opened {
        if history.path() != all.path()
            && let Err(error) = all.merge(history)
        {
            tell(error.to_string());
        }
    }
    let Some(into) = &args.into else { return Ok(Some((all, from))) };
    for folder in &from {
        if let Err(error) = copy(&folder.join(NIGHTS), &into.join(NIGHTS)) {
            tell(format!("cannot copy `{}`: {error}", folder.display()));
        }
    }
    for gone in all.prune(Policy::default())? {
        morning::forget(into, &gone);
    }
    Ok(Some((all, vec![into.clone()])))
}

/// The histories in a folder: its own, and those of machines whose files were put beside it under other names.
fn histories(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files = entries.collect::<io::Result<Vec<_>>>()?;
    files.retain(|path| path.extension().is_some_and(|ending| ending == "db") && path.is_file());
    files.sort_by_key(|path| (!path.ends_with(FILE_NAME), path.clone()));
    if files.is_empty() {
        return Err(io::Error::other(format!("there is no history in it (`{FILE_NAME}`)")));
    }
    Ok(files)
}

/// Copies what is not there yet.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (here, there) = (entry.path(), to.join(entry.file_name()));
        // links are not followed: they may lead anywhere
        if entry.file_type()?.is_dir() {
            copy(&here, &there)?;
        } else if entry.file_type()?.is_file() && !there.exists() {
            fs::copy(&here, &there)?;
        }
    }
    Ok(())
}
