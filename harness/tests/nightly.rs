//! Nights as their users meet them: real runs, real processes, a history on disk.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use unstuck_reports::history::read::Window;
use unstuck_reports::history::{Appender, Cell, FILE_NAME, History, Night, Origin, Part, Row};

/// Cases of seconds, which every seed passes.
const QUICK: &str = "
client: lightning@fixed
workload: {regions: 12, duration: 10s}
cases:
  - {name: a, faultType: failure, selector: tikv(0), warmUpTime: 1s, faultDuration: 1s}
  - {name: b, faultType: failure, selector: tikv(1), warmUpTime: 1s, faultDuration: 1s}
  - {name: c, faultType: failure, selector: tikv(2), warmUpTime: 1s, faultDuration: 2s}
  - {name: d, faultType: failure, selector: tikv(random), warmUpTime: 1s, faultDuration: 1s}
";

/// The same cases, whose client is to be done half a second after the first fault begins.
fn hopeless() -> String {
    QUICK.replace("faultDuration: 1s}", "faultDuration: 1s, expect: {within: 1500ms}}")
}

/// A folder of its own for one test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("unstuck-nightly-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
    fn file(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_unstuck"));
        command.args(args).current_dir(&self.0).stdout(Stdio::piped()).stderr(Stdio::piped());
        // of the CI server on which this test may run
        for name in
            ["GITHUB_RUN_ID", "CI_PIPELINE_ID", "BUILD_TAG", "GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT"]
        {
            command.env_remove(name);
        }
        command
    }
    fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let output = self.command(args).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }
    /// A night with two pinned seeds and one fresh one.
    fn night(&self, name: &str, more: &[&str]) -> (Option<i32>, String, String) {
        let args = [
            "nightly",
            "q.yaml",
            "--history",
            "h",
            "--night",
            name,
            "--pinned",
            "2",
            "--fresh",
            "1",
            "--quiet",
        ];
        self.run(&[&args[..], more].concat())
    }
    fn window(&self, history: &str) -> Window {
        History::open(&self.0.join(history).join(FILE_NAME)).unwrap().window(30, None).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _left_for_the_next_cleaning = fs::remove_dir_all(&self.0);
    }
}

fn names(window: &Window) -> BTreeSet<String> {
    window.cells.iter().map(|seen| seen.cell.name.clone()).collect()
}

fn until_said(child: &mut Child, text: &str) {
    let stderr = child.stderr.as_mut().unwrap();
    let (mut seen, mut byte) = (String::new(), [0]);
    while !seen.contains(text) {
        assert_eq!(stderr.read(&mut byte).unwrap(), 1, "it ended before `{text}`: {seen}");
        seen.push(char::from(byte[0]));
    }
}

#[test]
fn a_night_runs_all_cases_with_pinned_and_fresh_seeds_and_the_next_compares_exactly() {
    let folder = Folder::new("two");
    folder.file("q.yaml", QUICK);
    for (number, commit) in [("n1", "one"), ("n2", "two")] {
        let (code, out, err) = folder.night(number, &["--commit", commit]);
        assert_eq!(code, Some(0), "{out}{err}");
        assert!(out.starts_with(&format!("night {number}: nothing new\n")), "{out}");
        assert!(out.contains("12 runs of 4 cases: 12 passed, 0 failed, 0 unknown"), "{out}");
    }
    let window = folder.window("h");
    assert_eq!(names(&window), ["a", "b", "c", "d"].map(str::to_owned).into());
    assert_eq!(window.nights[1].night.commit.as_deref(), Some("two"));
    for seen in &window.cells {
        let [(_, one), (_, two)] = &seen.nights[..] else { panic!("{seen:?}") };
        let pinned = |rows: &[Row]| -> Vec<(u64, u64)> {
            let pinned = rows.iter().filter(|row| row.origin == Origin::Pinned);
            pinned.map(|row| (row.seed, row.virtual_ms)).collect()
        };
        assert_eq!(pinned(one), pinned(two));
        assert_eq!(pinned(one).iter().map(|(seed, _)| *seed).collect::<Vec<_>>(), [1, 2]);
        let fresh = |rows: &[Row]| rows.iter().find(|row| row.origin == Origin::Fresh).unwrap().seed;
        assert_ne!(fresh(one), fresh(two), "another night, other seeds");
    }
    // nothing is kept of what passed
    assert_eq!(fs::read_dir(folder.0.join("h/nights/n2/1-of-1")).unwrap().count(), 0);
}

#[test]
fn a_new_failure_is_told_with_its_seeds_its_page_and_the_last_good_commit_and_fixed_when_it_is() {
    let folder = Folder::new("fails");
    folder.file("q.yaml", QUICK);
    folder.night("n1", &["--commit", "good"]);
    folder.file("q.yaml", &hopeless());
    let (code, out, err) = folder.night(
        "n2",
        &[
            "--commit",
            "bad",
            "--html",
            "out/page.html",
            "--markdown",
            "out/page.md",
            "--json-out",
            "out/page.json",
        ],
    );
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(out.starts_with("night n2: 3 new failures\n"), "{out}");
    assert!(out.contains("3 of 3 runs failed; slow") && out.contains(" at good"), "{out}");
    assert_eq!(err.lines().filter(|line| line.starts_with("pinned: ")).count(), 3, "{err}");
    let report: Value = serde_json::from_slice(&fs::read(folder.0.join("out/page.json")).unwrap()).unwrap();
    let schema: Value = serde_json::from_str(include_str!("../../reports/schema/nightly.json")).unwrap();
    jsonschema::validator_for(&schema).unwrap().validate(&report).unwrap();
    let failure = &report["failures"][0];
    assert_eq!((&failure["standing"], &failure["lastGood"]["commit"]), (&"new".into(), &"good".into()));
    let page = folder.0.join("h").join(failure["page"].as_str().unwrap());
    assert!(fs::read_to_string(&page).unwrap().contains("<h1"), "{}", page.display());
    assert!(page.with_extension("jsonl").is_file());
    // links of both pages lead to what is there
    for place in ["out/page.html", "h/nights/n2/index.html"] {
        let html = fs::read_to_string(folder.0.join(place)).unwrap();
        let links: BTreeSet<&str> =
            html.split("href=\"").skip(1).map(|rest| &rest[..rest.find('"').unwrap()]).collect();
        let files = links.iter().map(|link| link.split('#').next().unwrap()).filter(|link| !link.is_empty());
        let files: BTreeSet<PathBuf> =
            files.map(|link| folder.0.join(place).parent().unwrap().join(link)).collect();
        assert!(files.len() > 3 && files.iter().all(|file| file.is_file()), "{place}: {files:?}");
    }
    assert!(
        fs::read_to_string(folder.0.join("out/page.md"))
            .unwrap()
            .starts_with("## Night `n2`: 3 new failures")
    );

    // the pinned seed runs again
    folder.file("q.yaml", QUICK);
    let (code, out, err) = folder.night("n3", &["--commit", "mended"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.starts_with("night n3: 3 fixed\n"), "{out}");
    assert!(out.contains("15 runs of 4 cases: 15 passed"), "{out}");
}

#[test]
fn parts_are_disjoint_and_come_together_into_one_night_however_often_they_are_merged() {
    let folder = Folder::new("parts");
    folder.file("q.yaml", QUICK);
    let mut of_parts = vec![];
    for part in ["1/3", "2/3", "3/3"] {
        let history = format!("m{}", &part[..1]);
        let args = [
            "nightly",
            ".",
            "--history",
            &history,
            "--night",
            "n1",
            "--pinned",
            "1",
            "--fresh",
            "1",
            "--quiet",
        ];
        let (code, out, err) = folder.run(&[&args[..], &["--partition", part]].concat());
        // a part may have no case at all, and that is no pass
        assert!(matches!(code, Some(0 | 2)), "{out}{err}");
        of_parts.push(names(&folder.window(&history)));
    }
    assert_eq!(of_parts.iter().map(BTreeSet::len).sum::<usize>(), 4, "{of_parts:?}");
    let (code, out, err) = folder.run(&["report", "m1", "m2"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("part 3 of 3 was not seen"), "{out}");
    let mut merged = vec![];
    for _ in 0..2 {
        let (code, out, err) = folder.run(&["report", "m1", "m2", "m3", "--into", "all"]);
        assert_eq!(code, Some(0), "{out}{err}");
        assert!(out.contains("8 runs of 4 cases: 8 passed") && !out.contains("note"), "{out}");
        merged.push(format!("{:?}", folder.window("all")));
    }
    assert_eq!(merged[0], merged[1]);
    assert!(folder.0.join("all/nights/n1/index.html").is_file());
    assert_eq!(names(&folder.window("all")).len(), 4);
}

#[test]
fn a_part_without_the_nights_name_is_an_error_that_says_so() {
    let folder = Folder::new("unnamed");
    folder.file("q.yaml", QUICK);
    let (code, _, err) = folder.run(&["nightly", "q.yaml", "--history", "h", "--partition", "1/2"]);
    assert_eq!(code, Some(4));
    assert!(err.starts_with("error: a part of a night needs `--night NAME`"), "{err}");
    let (code, _, err) = folder.run(&["nightly", "q.yaml", "--history", "h", "--partition", "3/2"]);
    assert_eq!(code, Some(4));
    assert!(err.contains("the first number is from 1 to the second"), "{err}");
}

#[test]
fn what_a_matrix_expects_is_what_must_come_out() {
    let folder = Folder::new("matrix");
    folder.file("q.yaml", &hopeless());
    let entry = |case: &str, outcome: &str| {
        format!(
            "  - {{file: q.yaml, case: {case}, clients: {{lightning@fixed: {{outcome: {outcome}, within: 1500ms}}}}}}\n"
        )
    };
    let matrix = |d: &str| {
        let entries = ["a", "b", "c"].map(|case| entry(case, "slow")).concat();
        format!("entries:\n{entries}{}", entry("d", d))
    };
    folder.file("matrix.yaml", &matrix("slow"));
    let (code, out, err) = folder.night("n1", &[]);
    assert_eq!(code, Some(0), "{out}{err}");
    folder.file("matrix.yaml", &matrix("completed"));
    let (code, out, err) = folder.night("n2", &[]);
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(out.contains("new failures (1)\n  d, lightning@fixed, sim\n"), "{out}");
}

#[test]
fn an_interrupted_night_reports_what_ran_and_calls_nothing_missing() {
    for signal in ["-INT", "-TERM"] {
        let folder = Folder::new(&format!("stop{signal}"));
        folder.file("q.yaml", QUICK);
        folder.night("n1", &[]);
        let args = ["nightly", "q.yaml", "--history", "h", "--night", "n2", "--fresh", "5000", "--jobs", "1"];
        let mut child = folder.command(&args).spawn().unwrap();
        until_said(&mut child, "[3/20040]");
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(130), "{out}");
        assert!(out.contains("it was interrupted") && !out.contains("missing ("), "{out}");
        let window = folder.window("h");
        assert!(window.nights[1].parts[0].interrupted);
        let rows = window.cells.iter().filter_map(|seen| seen.nights.iter().find(|(place, _)| *place == 1));
        assert!(rows.map(|(_, rows)| rows.len()).sum::<usize>() >= 2);
    }
}

#[test]
fn a_killed_night_keeps_what_had_ended_and_the_next_begins_where_it_can() {
    let folder = Folder::new("killed");
    folder.file("q.yaml", QUICK);
    let args = ["nightly", "q.yaml", "--history", "h", "--night", "n1", "--fresh", "5000", "--jobs", "1"];
    let mut child = folder.command(&args).spawn().unwrap();
    until_said(&mut child, "[5/20040]");
    child.kill().unwrap();
    child.wait().unwrap();
    let rows: usize = folder.window("h").cells.iter().map(|seen| seen.nights[0].1.len()).sum();
    assert!(rows >= 4, "{rows}");
    let (code, out, _) = folder.run(&["report", "h"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("it broke off, or still runs"), "{out}");
    let (code, out, err) = folder.night("n2", &[]);
    assert_eq!(code, Some(0), "{out}{err}");
}

#[test]
fn a_damaged_history_is_named_and_the_others_are_reported() {
    let folder = Folder::new("damaged");
    folder.file("q.yaml", QUICK);
    folder.night("n1", &[]);
    fs::create_dir_all(folder.0.join("bad")).unwrap();
    fs::write(folder.0.join("bad").join(FILE_NAME), "not a database, ".repeat(1000)).unwrap();
    // beside another history, in the same folder
    fs::copy(folder.0.join("bad").join(FILE_NAME), folder.0.join("h/machine-2.db")).unwrap();
    let (code, out, err) = folder.run(&["report", "h", "bad"]);
    assert_eq!(code, Some(4), "{out}{err}");
    assert!(out.starts_with("night n1: nothing new") && out.contains("12 runs of 4 cases"), "{out}");
    assert!(
        err.contains("error: `bad/history.db` is damaged")
            && err.contains("error: `h/machine-2.db` is damaged"),
        "{err}"
    );
    let (code, _, err) = folder.night("n2", &["--history", "bad"]);
    assert_eq!(code, Some(4), "{err}");
    let (code, _, err) = folder.run(&["report", "nowhere"]);
    assert_eq!(code, Some(4));
    assert!(err.contains("`nowhere`"), "{err}");
    let (code, _, err) = folder.run(&["report", "h", "--night", "n7"]);
    assert_eq!(code, Some(4));
    assert!(err.contains("has no night `n7`; the last one is `n1`"), "{err}");
}

/// A history of somebody else whose nights are called like paths: nothing is written or removed outside of its folder.
#[test]
fn a_night_that_is_called_like_a_path_is_reported_and_leads_nowhere() {
    let folder = Folder::new("path");
    folder.file("q.yaml", QUICK);
    fs::create_dir_all(folder.0.join("precious/things")).unwrap();
    let history = || History::create(&folder.0.join("h")).unwrap();
    for number in 0..100 {
        let night = Night {
            name: format!("../../precious{}", "/".repeat(number)),
            started_ms: number as u64,
            commit: None,
            version: "0.1.0".into(),
            seed: 1,
        };
        let part = Part {
            part: 1,
            parts: 1,
            machine: String::new(),
            started_ms: 0,
            ended_ms: None,
            interrupted: false,
            planned: 1,
        };
        let mut appender = Appender::begin(history(), &night, &part).unwrap();
        let cell = Cell {
            file: "q.yaml".into(),
            name: "a".into(),
            variant: String::new(),
            client: "br".into(),
            world: "sim".into(),
        };
        appender.append(&cell, &Row::broken(1, "no", 1, Origin::Pinned)).unwrap();
        appender.end(1, false).unwrap();
    }
    let (code, out, err) = folder.run(&["report", "h", "--html", "page.html"]);
    assert_eq!(code, Some(4), "{out}{err}");
    assert!(!fs::read_to_string(folder.0.join("page.html")).unwrap().contains("href=\"../"), "{out}");
    // the next night forgets the oldest of them
    let (code, _, err) = folder.night("n1", &[]);
    assert_eq!(code, Some(0), "{err}");
    let left: Vec<_> =
        fs::read_dir(folder.0.join("precious")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["things"]);
}

#[test]
fn a_case_of_nobody_is_told_with_what_a_night_can_do_about_it() {
    let folder = Folder::new("nobody");
    folder.file("q.yaml", "cases: [{name: c, faultType: failure, selector: tikv(0), faultDuration: 1s}]");
    let (code, _, err) = folder.night("n1", &[]);
    assert_eq!(code, Some(3), "{err}");
    assert!(err.contains("case `c` does not say which client") && err.contains("write `client:`"), "{err}");
    assert!(!err.contains("--client"), "there is no such flag: {err}");
}

#[test]
fn a_report_of_nothing_says_so_once() {
    let folder = Folder::new("nothing");
    let (code, out, err) = folder.run(&["report", "nowhere"]);
    assert_eq!((code, out.as_str()), (Some(4), ""));
    assert!(err.starts_with("error: `nowhere`: ") && err.lines().count() == 1, "{err}");
}

#[test]
fn wrong_scenarios_are_told_and_no_night_is_begun() {
    let folder = Folder::new("wrong");
    folder.file("q.yaml", &QUICK.replace("tikv(0)", "tikv(all of them)"));
    let (code, _, err) = folder.night("n1", &[]);
    assert_eq!(code, Some(3), "{err}");
    assert!(err.contains("q.yaml:5"), "{err}");
    assert!(folder.window("h").nights.is_empty());
}

#[test]
fn compare_tells_what_differs_between_two_runs_of_a_case() {
    let folder = Folder::new("compare");
    folder.file("q.yaml", QUICK);
    for case in ["a", "a", "c"] {
        folder.run(&["run", "q.yaml", "--case", case]);
    }
    let (code, out, _) = folder.run(&["compare", "results/run-0001", "results/run-0002"]);
    assert_eq!(
        (code, out.as_str()),
        (Some(0), "1 the same, 0 different, 0 only in results/run-0001, 0 only in results/run-0002\n")
    );
    let (code, out, _) = folder.run(&["compare", "results/run-0001", "results/run-0003", "--json"]);
    assert_eq!(code, Some(1));
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["different"][0]["differs"][0]["what"], "case");
    let (code, _, err) = folder.run(&["compare", "results", "q.yaml"]);
    assert_eq!(code, Some(3));
    assert!(err.starts_with("error: q.yaml: line 1 is not a record's header"), "{err}");
}

/// Every `--flag` of a command in a workflow is one that the command has.
#[test]
fn the_workflows_of_the_docs_are_yaml_and_their_commands_have_the_flags_they_use() {
    let folder = Folder::new("workflows");
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/ci");
    let mut commands = 0;
    for name in ["tests.yml", "nightly.yml"] {
        let text = fs::read_to_string(docs.join(name)).unwrap();
        let workflow: Value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(workflow["on"].is_object() && workflow["permissions"].is_object(), "{name}");
        let jobs = workflow["jobs"].as_object().unwrap();
        for (job, steps) in jobs.iter().map(|(name, job)| (name, job["steps"].as_array().unwrap())) {
            let needs = &workflow["jobs"][job]["needs"];
            let needs = needs.as_array().cloned().unwrap_or_else(|| vec![needs.clone()]);
            assert!(needs.iter().filter_map(Value::as_str).all(|needed| jobs.contains_key(needed)), "{job}");
            for step in steps {
                assert!(step["uses"].is_string() != step["run"].is_string(), "{name}, {job}: {step}");
                for line in step["run"].as_str().unwrap_or_default().replace("\\\n", " ").lines() {
                    commands += usize::from(check_flags(&folder, line));
                }
            }
        }
    }
    assert_eq!(commands, 3);
}

/// Whether the line calls `unstuck` with a subcommand; if so, its flags are looked for in the help.
fn check_flags(folder: &Folder, line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let called = |pair: &[&str]| pair[0].ends_with("unstuck") || pair[0] == "--";
    let Some(place) = words
        .windows(2)
        .position(|pair| called(pair) && ["run", "nightly", "report", "compare"].contains(&pair[1]))
    else {
        return false;
    };
    let (_, help, _) = folder.run(&[words[place + 1], "--help"]);
    for flag in words[place + 2..].iter().filter(|word| word.starts_with("--")) {
        assert!(
            help.contains(&format!("{flag} ")) || help.contains(&format!("{flag}\n")),
            "{flag} of `{line}`: {help}"
        );
    }
    true
}
