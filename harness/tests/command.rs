//! The command as its users meet it: exit codes, streams, signals, files.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use unstuck_record::{Outcome, Run, Verdict};

const REPORTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/reported");

/// A case of seconds, with one case more that is br's.
const TWO: &str = "
workload: {regions: 12, duration: 10s}
cases:
  - {name: goes_down, faultType: failure, selector: tikv(0), warmUpTime: 1s, faultDuration: 1s}
  - {name: br_goes, faultType: reset, selector: br_to_tikv(0), warmUpTime: 1s, faultDuration: 0s}
";

/// A folder of its own for one test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("unstuck-command-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
    fn file(&self, name: &str, text: &str) -> String {
        fs::write(self.0.join(name), text).unwrap();
        self.0.join(name).display().to_string()
    }
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_unstuck"));
        command.args(args).current_dir(&self.0).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
    fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        said(&self.command(args).output().unwrap())
    }
    /// The files of a run whose name ends so.
    fn results(&self, run: &str, ending: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.0.join("results").join(run)).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.to_string_lossy().ends_with(ending));
        files.sort();
        files
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _left_for_the_next_cleaning = fs::remove_dir_all(&self.0);
    }
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn record(path: &Path) -> Run {
    Run::parse_bytes(&fs::read(path).unwrap()).unwrap()
}

/// Waits for the first line on stderr that holds `text`.
fn until_said(child: &mut Child, text: &str) {
    let stderr = child.stderr.as_mut().unwrap();
    let (mut seen, mut byte) = (String::new(), [0]);
    while !seen.contains(text) {
        assert_eq!(stderr.read(&mut byte).unwrap(), 1, "it ended before `{text}`: {seen}");
        seen.push(char::from(byte[0]));
    }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn one_client_for_many_cases_runs_those_that_fit_and_names_the_others() {
    let folder = Folder::new("fit");
    let file = folder.file("two.yaml", TWO);
    let (code, out, err) = folder.run(&["run", &file, "--client", "lightning@fixed"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("PASS goes_down"), "{out}");
    assert!(err.contains("left out: ") && err.contains("case `br_goes` selects links of `br`"), "{err}");
    let (code, out, err) = folder.run(&["run", &file, "--client", "lightning@fixed", "--case", "br_goes"]);
    assert_eq!((code, out.as_str()), (Some(3), ""));
    assert!(err.starts_with("error: ") && err.contains("case `br_goes` selects links of `br`"), "{err}");
}

#[test]
fn a_case_that_is_nowhere_is_told_with_the_nearest_name() {
    let folder = Folder::new("nowhere");
    let file = folder.file("two.yaml", TWO);
    let (code, _, err) = folder.run(&["run", &file, "--client", "br@fixed", "--case", "br-goes"]);
    assert_eq!(code, Some(3));
    assert!(err.contains("no case is called `br-goes`; did you mean `br_goes`?"), "{err}");
}

#[test]
fn a_reader_who_leaves_is_no_error() {
    let folder = Folder::new("pipe");
    let file = folder.file("two.yaml", TWO);
    for args in [
        &["run", &file, "--client", "lightning@fixed", "--quiet"][..],
        &["run", &file, "--client", "lightning@fixed", "--quiet", "--json"],
        &["run", &file, "--client", "lightning@fixed", "--quiet", "--seeds", "2"],
        &["check", &file],
    ] {
        let mut child = folder.command(args).spawn().unwrap();
        drop(child.stdout.take());
        let (code, _, err) = said(&child.wait_with_output().unwrap());
        assert_eq!(code, Some(0), "{args:?}: {err}");
        assert!(!err.contains("panicked") && !err.contains("error"), "{args:?}: {err}");
    }
}

#[test]
fn json_alone_is_on_stdout_and_follows_the_schema() {
    let folder = Folder::new("json");
    let (code, out, err) =
        folder.run(&["run", REPORTED, "--json", "--variant", "reduced", "--case", "tikv_failure"]);
    assert_eq!(code, Some(1), "{err}");
    let schema = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../reports/schema/case.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_slice(&schema).unwrap()).unwrap();
    let cases: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(cases.len(), 1);
    for case in &cases {
        schema.validate(case).unwrap();
    }
    assert!(!err.is_empty());
    let (_, _, err) =
        folder.run(&["judge", "--json", &folder.results("run-0001", ".jsonl")[0].to_string_lossy()]);
    assert_eq!(err, "");
}

#[test]
fn a_hang_leaves_a_dump_beside_its_record_and_judge_prints_it() {
    let folder = Folder::new("dump");
    let (code, out, _) = folder.run(&["run", REPORTED, "--variant", "reduced", "--case", "tikv_failure"]);
    assert_eq!(code, Some(1));
    let record = folder.results("run-0001", ".jsonl").remove(0);
    let beside = folder.results("run-0001", ".goroutines.txt").remove(0);
    assert!(out.contains(&*beside.file_name().unwrap().to_string_lossy()), "{out}");
    let dump = fs::read_to_string(&beside).unwrap();
    assert!(dump.starts_with("goroutine 1 ["), "{dump}");
    assert!(dump.contains(" [NewStream/quota, "), "{dump}");
    let (code, out, _) = folder.run(&["judge", "--dump", &record.to_string_lossy()]);
    assert_eq!(code, Some(1));
    assert!(out.starts_with("FAIL tikv_failure") && out.ends_with(&dump), "{out}");
}

#[test]
fn a_client_that_ended_leaves_no_dump() {
    let folder = Folder::new("no-dump");
    let file = folder.file("two.yaml", TWO);
    folder.run(&["run", &file, "--client", "lightning@fixed"]);
    assert_eq!(folder.results("run-0001", ".goroutines.txt"), Vec::<PathBuf>::new());
}

#[test]
fn an_interrupted_run_ends_its_record_and_names_what_was_not_run() {
    for (name, signal_name) in [("int", "-INT"), ("term", "-TERM")] {
        let folder = Folder::new(name);
        let cases = ["tikv_failure", "ha_br_to_all_network_partition"];
        let files = ["tidb-46321-tikv-failure.yaml", "tidb-53519-br-partition.yaml"]
            .map(|file| format!("{REPORTED}/{file}"));
        let args = ["run", &files[0], &files[1], "--jobs", "1", "--world", "tcp"];
        let mut child = folder.command(&args).spawn().unwrap();
        until_said(&mut child, " begins");
        signal(&child, signal_name);
        let (code, out, err) = said(&child.wait_with_output().unwrap());
        assert_eq!(code, Some(130), "{err}");
        assert!(out.starts_with(&format!("UNKNOWN {}", cases[0])) && out.contains("interrupted"), "{out}");
        assert!(err.contains(&format!("not run: case `{}`", cases[1])), "{err}");
        let run = record(&folder.results("run-0001", ".jsonl")[0]);
        assert_eq!(run.judgement.as_ref().unwrap().outcome, Outcome::Interrupted);
        assert!(
            run.events.iter().any(|event| matches!(event.what, unstuck_record::Event::FaultHealed { .. }))
        );
        assert_eq!(folder.results("run-0001", ".goroutines.txt").len(), 1);
    }
}

#[test]
fn the_fault_free_run_can_be_interrupted_too() {
    let folder = Folder::new("baseline");
    let file = format!("{REPORTED}/tidb-48352-stall-then-reset.yaml");
    let mut child = folder.command(&["run", &file]).spawn().unwrap();
    until_said(&mut child, "[1/1]");
    signal(&child, "-INT");
    let (code, out, err) = said(&child.wait_with_output().unwrap());
    assert_eq!(code, Some(130), "{err}");
    assert!(out.starts_with("UNKNOWN ") && out.contains("interrupted, at "), "{out}");
}

#[test]
fn what_only_looks_like_a_scenario_file_is_not_waited_for() {
    let folder = Folder::new("pipe-file");
    folder.file("two.yaml", TWO);
    fs::create_dir(folder.0.join("old.yaml")).unwrap();
    assert!(Command::new("mkfifo").arg(folder.0.join("a.yaml")).status().unwrap().success());
    let (code, out, err) = folder.run(&["run", ".", "--client", "lightning@fixed"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("PASS goes_down"), "{out}");
}

#[test]
fn an_interrupted_batch_of_seeds_says_how_many_were_not_run() {
    let folder = Folder::new("seeds");
    let file = format!("{REPORTED}/tidb-46321-tikv-failure.yaml");
    let args = ["run", &file, "--variant", "reduced", "--seeds", "5000", "--jobs", "1"];
    let mut child = folder.command(&args).spawn().unwrap();
    until_said(&mut child, "[2/5000]");
    signal(&child, "-INT");
    let (code, out, err) = said(&child.wait_with_output().unwrap());
    assert_eq!(code, Some(130), "{err}");
    assert!(out.starts_with("tikv_failure  lightning@as-reported  "), "{out}");
    let not_run = err.lines().filter(|line| line.starts_with("not run: ")).count();
    assert!(not_run == 1 && err.contains(" more\n"), "{err}");
}

#[test]
fn the_half_record_of_a_killed_run_is_judged_unknown() {
    let folder = Folder::new("killed");
    let file = format!("{REPORTED}/tidb-46321-tikv-failure.yaml");
    let mut child = folder.command(&["run", &file, "--world", "tcp"]).spawn().unwrap();
    until_said(&mut child, " begins");
    child.kill().unwrap();
    child.wait().unwrap();
    let path = folder.results("run-0001", ".jsonl").remove(0);
    let (code, out, err) = folder.run(&["judge", &path.to_string_lossy()]);
    assert_eq!(code, Some(2), "{out}{err}");
    assert!(out.contains("the record breaks off before the run's end"), "{out}");
    assert_eq!(record(&path).judgement, None);
}

#[test]
fn cases_of_hostile_names_get_a_record_each_and_cannot_paint_the_terminal() {
    let folder = Folder::new("names");
    let long = "x".repeat(300);
    let names = [
        "../../x",
        "..\\\\..\\\\x",
        "\\u001b[31mred\\u001b[0m",
        "\u{1f980}",
        "CON",
        "con",
        &long,
        &format!("{long}y"),
    ];
    let case = |name: &&str| {
        format!("  - {{name: \"{name}\", faultType: failure, selector: tikv(0), faultDuration: 1s}}\n")
    };
    let cases: String = names.iter().map(case).collect();
    let file = folder.file("n.yaml", &format!("workload: {{regions: 12, duration: 5s}}\ncases:\n{cases}"));
    let (code, out, err) = folder.run(&["run", &file, "--client", "lightning@fixed"]);
    assert_ne!(code, Some(3), "{err}");
    assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'), "{out}{err}");
    assert_eq!(folder.results("run-0001", ".jsonl").len(), names.len());
    let (_, out, err) = folder.run(&["run", &file, "--client", "lightning@fixed", "--seeds", "2"]);
    assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'), "{out}{err}");
    assert_eq!(folder.results("run-0002", ".jsonl").len(), 2 * names.len());
}

#[test]
fn two_runs_at_once_have_a_folder_each() {
    let folder = Folder::new("twice");
    let file = folder.file("two.yaml", TWO);
    let args = ["run", &file, "--client", "lightning@fixed"];
    let both: Vec<Child> = (0..2).map(|_| folder.command(&args).spawn().unwrap()).collect();
    for child in both {
        assert_eq!(said(&child.wait_with_output().unwrap()).0, Some(0));
    }
    assert_eq!(folder.results("run-0001", ".jsonl").len(), 1);
    assert_eq!(folder.results("run-0002", ".jsonl").len(), 1);
}

#[test]
fn a_results_folder_that_cannot_be_made_is_one_clear_error() {
    let folder = Folder::new("results");
    let file = folder.file("two.yaml", TWO);
    let (code, out, err) =
        folder.run(&["run", &file, "--client", "lightning", "--case", "goes_down", "--results", &file]);
    assert_eq!((code, out.as_str()), (Some(4), ""));
    assert_eq!(err.lines().count(), 1);
    assert!(err.starts_with("error: cannot create a folder for the records in "), "{err}");
}

#[test]
fn quiet_says_nothing_while_cases_run_and_colours_are_asked_for() {
    let folder = Folder::new("quiet");
    let file = folder.file("two.yaml", TWO);
    let args = ["run", &file, "--client", "lightning", "--case", "goes_down", "--quiet"];
    let (_, out, err) = folder.run(&args);
    assert_eq!(err, "");
    assert!(!out.contains('\u{1b}'), "{out}");
    let (_, out, _) = folder.run(&[&args[..], &["--color", "always"]].concat());
    assert!(out.contains('\u{1b}'), "{out}");
}

#[test]
fn elsewhere_than_on_a_terminal_each_event_is_one_plain_line() {
    let folder = Folder::new("lines");
    let file = folder.file("two.yaml", TWO);
    let (_, _, err) = folder.run(&["run", &file, "--client", "lightning@fixed", "--case", "goes_down"]);
    let case = "[1/1] goes_down lightning@fixed sim seed 1";
    let lines: Vec<&str> = err.lines().filter_map(|line| line.strip_prefix(case)).collect();
    let [start, begins, heals, end] = lines[..] else { panic!("{err}") };
    let one = ["lightning->tikv-1", "lightning->tikv-2", "lightning->tikv-3"];
    assert_eq!(start, "");
    assert!(one.iter().any(|link| begins == format!(": at 0m 01s: failure of {link} begins")), "{begins}");
    assert_eq!(heals, begins.replace("0m 01s", "0m 02s").replace("begins", "heals"));
    assert!(end.starts_with(": pass, completed ("), "{end}");
    assert!(!err.contains(|c: char| c.is_control() && c != '\n'), "{err:?}");
}

#[test]
fn a_fault_that_touches_nothing_is_unknown() {
    let folder = Folder::new("nothing");
    // the work is done long before the fault
    let text = TWO.replace("warmUpTime: 1s", "warmUpTime: 10m");
    let file = folder.file("late.yaml", &text);
    let (code, out, err) = folder.run(&["run", &file, "--client", "lightning@fixed", "--json"]);
    assert_eq!(code, Some(2), "{out}{err}");
    let case: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(case["verdict"], serde_json::to_value(Verdict::Unknown).unwrap());
}

#[test]
fn the_models_of_clients_say_that_they_use_raw_keys() {
    let folder = Folder::new("mode");
    let file = folder.file("txn.yaml", &format!("cluster: {{mode: txn}}{TWO}"));
    let (code, _, err) = folder.run(&["run", &file, "--client", "lightning@fixed"]);
    assert_eq!(code, Some(3), "{err}");
    assert!(err.contains("`lightning@fixed` uses raw keys: with it `cluster.mode` is `raw`"), "{err}");
}

#[test]
fn reports_for_ci_are_written_whole_whatever_came_out() {
    let folder = Folder::new("ci");
    let file = folder.file("two.yaml", TWO);
    let summary = folder.file("summary.md", "before\n");
    let args = [
        "run",
        &file,
        "--client",
        "lightning@fixed",
        "--junit",
        "ci/junit.xml",
        "--json-out",
        "ci/cases.jsonl",
    ];
    let output = folder
        .command(&args)
        .args(["--summary", &summary])
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_SHA", "0c385e0")
        .output()
        .unwrap();
    let (code, out, err) = said(&output);
    assert_eq!(code, Some(0), "{out}{err}");
    let read = |name: &str| fs::read_to_string(folder.0.join(name)).unwrap();
    let junit = read("ci/junit.xml");
    assert!(junit.contains("<testcase name=\"goes_down [lightning@fixed, sim, seed 1]\""), "{junit}");
    assert!(junit.contains("<property name=\"commit\" value=\"0c385e0\"/>"), "{junit}");
    assert_eq!(read("ci/cases.jsonl").lines().count(), 1);
    assert!(read("summary.md").starts_with("before\n## unstuck\n\n1 passed, 0 failed, 0 unknown"));
    assert!(!err.contains("::error"), "{err}");
}

#[test]
fn a_report_that_cannot_be_written_is_named_and_the_verdict_is_still_told() {
    let folder = Folder::new("ci-broken");
    let file = folder.file("two.yaml", TWO);
    let (code, out, err) =
        folder.run(&["run", &file, "--client", "lightning@fixed", "--junit", "two.yaml/junit.xml"]);
    assert_eq!(code, Some(4), "{out}{err}");
    assert!(
        out.contains("PASS goes_down") && err.contains("error: cannot write `two.yaml/junit.xml`"),
        "{err}"
    );
}

#[test]
fn a_page_is_written_whole_by_a_run_and_again_from_its_records() {
    let folder = Folder::new("page");
    let file = folder.file("two.yaml", TWO);
    let run = ["run", &file, "--client", "lightning@fixed", "--quiet", "--html", "pages/run.html"];
    let (code, out, err) = folder.run(&run);
    assert_eq!(code, Some(0), "{out}{err}");
    let record = folder.results("run-0001", ".jsonl").remove(0).display().to_string();
    let (code, out, err) = folder.run(&["judge", &record, "--html", "pages/judged.html"]);
    assert_eq!(code, Some(0), "{out}{err}");
    for name in ["run.html", "judged.html"] {
        let page = fs::read_to_string(folder.0.join("pages").join(name)).unwrap();
        assert!(
            page.contains("<title>PASS: goes_down</title>") && page.ends_with("</html>\n"),
            "{name}: {page}"
        );
        assert!(
            page.contains(r#""kind":"failure","from":1000,"to":2000,"state":"touched""#),
            "{name}: {page}"
        );
    }
    assert_eq!(fs::read_dir(folder.0.join("pages")).unwrap().count(), 2, "nothing else is left there");
    // a table of seeds is of verdicts alone; its page is not
    let (code, out, err) = folder.run(&[&run[..], &["--seeds", "2"]].concat());
    assert_eq!(code, Some(0), "{out}{err}");
    let page = fs::read_to_string(folder.0.join("pages/run.html")).unwrap();
    assert_eq!(page.matches(r#""kind":"failure""#).count(), 2, "{page}");
    let (code, out, err) = folder.run(&["judge", &record, "--html", "two.yaml/page.html"]);
    assert_eq!(code, Some(4), "{out}{err}");
    assert!(
        out.contains("PASS goes_down") && err.contains("error: cannot write `two.yaml/page.html`"),
        "{err}"
    );
}
