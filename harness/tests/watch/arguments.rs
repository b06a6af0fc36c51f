//! What is asked for wrongly.

use std::process::Command;

use super::world::Folder;
use super::{Tests, tests};

pub(super) const TESTS: Tests =
    tests![what_cannot_be_watched_is_refused_with_the_way_out, a_case_is_chosen_by_name];

fn refused(folder: &Folder, args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unstuck"));
    let output = command.arg("watch").args(args).current_dir(&folder.0).output().unwrap();
    assert!(!folder.0.join("results").exists(), "nothing was watched");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

const TWO: &str = "cases:
  - {name: down, faultType: failure, selector: tikv(0), faultDuration: 1m}
  - {name: cut, faultType: network_partition, selector: br_to_all, faultDuration: 1m}
  - {name: waits, faults: [{faultType: failure, selector: tikv(0), faultDuration: 1m, when: {progress: 50%}}]}
";

fn what_cannot_be_watched_is_refused_with_the_way_out() {
    let folder = Folder::new();
    folder.write("two.yaml", TWO);
    let down = ["two.yaml", "--case", "down"];
    let progress = ["--progress", "http://127.0.0.1:1/", "--total", "3"];
    for (args, code, said) in [
        (&[&down[..]][..], 4, "give `--total N` with `--progress`, or `--exit-url URL`"),
        (&[&down, &progress], 4, "add `--metric NAME` or `--json-pointer POINTER`"),
        (&[&["two.yaml", "--case", "waits", "--exit-url", "a:1"]], 3, "give `--schedule`"),
        (&[&down, &["--exit-url", "https://kube/"]], 4, "`kubectl proxy`"),
        (&[&down, &["--exit-url", "/status"]], 4, "write `http://HOST:PORT/PATH`"),
        (&[&down, &["--exit-url", "a:1", "--started", "noon"]], 4, "as RFC 3339 has it"),
        (
            &[&["two.yaml", "--case", "cut", "--client", "lightning", "--exit-url", "a:1"]],
            3,
            "is not the client under test",
        ),
    ] {
        let (exit, stderr) = refused(&folder, &args.concat());
        assert_eq!(exit, Some(code), "{args:?}: {stderr}");
        assert!(stderr.contains(said), "{args:?}: {stderr}");
    }
}

fn a_case_is_chosen_by_name() {
    let folder = Folder::new();
    folder.write("two.yaml", TWO);
    for (args, said) in [
        (&["two.yaml", "--exit-url", "a:1"][..], "two.yaml has 3 cases: give one of them with `--case`"),
        (&["two.yaml", "--case", "dwn", "--exit-url", "a:1"], "did you mean `down`?"),
    ] {
        let (exit, stderr) = refused(&folder, args);
        assert_eq!(exit, Some(3), "{stderr}");
        assert!(stderr.contains(said), "{args:?}: {stderr}");
    }
}
