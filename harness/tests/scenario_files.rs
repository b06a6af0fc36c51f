//! The shipped scenario files load, and the reported ones are as they were reported.

use std::path::{Path, PathBuf};

use unstuck::scenario::{Schedule, load, matrix};

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

/// Every YAML file, in folders of folders too.
fn files() -> Vec<PathBuf> {
    let mut found = vec![];
    let mut folders = vec![scenarios()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the repository") {
            let path = entry.expect("its entries can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "yaml") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_shipped_file_loads_without_a_warning() {
    let mut names = Vec::new();
    for path in files().iter().filter(|p| !p.ends_with(matrix::FILE_NAME)) {
        let file = load(path).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(file.warnings.to_string(), "", "{}", path.display());
        names.extend(file.cases.into_iter().map(|case| case.name));
    }
    for name in ["tikv_failure", "ha_br_to_all_network_partition", "lightning_to_tikv_stall_then_reset"] {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
}

#[test]
fn qas_files_are_as_reported() {
    let read = |name: &str| std::fs::read_to_string(scenarios().join("reported").join(name)).unwrap();
    let failure = "cases:\n  - name: tikv_failure\n    faultType: failure\n    selector: tikv(random)\n    \
                   warmUpTime: 1m\n    faultDuration: 60m\n    recoveryTime: 5m\n";
    assert_eq!(read("tidb-46321-tikv-failure.yaml"), failure);
    let indent = "        ";
    let partition = [
        "faultType: network_partition",
        "selector: br_to_all",
        "warmUpTime: 1m",
        "period: \"@every 3m\"",
        "faultDuration: 1m",
        "faultRunTimes: 5",
    ]
    .map(|line| format!("{indent}{line}\n"))
    .concat();
    let partition = format!("      - name: ha_br_to_all_network_partition\n{partition}");
    assert_eq!(read("tidb-53519-br-partition.yaml"), partition);
    let file = load(&scenarios().join("reported/tidb-53519-br-partition.yaml")).unwrap();
    assert!(matches!(file.cases[0].faults[0].schedule, Schedule::Times { times: 5, .. }));
}

#[test]
fn the_matrix_names_every_case_and_no_other() {
    let folder = scenarios().join("reported");
    let matrix = matrix::load(&folder.join(matrix::FILE_NAME)).unwrap_or_else(|e| panic!("{e}"));
    let mut there = Vec::new();
    for path in files().iter().filter(|p| p.starts_with(&folder) && !p.ends_with(matrix::FILE_NAME)) {
        let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
        there.extend(load(path).unwrap().cases.into_iter().map(|case| (name.clone(), case.name)));
    }
    for run in &matrix.runs {
        assert!(there.contains(&(run.file.clone(), run.case.clone())), "line {}: {run:?}", run.line);
    }
    for (file, case) in &there {
        assert!(matrix.client(file, case).is_some(), "{file} {case} has no entry");
    }
}
