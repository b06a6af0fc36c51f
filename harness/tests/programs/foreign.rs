//! Programs in other languages, with their own dumps. Where a language is not installed its tests are named and did
//! not run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use libtest_mimic::Trial;
use unstuck_record::{FindingKind, Outcome, Verdict};

use super::world::{Ran, run_text};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programs");

/// Long enough to meet a program that a busy machine starts late.
const PARTITION: &str = "faultType: network_partition, warmUpTime: 1s, faultDuration: 3s";

/// The case, with a budget; a program that hangs is watched for twice as long.
fn case(within: &str) -> String {
    format!("cases:\n  - {{name: a, selector: client_to_all, {PARTITION}, expect: {{within: {within}}}}}\n")
}

type Test = (&'static str, &'static str, fn());

const TESTS: [Test; 7] = [
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
    (
        CLIENT_GO,
        "client_go_gets_over_a_partition_of_all_stores",
        client_go_gets_over_a_partition_of_all_stores,
    ),
    (
        CLIENT_GO,
        "client_go_commits_transactions_over_a_partition_of_all_stores",
        client_go_commits_transactions_over_a_partition_of_all_stores,
    ),
    (
        CLIENT_GO,
        "client_go_before_frozen_stores_is_named_where_it_waits",
        client_go_before_frozen_stores_is_named_where_it_waits,
    ),
];

/// TiKV's own Go client, where `go mod download` has brought it: nothing is fetched here.
const CLIENT_GO: &str = "go, with `go mod download` done in harness/tests/programs/client-go";

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
    if language == CLIENT_GO {
        return is_there("go") && rawload().is_some();
    }
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

/// Our program on client-go, built once.
fn rawload() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let binary = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rawload");
        let mut build = Command::new("go");
        build.args(["build", "-o"]).arg(&binary).arg(".").current_dir(format!("{FOLDER}/client-go"));
        build.env("GOPROXY", "off").stderr(Stdio::null());
        build.status().is_ok_and(|status| status.success()).then_some(binary)
    });
    built.as_deref()
}

fn client_go(fault: &str) -> Ran {
    client_go_in("raw", "", fault)
}

fn client_go_in(mode: &str, option: &str, fault: &str) -> Ran {
    run_text(&format!(
        "cluster: {{mode: {mode}}}\nclient:\n  preset: go\n  command: '{}'\n  args: [-pd, '{{pd}}', -status, '{{status_addr}}', -rows, 400{option}]\n  \
         progress: {{cluster: rows, total: 400}}\n  dump: {{pprof: '{{status_addr}}', signal: QUIT, every: 300ms}}\n  \
         timers: {{longest: 1s, backoffCap: 1s}}\ncases:\n  - {{name: a, selector: client_to_tikv(all), {fault}}}\n",
        rawload().unwrap().display()
    ))
}

fn client_go_gets_over_a_partition_of_all_stores() {
    let ran = client_go(&format!("{PARTITION}, expect: {{within: 60s}}"));
    assert_eq!(ran.outcome(), (Outcome::Completed, Verdict::Pass), "{}", ran.reason());
    assert_eq!(ran.run.end.as_ref().unwrap().work.unique, 400);
}

fn client_go_commits_transactions_over_a_partition_of_all_stores() {
    let ran = client_go_in("txn", ", -txn", &format!("{PARTITION}, expect: {{within: 60s}}"));
    assert_eq!(ran.outcome(), (Outcome::Completed, Verdict::Pass), "{}", ran.reason());
    assert_eq!(ran.run.end.as_ref().unwrap().work.unique, 400);
}

fn client_go_before_frozen_stores_is_named_where_it_waits() {
    let ran = client_go("faultType: stall_read, warmUpTime: 400ms, faultDuration: 1h, expect: {within: 5s}");
    assert_eq!(ran.outcome(), (Outcome::Stuck, Verdict::Fail), "{}", ran.reason());
    let told = ran.finding(FindingKind::Progress);
    assert!(
        told.summary.contains("in `main.(*rawRows).put`")
            || told.wait_site.as_deref() == Some("main.(*rawRows).put"),
        "{told:#?}"
    );
    assert_eq!(told.fault, Some(0));
}

fn go(args: &str, within: &str) -> Ran {
    run_text(&format!(
        "client:\n  preset: go\n  command: '{}'\n  args: [-pd, '{{pd}}', -status, '{{status_addr}}', -rows, 300{args}]\n  \
         ready: {{port: '{{status_addr}}'}}\n  progress: {{stdout: 'rows (?P<done>\\d+)/(?P<total>\\d+)', unit: rows}}\n  \
         dump: {{pprof: '{{status_addr}}', signal: QUIT, every: 300ms}}\n  timers: {{longest: 1s, backoffCap: \
         1s}}\n{}",
        pinger().display(),
        case(within)
    ))
}

fn python(args: &str, within: &str) -> Ran {
    run_text(&format!(
        "client:\n  preset: python\n  name: pinger\n  command: python3\n  args: ['{FOLDER}/python/pinger.py', '{{pd}}', \
         300{args}]\n  ready: {{stdout: rows}}\n  progress: {{stdout: 'rows (?P<done>\\d+)/(?P<total>\\d+)', unit: \
         rows}}\n  dump: {{signal: USR1, every: 500ms}}\n  timers: {{longest: 1s, backoffCap: 1s}}\n{}",
        case(within)
    ))
}

fn a_go_client_that_hangs_is_named_by_its_goroutine() {
    let ran = go("", "8s");
    assert_eq!(ran.outcome(), (Outcome::Stuck, Verdict::Fail), "{}", ran.reason());
    let hang = ran.finding(FindingKind::Hang);
    assert_eq!(hang.wait_site.as_deref(), Some("main.(*importer).waitForAck"));
    assert_eq!((hang.tasks, hang.fault), (1, Some(0)));
    assert!(hang.summary.contains("(chan receive)"), "{}", hang.summary);
}

fn a_go_client_that_redials_passes() {
    let ran = go(", -redial", "60s");
    assert_eq!(ran.outcome(), (Outcome::Completed, Verdict::Pass), "{}", ran.reason());
}

fn a_python_client_that_hangs_is_named_by_its_thread() {
    let ran = python("", "8s");
    assert_eq!(ran.outcome(), (Outcome::Stuck, Verdict::Fail), "{}", ran.reason());
    let hang = ran.finding(FindingKind::Hang);
    assert_eq!(hang.wait_site.as_deref(), Some("Condition"));
    assert!(hang.summary.contains("`Condition` in `wait_for_workers`"), "{}", hang.summary);
    assert_eq!((hang.tasks, hang.fault), (1, Some(0)));
}

fn a_python_client_that_redials_passes() {
    let ran = python(", redial", "60s");
    assert_eq!(ran.outcome(), (Outcome::Completed, Verdict::Pass), "{}", ran.reason());
}
