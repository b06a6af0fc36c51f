//! From arguments to setups: which files, which cases, which client, which seeds.

use std::path::{Path, PathBuf};

use unstuck_reports::text::clean;

use super::Exit;
use super::args::{RunArgs, Where};
use crate::run::Setup;
use crate::run::cases::{self, Choice};
use crate::scenario::matrix::{self, Matrix};
use crate::scenario::suggest::did_you_mean;
use crate::scenario::{self, Case, ClientRef, File, NoClient, World, which_client};

/// Every setup that the arguments ask for. All errors of all files are printed before it gives up.
pub(super) fn setups(args: &RunArgs, colour: bool) -> Result<Vec<Setup>, Exit> {
    let mut chosen = vec![];
    let (mut left_out, mut names) = (vec![], vec![]);
    let mut wrong = false;
    let mut tell = |text: String| {
        wrong = true;
        eprintln!("{text}");
    };
    for path in files(&args.paths, &mut tell) {
        let file = match scenario::load(&path) {
            Ok(file) => file,
            Err(problems) => {
                tell(problems.render(colour));
                continue;
            }
        };
        let matrix = match matrix_beside(&path) {
            Some(Err(problems)) => {
                tell(problems.render(colour));
                continue;
            }
            Some(Ok(matrix)) => matrix,
            None => Matrix::default(),
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        names.extend(file.cases.iter().map(|case| case.name.clone()));
        for case in file.cases.iter().filter(|case| args.case.as_ref().is_none_or(|name| *name == case.name))
        {
            match which_client(args.client.as_ref(), &file, case, Some((&matrix, &name))) {
                Ok(client) => match seeds(args, &file, case, &client, &matrix, &name) {
                    Ok(setups) => chosen.extend(setups),
                    Err(error) => tell(format!("error: {}: case `{}`: {error}", path.display(), case.name)),
                },
                // one client for a folder of cases: QA wants those that fit
                Err(error @ NoClient::Another { .. }) if args.client.is_some() => {
                    left_out.push(format!("{}: {error}", path.display()));
                }
                Err(error) => tell(format!("error: {}: {error}", path.display())),
            }
        }
    }
    if wrong {
        return Err(Exit::Scenario);
    }
    let level = if chosen.is_empty() { "error" } else { "left out" };
    for text in &left_out {
        eprintln!("{level}: {}", clean(text));
    }
    if chosen.is_empty() && left_out.is_empty() {
        eprintln!(
            "error: no case to run{}",
            args.case.as_ref().map_or(String::new(), |case| nowhere(case, &names))
        );
    }
    if chosen.is_empty() { Err(Exit::Scenario) } else { Ok(chosen) }
}

fn nowhere(case: &str, names: &[String]) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    format!(": no case is called `{}`; {}", clean(case), clean(&did_you_mean(case, &names)))
}

fn seeds(
    args: &RunArgs,
    file: &File,
    case: &Case,
    client: &ClientRef,
    matrix: &Matrix,
    name: &str,
) -> Result<Vec<Setup>, String> {
    let world = if args.world == Where::Tcp { World::Tcp } else { World::Sim };
    let of_case = |run: &&matrix::Run| run.file == name && run.case == case.name;
    let variant = match &args.variant {
        Some(variant) => Some(
            matrix
                .runs
                .iter()
                .filter(of_case)
                .find(|run| run.name == *variant)
                .ok_or_else(|| format!("the matrix has no run `{variant}` of it"))?,
        ),
        // on real sockets a case is run in the size that its matrix gives for them
        None => matrix.runs.iter().filter(of_case).find(|run| run.world == World::Tcp && world == World::Tcp),
    };
    let setup = |seed: u64| {
        let of_matrix = variant.map(Choice::of).unwrap_or_default();
        let choice = Choice {
            world: args.world.into(),
            outer: args.proxy.clone(),
            scale: if world == World::Tcp { args.scale.get() } else { 1 },
            seed,
            trace: args.trace,
            // the matrix says what the client does today; here it is judged
            expect: None,
            ..of_matrix
        };
        cases::setup(file, case, client, &choice).map_err(|error| error.to_string())
    };
    (args.seed..args.seed.saturating_add(args.seeds.get())).map(setup).collect()
}

/// The scenario files that the paths stand for: a folder for its YAML files, by name, without the matrix.
pub(super) fn files(paths: &[PathBuf], tell: &mut impl FnMut(String)) -> Vec<PathBuf> {
    let mut found = vec![];
    for path in paths {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        match std::fs::read_dir(path) {
            Ok(entries) => {
                let mut inside: Vec<PathBuf> =
                    entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
                // a pipe that is called `x.yaml` would be waited for
                inside.retain(|path| is_scenario(path) && path.is_file());
                inside.sort();
                if inside.is_empty() {
                    tell(format!("error: no scenario file (`*.yaml`, `*.yml`) in `{}`", path.display()));
                }
                found.append(&mut inside);
            }
            Err(error) => tell(format!("error: cannot read `{}`: {error}", path.display())),
        }
    }
    found
}

fn is_scenario(path: &Path) -> bool {
    let yaml = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
    yaml && path.file_name().is_some_and(|name| name != matrix::FILE_NAME)
}

fn matrix_beside(path: &Path) -> Option<Result<Matrix, scenario::Diagnostics>> {
    let matrix = path.parent()?.join(matrix::FILE_NAME);
    matrix.exists().then(|| matrix::load(&matrix))
}
