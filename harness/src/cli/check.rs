//! `unstuck check FILE|DIR…`: all errors of all scenario files and matrices, without running anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Exit, out};
use crate::scenario::{self, Diagnostics, matrix};

/// Arguments of `unstuck check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Scenario files, matrices, and folders of them.
    #[arg(default_value = "scenarios", value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// What was found, in numbers.
#[derive(Debug, Default)]
struct Count {
    files: usize,
    cases: usize,
    errors: usize,
    warnings: usize,
}

/// Prints every problem on stdout, and a line of numbers.
pub(super) fn run(args: &CheckArgs, colour: bool) -> Exit {
    let (text, exit) = report(&args.paths, colour);
    out::say(&text);
    exit
}

fn report(paths: &[PathBuf], colour: bool) -> (String, Exit) {
    let mut out = String::new();
    let mut count = Count::default();
    let mut add = |count: &mut Count, found: &Diagnostics| {
        if !found.problems.is_empty() {
            out += &found.render(colour);
            out += "\n\n";
        }
        count.errors += found.errors();
        count.warnings += found.warnings();
    };
    let mut files = BTreeSet::new();
    for path in paths {
        if let Err(error) = collect(path, 0, &mut files) {
            let message = format!("`{}` cannot be read: {error}", path.display());
            let name = path.display().to_string();
            add(&mut count, &Diagnostics::new(&name, "", vec![scenario::Problem::error(0..0, message)]));
        }
    }
    for path in &files {
        count.files += 1;
        if path.ends_with(matrix::FILE_NAME) {
            match matrix::load(path) {
                Ok(matrix) => add(&mut count, &matrix.strangers(&cases_beside(path))),
                Err(problems) => add(&mut count, &problems),
            }
        } else {
            match scenario::load(path) {
                Ok(file) => {
                    count.cases += file.cases.len();
                    add(&mut count, &file.warnings);
                }
                Err(problems) => add(&mut count, &problems),
            }
        }
    }
    let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let mut sum =
        vec![plural(count.files, "file"), plural(count.cases, "case"), plural(count.errors, "error")];
    if count.warnings > 0 {
        sum.push(plural(count.warnings, "warning"));
    }
    out += &sum.join(", ");
    out.push('\n');
    let nothing = count.files == 0 && count.errors == 0;
    if nothing {
        out += "no scenario file (`*.yaml`, `*.yml`) was found\n";
    }
    (out, if count.errors > 0 || nothing { Exit::Scenario } else { Exit::Pass })
}

/// No folder of scenarios is deeper; a link back to a parent folder is.
const DEEPEST: usize = 16;

/// Every YAML file below `path`, or `path` itself whatever its name.
pub(super) fn collect(path: &Path, depth: usize, files: &mut BTreeSet<PathBuf>) -> std::io::Result<()> {
    if !std::fs::metadata(path)?.is_dir() {
        files.insert(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        let inside = entry?.path();
        let yaml = inside.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
        // A pipe that is called `x.yaml` would be waited for.
        if (yaml && inside.is_file()) || (inside.is_dir() && depth < DEEPEST) {
            collect(&inside, depth + 1, files)?;
        }
    }
    Ok(())
}

/// The cases of the files that a matrix can speak of; a file that does not load has been, or will be, told of itself.
fn cases_beside(matrix: &Path) -> BTreeMap<String, Option<BTreeSet<String>>> {
    let folder = matrix.parent().unwrap_or(Path::new("."));
    let mut files = BTreeSet::new();
    // What cannot be listed is reported where it is loaded.
    let _unlisted =
        collect(if folder.as_os_str().is_empty() { Path::new(".") } else { folder }, 0, &mut files);
    let name = |path: &Path| {
        let inside = path.strip_prefix(folder).or_else(|_| path.strip_prefix(".")).unwrap_or(path);
        inside.to_string_lossy().into_owned()
    };
    let cases =
        |path: &Path| Some(scenario::load(path).ok()?.cases.into_iter().map(|case| case.name).collect());
    files
        .iter()
        .filter(|path| !path.ends_with(matrix::FILE_NAME))
        .map(|path| (name(path), cases(path)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("unstuck-check-{}-{name}", std::process::id()));
        std::fs::create_dir_all(folder.join("below")).unwrap();
        for (file, text) in files {
            std::fs::write(folder.join(file), text).unwrap();
        }
        folder
    }

    fn check(name: &str, files: &[(&str, &str)]) -> (String, Exit) {
        let folder = folder(name, files);
        let (said, exit) = report(std::slice::from_ref(&folder), false);
        std::fs::remove_dir_all(&folder).unwrap();
        (said.replace(&folder.display().to_string(), "FOLDER"), exit)
    }

    const GOOD: &str = "- {name: a, faultType: failure, selector: tikv(0), faultDuration: 1m}\n";

    #[test]
    fn good_files_are_counted_and_pass() {
        let matrix = "entries: [{file: below/b.yml, case: a, clients: {br@fixed: completed}}]\n";
        let files =
            [("a.yaml", GOOD), ("below/b.yml", GOOD), ("matrix.yaml", matrix), ("notes.txt", "cases: [")];
        assert_eq!(check("good", &files), ("3 files, 2 cases, 0 errors\n".into(), Exit::Pass));
    }

    #[test]
    fn every_error_of_every_file_is_told_and_the_exit_says_so() {
        let bad = GOOD.replace("failure", "failur").replace("tikv", "tkiv");
        let matrix = "entries:\n  - {file: a.yaml, case: z, clients: {br@fixed: completed}}\n  - {file: no.yaml, case: \
                      a, clients: {br@fixed: completed}}\n";
        let (said, exit) =
            check("bad", &[("a.yaml", GOOD), ("b.yaml", &bad), ("c.yaml", "x"), ("matrix.yaml", matrix)]);
        assert_eq!(exit, Exit::Scenario);
        insta::assert_snapshot!(said);
    }

    #[test]
    fn a_warning_is_told_and_passes() {
        let warned = "- {name: a, faultType: refuse, selector: all_to_tikv(0), faultDuration: 1m}\n";
        let (said, exit) = check("warned", &[("a.yaml", warned)]);
        assert!(
            said.contains("warning: only the client's links") && said.ends_with(", 0 errors, 1 warning\n"),
            "{said}"
        );
        assert_eq!(exit, Exit::Pass);
    }

    #[test]
    fn nothing_to_check_is_not_a_pass() {
        assert_eq!(check("empty", &[]).1, Exit::Scenario);
        let (said, exit) = report(&["/nonexistent".into()], false);
        assert!(said.contains("`/nonexistent` cannot be read"), "{said}");
        assert_eq!(exit, Exit::Scenario);
    }
}
