//! Programs in other languages, with their own dumps. Where a language is not installed its tests are named and did
//! not run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use libtest_mimic::Trial;
use unstuck_record::{FindingKind, Outcome, Verdict};

use super::world::{Ran, run_text};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programs");

const FAULT: &str = "cases:\n  - {name: a, faultType: network_partition, selector: client_to_all, warmUpTime: 600ms, \
                     faultDuration: 600ms, expect: {within: 6s}}\n";

type Test = (&'static str, &'static str, fn());

const TESTS: [Test; 4] = [
    (
        "go",
        "a_go_client_that_hangs_is_named_by_its_goroutine",
        a_go_client_that_hangs_is_named_by_its_goroutine,
    ),
    ("go", "a_go_client_that_redials_passes", a_go_client_that_redials_passes),
    (
        "python3",
        "a_python_client_that_hangs_is_named_by_its_thread",
        a_python_client_that_hangs_is_named_by_its_thread,
    ),
    ("python3", "a_python_client_that_redials_passes", a_python_client_that_redials_passes),
];

pub(super) fn trials() -> Vec<Trial> {
    let trial = |&(language, name, test): &Test| {
        let runs = is_there(language);
        let name =
            if runs { name.to_owned() } else { format!("{name} (did not run: there is no `{language}`)") };
        let run = move || {
            test();
            Ok(())
        };
        Trial::test(name, run).with_ignored_flag(!runs)
    };
    TESTS.iter().map(trial).collect()
}

fn is_there(language: &str) -> bool {
    let asked = if language == "go" { "version" } else { "--version" };
    let answer = Command::new(language).arg(asked).stdout(Stdio::null()).stderr(Stdio::null()).status();
    answer.is_ok_and(|status| status.success())
}

/// Our Go client, built once.
fn pinger() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let binary = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pinger");
        let mut build = Command::new("go");
        build.args(["build", "-o"]).arg(&binary).arg(".").current_dir(format!("{FOLDER}/go"));
        assert!(build.status().unwrap().success());
        binary
    })
}

fn go(args: &str) -> Ran {
    run_text(&format!(
        "client:\n  preset: go\n  command: '{}'\n  args: [-pd, '{{pd}}', -status, '{{status_addr}}', -rows, 100{args}]\n  \
         ready: {{port: '{{status_addr}}'}}\n  progress: {{stdout: 'rows (?P<done>\\d+)/(?P<total>\\d+)', unit: rows}}\n  \
         dump: {{pprof: '{{status_addr}}', signal: QUIT, every: 300ms}}\n  timers: {{longest: 1s, backoffCap: \
         1s}}\n{FAULT}",
        pinger().display()
    ))
}

fn python(args: &str) -> Ran {
    run_text(&format!(
        "client:\n  preset: python\n  name: pinger\n  command: python3\n  args: ['{FOLDER}/python/pinger.py', '{{pd}}', \
         100{args}]\n  ready: {{stdout: rows}}\n  progress: {{stdout: 'rows (?P<done>\\d+)/(?P<total>\\d+)', unit: \
         rows}}\n  dump: {{signal: USR1, every: 500ms}}\n  timers: {{longest: 1s, backoffCap: 1s}}\n{FAULT}"
    ))
}

fn a_go_client_that_hangs_is_named_by_its_goroutine() {
    let ran = go("");
    assert_eq!(ran.outcome(), (Outcome::Stuck, Verdict::Fail), "{}", ran.reason());
    let hang = ran.finding(FindingKind::Hang);
    assert_eq!(hang.wait_site.as_deref(), Some("main.(*importer).waitForAck"));
    assert_eq!((hang.tasks, hang.fault), (1, Some(0)));
    assert!(hang.summary.contains("(chan receive)"), "{}", hang.summary);
}

fn a_go_client_that_redials_passes() {
    let ran = go(", -redial");
    assert_eq!(ran.outcome(), (Outcome::Completed, Verdict::Pass), "{}", ran.reason());
}

fn a_python_client_that_hangs_is_named_by_its_thread() {
    let ran = python("");
    assert_eq!(ran.outcome(), (Outcome::Stuck, Verdict::Fail), "{}", ran.reason());
    let hang = ran.finding(FindingKind::Hang);
    assert_eq!(hang.wait_site.as_deref(), Some("Condition"));
    assert!(hang.summary.contains("`Condition` in `wait_for_workers`"), "{}", hang.summary);
    assert_eq!((hang.tasks, hang.fault), (1, Some(0)));
}

fn a_python_client_that_redials_passes() {
    let ran = python(", redial");
    assert_eq!(ran.outcome(), (Outcome::Completed, Verdict::Pass), "{}", ran.reason());
}
