//! The command with a program as the client: however it ends, the program ends with it.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use unstuck::run::cases::{Choice, setup};
use unstuck::run::{Status, WorldKind, run_case};
use unstuck::scenario::load;
use unstuck_record::Outcome;

use super::world::{Folder, alive_in_group, holds};
use super::{Tests, tests};

pub(super) const TESTS: Tests = tests![
    ctrl_c_ends_the_program_and_judges,
    a_second_ctrl_c_ends_the_program_too,
    a_kill_of_the_harness_ends_the_program_too,
    in_virtual_time_a_program_is_one_clear_error,
];

/// A case of an hour with a program that notes its process id.
const HOUR: &str =
    "faultType: refuse, selector: client_to_all, warmUpTime: 1h, faultDuration: 1s, expect: {within: 2h}";

pub(super) fn run_file(path: &Path) -> (Outcome, String) {
    let file = load(path).unwrap_or_else(|problems| panic!("{problems}"));
    let choice = Choice { world: WorldKind::Tcp, ..Choice::default() };
    let ready = setup(&file, &file.cases[0], file.client.as_ref().unwrap(), &choice).unwrap();
    let run = run_case(&ready, None, &Arc::new(Status::default())).unwrap();
    let judgement = run.judgement.unwrap();
    (judgement.outcome, judgement.reason)
}

/// The command, and the process group of its client once that runs.
fn started(folder: &Folder, client: &str, lines: &str) -> (Child, i32) {
    folder.scenario(client, "[]", lines, HOUR);
    let mut command = Command::new(env!("CARGO_BIN_EXE_unstuck"));
    command.args(["run", "program.yaml", "--world", "tcp", "--quiet"]).current_dir(&folder.0);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let record = folder.0.join(format!("results/run-0001/program.a.{client}-program.tcp.1.jsonl"));
    wait_until(|| holds(&record, "stdout: pid ") && (client != "ignores" || holds(&record, "ignoring")));
    (child, super::world::pids_in(&fs::read_to_string(record).unwrap().replace('"', " "))[0])
}

/// Looks until it is so; the bound is a watchdog.
fn wait_until(mut so: impl FnMut() -> bool) {
    for _ in 0..3_000 {
        if so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("a minute has passed in vain");
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

fn ctrl_c_ends_the_program_and_judges() {
    let folder = Folder::new();
    let (child, group) = started(&folder, "sleeps", "");
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("interrupted"), "{output:?}");
    assert_eq!(alive_in_group(group), Vec::<i32>::new());
}

fn a_second_ctrl_c_ends_the_program_too() {
    let folder = Folder::new();
    let (mut child, group) = started(&folder, "ignores", "shutdown: {grace: 1h}");
    // the program ignores what the first one makes the harness tell it, for an hour
    wait_until(|| {
        signal(&child, "-INT");
        child.try_wait().unwrap().is_some()
    });
    assert_eq!(child.wait().unwrap().code(), Some(130));
    wait_until(|| alive_in_group(group).is_empty());
}

fn a_kill_of_the_harness_ends_the_program_too() {
    let folder = Folder::new();
    let (mut child, group) = started(&folder, "ignores", "");
    signal(&child, "-KILL");
    let _killed = child.wait().unwrap();
    wait_until(|| alive_in_group(group).is_empty());
}

fn in_virtual_time_a_program_is_one_clear_error() {
    let folder = Folder::new();
    folder.scenario("works", "[]", "", HOUR);
    let mut command = Command::new(env!("CARGO_BIN_EXE_unstuck"));
    let output = command.args(["run", "program.yaml", "--quiet"]).current_dir(&folder.0).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    let why = "program.yaml: case `a`: the client `works` (line 1) is a program: it needs real sockets";
    assert!(said.contains(why) && said.trim_end().ends_with("give `--world tcp`"), "{said}");
}
