//! The reports that `unstuck run` writes to files, and what it tells GitHub Actions.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use unstuck_reports::batch::{Ended, Which};
use unstuck_reports::terminal::Aside;
use unstuck_reports::{github, json, junit};

use super::args::Outputs;
use super::page;
use super::run::beside;
use crate::run::Setup;
use crate::run::batch::{Done, Job};

/// What CI servers say of the commit that they test: GitHub Actions, GitLab CI, Jenkins.
const COMMIT: [&str; 3] = ["GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT"];

/// Writes every report that is asked for, of whatever has run. False if one could not be written; the others are.
pub(super) fn write_batch(outputs: &Outputs, jobs: &[Job], done: &[Option<Done>]) -> bool {
    let told: Vec<Told> = jobs.iter().zip(done).map(Told::of).collect();
    let cases: Vec<Ended<'_>> =
        told.iter().zip(jobs).zip(done).map(|((told, job), done)| told.ended(job, done.as_ref())).collect();
    write(outputs, &cases)
}

/// Writes every report that is asked for. False if one could not be written; the others are.
pub(super) fn write(outputs: &Outputs, cases: &[Ended<'_>]) -> bool {
    let commit = commit();
    let mut all_written = true;
    let mut to = |path: Option<&Path>, text: &dyn Fn() -> String, append: bool| {
        let Some(path) = path else { return };
        if let Err(error) = put(path, &text(), append) {
            eprintln!("error: cannot write `{}`: {error}", path.display());
            all_written = false;
        }
    };
    to(outputs.junit.as_deref(), &|| junit::xml(cases, commit.as_deref()), false);
    to(outputs.json_out.as_deref(), &|| lines(cases), false);
    to(outputs.summary.as_deref(), &|| github::summary(cases), true);
    if let Some(path) = &outputs.html
        && let Err(error) = page::write(path, cases, commit.as_deref())
    {
        eprintln!("error: cannot write `{}`: {error}", path.display());
        all_written = false;
    }
    if std::env::var_os("GITHUB_ACTIONS").is_some_and(|on| on == "true") {
        eprint!("{}", github::annotations(cases));
    }
    all_written
}

/// What `--json` prints.
fn lines(cases: &[Ended<'_>]) -> String {
    let line = |case: &Ended<'_>| match case {
        Ended::Judged { run, judgement, aside } => Some(json::case(run, judgement, aside.wall_ms) + "\n"),
        Ended::Broken { .. } | Ended::NotRun(_) => None,
    };
    cases.iter().filter_map(line).collect()
}

/// The commit as the CI server calls it.
pub(super) fn commit() -> Option<String> {
    COMMIT.iter().find_map(|name| std::env::var(name).ok())
}

/// Writes a file whole or, where it appends, behind what is there.
pub(super) fn put(path: &Path, text: &str, append: bool) -> io::Result<()> {
    if !append {
        return whole(path, |file| file.write_all(text.as_bytes()));
    }
    folder_of(path)?;
    OpenOptions::new().create(true).append(true).open(path)?.write_all(text.as_bytes())
}

/// Writes a file that nobody finds half written: it appears under its name when it is whole.
pub(super) fn whole(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    folder_of(path)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut file = BufWriter::new(File::create(&beside)?);
    write(&mut file)?;
    file.into_inner()?;
    std::fs::rename(&beside, path)
}

fn folder_of(path: &Path) -> io::Result<()> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => std::fs::create_dir_all(folder),
        None => Ok(()),
    }
}

/// What a report says of a case, kept while it is written.
struct Told {
    client: String,
    world: String,
    record: Option<String>,
    beside: Vec<(&'static str, String)>,
    error: Option<String>,
}

impl Told {
    fn of((job, done): (&Job, &Option<Done>)) -> Self {
        Self {
            client: format!("{}@{}", job.setup.client.name(), job.setup.client.revision()),
            world: job.setup.world.to_string(),
            record: job.record.as_ref().map(|path| path.display().to_string()),
            beside: job.record.as_deref().map(beside).unwrap_or_default(),
            error: done.as_ref().and_then(|done| Some(done.run.as_ref().err()?.to_string())),
        }
    }

    fn ended<'a>(&'a self, job: &'a Job, done: Option<&'a Done>) -> Ended<'a> {
        let which = self.which(&job.setup);
        let Some(done) = done else { return Ended::NotRun(which) };
        match &done.run {
            Ok(run) => match &run.judgement {
                Some(judgement) => Ended::Judged {
                    run,
                    judgement,
                    aside: Aside {
                        record: self.record.as_deref(),
                        beside: &self.beside,
                        wall_ms: Some(done.wall.as_millis() as u64),
                    },
                },
                None => Ended::Broken { which, error: "the run was not judged" },
            },
            Err(_) => Ended::Broken { which, error: self.error.as_deref().unwrap_or_default() },
        }
    }

    fn which<'a>(&'a self, setup: &'a Setup) -> Which<'a> {
        Which {
            file: &setup.file,
            line: setup.line,
            case: &setup.case,
            client: &self.client,
            world: &self.world,
            seed: setup.seed,
        }
    }
}
