//! The files and matrices of a folder, as tests.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::Trial;

use super::{Entry, Suite, trial};
use crate::run::WorldKind;
use crate::run::cases::{Choice, setup, setup_with};
use crate::scenario::{File, load, matrix};

/// Every test of a suite, in the order of the files' paths. What cannot be read is a test that fails and says why.
pub(super) fn trials(suite: &Suite) -> Vec<Trial> {
    let mut files = vec![];
    let mut found = vec![];
    if let Err(error) = scenarios(&suite.folder, &mut files) {
        let said = format!("{}: {error}", suite.folder.display());
        found.push(failing("folder", said));
    }
    for path in &files {
        let name = relative(&suite.folder, path);
        if path.file_name().is_some_and(|file| file == matrix::FILE_NAME) {
            found.extend(of_matrix(suite, path, &name));
        } else if !suite.clients.is_empty() {
            found.extend(of_file(suite, path, &name));
        }
    }
    if found.is_empty() {
        let said = format!("{} has no scenarios: `*.yaml` files, in folders too", suite.folder.display());
        found.push(failing("folder", said));
    }
    found
}

/// All YAML files under a folder, by path.
fn scenarios(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let entries = std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            scenarios(&path, found)?;
        } else if path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
            found.push(path);
        }
    }
    Ok(())
}

/// A path within the folder, with `/` and without its ending.
fn relative(folder: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(folder).unwrap_or(path).with_extension("");
    inside.display().to_string().replace('\\', "/")
}

/// Where a test's record goes.
fn record(suite: &Suite, test: &str) -> Option<PathBuf> {
    Some(suite.records.as_ref()?.join(format!("{}.jsonl", test.replace('/', "."))))
}

fn failing(name: &str, said: String) -> Trial {
    Trial::test(name, move || Err(said.into()))
}

/// Every case of a file with every client of the suite.
fn of_file(suite: &Suite, path: &Path, name: &str) -> Vec<Trial> {
    let file = match load(path) {
        Ok(file) => Arc::new(file),
        Err(problems) => return vec![failing(name, problems.render(false))],
    };
    let mut trials = vec![];
    for index in 0..file.cases.len() {
        for entry in &suite.clients {
            for (world, seed) in runs(suite, entry) {
                trials.push(of_case(suite, &file, index, entry, name, (world, seed)));
            }
        }
    }
    trials
}

/// In which worlds, with which seeds.
fn runs(suite: &Suite, entry: &Entry) -> Vec<(WorldKind, u64)> {
    let first = suite.seeds.first().copied().unwrap_or(1);
    if !entry.in_sim {
        return vec![(WorldKind::Tcp, first)];
    }
    let of = |world: &WorldKind| match world {
        WorldKind::Sim => suite.seeds.iter().map(|seed| (WorldKind::Sim, *seed)).collect(),
        WorldKind::Tcp | WorldKind::Docker => vec![(*world, first)],
    };
    suite.worlds.iter().flat_map(of).collect()
}

fn of_case(
    suite: &Suite,
    file: &Arc<File>,
    index: usize,
    entry: &Entry,
    stem: &str,
    (world, seed): (WorldKind, u64),
) -> Trial {
    let case = &file.cases[index];
    let client = format!("{}@{}", entry.client.name(), entry.client.revision());
    let many =
        if suite.seeds.len() > 1 && world == WorldKind::Sim { format!("-{seed}") } else { String::new() };
    let name = format!("{stem}/{}/{client}/{world}{many}", case.name);
    let record = record(suite, &name);
    let (file, entry, test) = (file.clone(), entry.clone(), name.clone());
    Trial::test(name, move || {
        let choice = Choice { world, seed, expect: entry.expect.clone(), ..Choice::default() };
        let setup = setup_with(&file, &file.cases[index], entry.client.clone(), &choice)
            .map_err(|error| error.to_string())?;
        trial::judge(&test, setup, record)
    })
}

/// Every run of a matrix: the case, the client, the world, and what is to come out.
fn of_matrix(suite: &Suite, path: &Path, name: &str) -> Vec<Trial> {
    let matrix = match matrix::load(path) {
        Ok(matrix) => matrix,
        Err(problems) => return vec![failing(name, problems.to_string())],
    };
    let folder = path.parent().unwrap_or(path).to_owned();
    let within = name.rfind('/').map_or("", |end| &name[..=end]);
    let trial = |run: &matrix::Run| {
        let stem = run.file.trim_end_matches(".yaml");
        let name = format!("{within}{stem}/{}/{}/{}", run.case, run.client, run.name);
        let record = record(suite, &name);
        let (path, run, test) = (folder.join(&run.file), run.clone(), name.clone());
        Trial::test(name, move || {
            let file = load(&path).map_err(|problems| problems.render(false))?;
            let case = file.cases.iter().find(|case| case.name == run.case);
            let case = case.ok_or_else(|| format!("{} has no case `{}`", file.name, run.case))?;
            let choice = Choice::of(&run);
            let setup = setup(&file, case, &run.client, &choice).map_err(|error| error.to_string())?;
            trial::judge(&test, setup, record)
        })
    };
    matrix.runs.iter().map(trial).collect()
}
