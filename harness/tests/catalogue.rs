//! The catalogue of known bugs: every class of trouble has a case and a control, and the page that lists them all is true.
//! What each client does with each case is asserted by `scenarios`, so what the page says of today is what those tests hold.
//!
//! `UPDATE_DOCS=1` writes the page.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use unstuck::scenario::{self, Case, Expect, World, matrix};

const PAGE: &str = "docs/catalogue.md";
/// As many the catalogue has at least.
const CASES: usize = 40;

const HEAD: &str = "# The catalogue

<!-- made of scenarios/**/matrix.yaml: UPDATE_DOCS=1 cargo test -p unstuck --test catalogue -->

Every case that ships, by the kind of trouble it stands for: what is done where, where it was reported, and what each client
revision does with it today, in virtual time unless it says `tcp`. `cargo test -p unstuck --test scenarios` holds each of these
outcomes. A *control* shows that the trouble is not found where it is not. An issue is where the trouble was seen; what a model of a
client has of it, its own file tells.
";

/// A case with what its matrix says of it.
struct Listed {
    folder: String,
    entry: matrix::Entry,
    case: Case,
    outcomes: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn matrices(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("its entries can be listed").path();
        if path.is_dir() {
            matrices(&path, found);
        } else if path.ends_with(matrix::FILE_NAME) {
            found.insert(path);
        }
    }
}

fn listed() -> Vec<Listed> {
    let scenarios = root().join("scenarios");
    let mut files = BTreeSet::new();
    matrices(&scenarios, &mut files);
    let mut all = vec![];
    for path in files.iter().filter(|path| !path.starts_with(scenarios.join("docker"))) {
        let beside = path.parent().expect("a matrix is in a folder");
        let matrix = matrix::load(path).unwrap_or_else(|error| panic!("{error}"));
        let folder = beside.strip_prefix(&scenarios).expect("it is below").display().to_string();
        for entry in &matrix.entries {
            let file = scenario::load(&beside.join(&entry.file)).unwrap_or_else(|error| panic!("{error}"));
            let case =
                file.cases.into_iter().find(|case| case.name == entry.case).expect("the matrix knows it");
            let runs = matrix.runs.iter().filter(|run| run.file == entry.file && run.case == entry.case);
            let outcomes = runs.map(|run| {
                let variant = match (run.world, run.name.as_str()) {
                    (World::Sim, matrix::AS_WRITTEN) => String::new(),
                    (World::Tcp, "tcp") => " (tcp)".to_owned(),
                    (World::Sim, name) => format!(" ({name})"),
                    (World::Tcp, name) => format!(" ({name}, tcp)"),
                };
                format!("`{}`{variant} {}", run.client, outcome(&run.expect))
            });
            all.push(Listed {
                folder: folder.clone(),
                entry: entry.clone(),
                outcomes: outcomes.collect(),
                case,
            });
        }
    }
    all
}

fn outcome(expect: &Expect) -> String {
    let outcome = format!("{:?}", expect.outcome).to_lowercase();
    match &expect.stuck_at {
        Some(site) => format!("**{outcome}** at {site}"),
        None if outcome == "completed" => outcome,
        None => format!("**{outcome}**"),
    }
}

/// `tidb 46321` as a link; what is not of that form stays.
fn linked(issues: &str) -> String {
    let link = |issue: &str| match issue.trim().split_once(' ') {
        Some((project, number)) if number.bytes().all(|b| b.is_ascii_digit()) => {
            let owner = if ["tikv", "pd", "client-go"].contains(&project) { "tikv" } else { "pingcap" };
            format!("[{project} {number}](https://github.com/{owner}/{project}/issues/{number})")
        }
        _ => issue.trim().to_owned(),
    };
    issues.split(',').map(link).collect::<Vec<_>>().join(", ")
}

fn page(all: &[Listed]) -> String {
    let mut page = HEAD.to_owned();
    let mut classes: BTreeMap<&str, Vec<&Listed>> = BTreeMap::new();
    for one in all {
        classes.entry(one.entry.class.unwrap_or("other")).or_default().push(one);
    }
    let _infallible = write!(page, "\n{} cases, {} classes.\n", all.len(), classes.len());
    for (class, mut cases) in classes {
        cases.sort_by_key(|one| one.entry.control);
        let _infallible = write!(
            page,
            "\n## {class}\n\n| case | fault | selector | reported | today |\n|---|---|---|---|---|\n"
        );
        for Listed { folder, entry, case, outcomes } in cases {
            let faults: Vec<_> = case.faults.iter().map(|fault| format!("`{}`", fault.kind)).collect();
            let selectors: Vec<_> = case.faults.iter().map(|fault| format!("`{}`", fault.selector)).collect();
            let control = if entry.control { " (control)" } else { "" };
            let issue = entry.issue.as_deref().map(linked).unwrap_or_default();
            let _infallible = writeln!(
                page,
                "| [{name}](../scenarios/{folder}/{file}){control} | {} | {} | {issue} | {} |",
                faults.join(", "),
                selectors.join(", "),
                outcomes.join("; "),
                name = entry.case,
                file = entry.file,
            );
        }
    }
    page
}

#[test]
fn every_class_has_a_case_and_a_control() {
    let all = listed();
    assert!(all.iter().filter(|one| one.folder.starts_with("catalogue")).count() >= CASES);
    let with = |control: bool| -> BTreeSet<&str> {
        all.iter().filter(|one| one.entry.control == control).filter_map(|one| one.entry.class).collect()
    };
    let (cases, controls) = (with(false), with(true));
    assert_eq!(cases.len(), 18, "{cases:?}");
    assert_eq!(cases, controls);
    for one in all.iter().filter(|one| one.entry.control) {
        assert!(
            one.outcomes.iter().all(|outcome| outcome.ends_with(" completed")),
            "{}: {:?}",
            one.entry.case,
            one.outcomes
        );
    }
}

#[test]
fn every_case_of_the_catalogue_has_a_class_and_an_entry() {
    let all = listed();
    for one in &all {
        assert!(one.entry.class.is_some() || !one.folder.starts_with("catalogue"), "{}", one.entry.case);
    }
    let mut folders: BTreeSet<&str> = all.iter().map(|one| one.folder.as_str()).collect();
    folders.retain(|folder| folder.starts_with("catalogue"));
    for folder in folders {
        let path = root().join("scenarios").join(folder);
        for file in
            std::fs::read_dir(&path).expect("it was there").map(|file| file.expect("can be listed").path())
        {
            if file.ends_with(matrix::FILE_NAME) || file.is_dir() {
                continue;
            }
            for case in scenario::load(&file).unwrap_or_else(|error| panic!("{error}")).cases {
                let known = all.iter().any(|one| {
                    one.folder == folder && file.ends_with(&one.entry.file) && one.entry.case == case.name
                });
                assert!(known, "{}: no entry for `{}`", file.display(), case.name);
            }
        }
    }
}

#[test]
fn the_page_is_true() {
    let page = page(&listed());
    let path = root().join(PAGE);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("the page can be written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(there, page, "{PAGE} is old: UPDATE_DOCS=1 cargo test -p unstuck --test catalogue");
}
