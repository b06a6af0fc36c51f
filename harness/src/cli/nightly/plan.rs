//! What a night runs: every run of every matrix, every case that no matrix speaks of, each with its seeds.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use unstuck_reports::history::{Cell, History, Night, Origin};

use super::super::Exit;
use super::super::check::collect;
use super::NightlyArgs;
use crate::run::cases::{self, Choice};
use crate::run::seed::split;
use crate::run::{Setup, WorldKind};
use crate::scenario::{self, Case, ClientRef, File, NoClient, matrix, which_client};

/// A part of all cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Partition {
    /// Which, from 1.
    pub(super) part: u32,
    /// Of how many.
    pub(super) parts: u32,
}

/// One run of a night.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) cell: Cell,
    pub(super) origin: Origin,
    pub(super) setup: Setup,
}

/// A cell before it has seeds.
struct Ready {
    cell: Cell,
    file: Arc<File>,
    case: Case,
    client: ClientRef,
    choice: Choice,
}

/// All runs of this part. All errors of all files are printed before it gives up.
pub(super) fn plan(
    args: &NightlyArgs,
    night: &Night,
    history: &History,
    colour: bool,
) -> Result<Vec<Planned>, Exit> {
    let mut errors = vec![];
    let mut ready = ready(&args.paths, colour, &mut errors);
    ready.retain(|one| args.world.is_none_or(|world| WorldKind::from(world) == one.choice.world));
    let all = ready.len();
    ready.retain(|one| one.cell.is_of(args.partition.part, args.partition.parts));
    // real time first: it is what the night waits for
    ready.sort_by_key(|one| one.cell.is_exact());
    let mut planned = vec![];
    for one in &ready {
        for (seed, origin) in seeds(args, night, history, &one.cell)? {
            match cases::setup(&one.file, &one.case, &one.client, &Choice { seed, ..one.choice.clone() }) {
                Ok(setup) => planned.push(Planned { cell: one.cell.clone(), origin, setup }),
                Err(error) => {
                    errors.push(format!("error: {}: case `{}`: {error}", one.cell.file, one.cell.name));
                    break;
                }
            }
        }
    }
    if all == 0 && errors.is_empty() {
        errors.push("error: no case to run".to_owned());
    }
    for error in &errors {
        eprintln!("{error}");
    }
    if errors.is_empty() { Ok(planned) } else { Err(Exit::Scenario) }
}

/// The seeds of a cell, no two the same.
fn seeds(
    args: &NightlyArgs,
    night: &Night,
    history: &History,
    cell: &Cell,
) -> Result<Vec<(u64, Origin)>, Exit> {
    if !cell.is_exact() {
        return Ok((1..=args.sockets).map(|seed| (seed, Origin::Sockets)).collect());
    }
    let pinned = history.pins(cell).map_err(|error| {
        eprintln!("error: {error}");
        Exit::Harness
    })?;
    let mut seeds: BTreeSet<u64> = (1..=args.pinned).chain(pinned).collect();
    let mut chosen: Vec<(u64, Origin)> = seeds.iter().map(|seed| (*seed, Origin::Pinned)).collect();
    let drawn = split(night.seed, &cell.anchor());
    // of 32 bits: a seed is to be read, said and typed
    let fresh = (0_u64..).map(|place| split(drawn, &place.to_string()) >> 32);
    chosen.extend(
        fresh.filter(|seed| seeds.insert(*seed)).take(args.fresh as usize).map(|seed| (seed, Origin::Fresh)),
    );
    Ok(chosen)
}

/// Every cell of the paths, in the order of files.
fn ready(paths: &[PathBuf], colour: bool, errors: &mut Vec<String>) -> Vec<Ready> {
    let mut found = BTreeSet::new();
    for path in paths {
        if let Err(error) = collect(path, 0, &mut found) {
            errors.push(format!("error: cannot read `{}`: {error}", path.display()));
        }
    }
    // a file that is named alone has its matrix beside it
    let beside = paths.iter().filter(|path| path.is_file()).filter_map(|path| path.parent());
    let beside = beside.map(|folder| folder.join(matrix::FILE_NAME)).filter(|path| path.is_file());
    let (matrices, files): (BTreeSet<PathBuf>, BTreeSet<PathBuf>) =
        found.iter().cloned().chain(beside).partition(|path| path.ends_with(matrix::FILE_NAME));
    let mut ready = vec![];
    let mut spoken_of = BTreeSet::new();
    let mut loaded = Loaded::default();
    for path in &matrices {
        let matrix = match matrix::load(path) {
            Ok(matrix) => matrix,
            Err(problems) => {
                errors.push(problems.render(colour));
                continue;
            }
        };
        let folder = path.parent().unwrap_or(Path::new("."));
        for run in &matrix.runs {
            let path = folder.join(&run.file);
            spoken_of.insert((path.clone(), run.case.clone()));
            if !files.contains(&path) {
                continue;
            }
            let Some(file) = loaded.get(&path, colour, errors) else { continue };
            let Some(case) = file.cases.iter().find(|case| case.name == run.case) else {
                errors.push(format!(
                    "error: {}: it has no case `{}`, which its matrix speaks of",
                    file.name, run.case
                ));
                continue;
            };
            let choice = Choice::of(run);
            ready.push(Ready::new(&path, &file, case, &run.client, choice));
        }
    }
    for path in &files {
        let Some(file) = loaded.get(path, colour, errors) else { continue };
        for case in &file.cases {
            if spoken_of.contains(&(path.clone(), case.name.clone())) {
                continue;
            }
            match which_client(None, &file, case, None) {
                Ok(client) => ready.push(Ready::new(path, &file, case, &client, choice(&file, &client))),
                // there is no flag for it: a night is of many clients
                Err(NoClient::Unsaid { case }) => errors.push(format!(
                    "error: {}: case `{case}` does not say which client it tests: write `client:` in the file or a run in \
                     `matrix.yaml` beside it, or leave the folder out",
                    path.display()
                )),
                Err(error) => errors.push(format!("error: {}: {error}", path.display())),
            }
        }
    }
    ready
}

/// Virtual time, but for a program, which has none.
fn choice(file: &File, client: &ClientRef) -> Choice {
    let program = file.program.as_ref().is_some_and(|program| program.as_ref() == *client);
    Choice { world: if program { WorldKind::Tcp } else { WorldKind::Sim }, ..Choice::default() }
}

/// Files that have been read, each once.
#[derive(Default)]
struct Loaded(Vec<(PathBuf, Option<Arc<File>>)>);

impl Loaded {
    fn get(&mut self, path: &Path, colour: bool, errors: &mut Vec<String>) -> Option<Arc<File>> {
        if let Some((_, file)) = self.0.iter().find(|(known, _)| known == path) {
            return file.clone();
        }
        let file = match scenario::load(path) {
            Ok(file) => Some(Arc::new(file)),
            Err(problems) => {
                errors.push(problems.render(colour));
                None
            }
        };
        self.0.push((path.to_owned(), file.clone()));
        file
    }
}

impl Ready {
    fn new(path: &Path, file: &Arc<File>, case: &Case, client: &ClientRef, choice: Choice) -> Self {
        let cell = Cell {
            file: named(path),
            name: case.name.clone(),
            variant: choice.variant.clone().unwrap_or_default(),
            client: client.to_string(),
            world: choice.world.to_string(),
        };
        Self { cell, file: file.clone(), case: case.clone(), client: client.clone(), choice }
    }
}

/// The file as it is called on every machine: from here, with `/`.
fn named(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let inside = path.strip_prefix(&here).unwrap_or(path);
    let parts = inside.components().filter(|part| !matches!(part, std::path::Component::CurDir));
    parts.collect::<PathBuf>().to_string_lossy().replace('\\', "/")
}

// === impl Partition ===

impl Partition {
    /// All of it.
    pub(super) const WHOLE: Self = Self { part: 1, parts: 1 };
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part, self.parts)
    }
}

impl FromStr for Partition {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let whole = "two numbers, as `2/5` for the second of five";
        let (part, parts) = text.split_once('/').ok_or(whole)?;
        let (part, parts) = (part.parse().map_err(|_| whole)?, parts.parse().map_err(|_| whole)?);
        if part == 0 || part > parts {
            return Err("the first number is from 1 to the second");
        }
        Ok(Self { part, parts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_a_part_of_a_whole() {
        assert_eq!("2/5".parse(), Ok(Partition { part: 2, parts: 5 }));
        for text in ["", "2", "0/3", "4/3", "a/3", "1/0", "-1/2", "1/2/3"] {
            assert!(text.parse::<Partition>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_is_called_the_same_wherever_the_folder_lies() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(named(&here.join("a/b.yaml")), "a/b.yaml");
        assert_eq!(named(Path::new("./a/./b.yaml")), "a/b.yaml");
    }
}
