//! A case with a program of ours as the client: written as a scenario, run, and looked at.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use unstuck::run::cases::{Choice, setup};
use unstuck::run::{Status, WorldKind, run_case};
use unstuck::scenario::load;
use unstuck_record::{Event, Finding, FindingKind, Outcome, Run, Verdict};

use super::client::NAME;

/// A folder of its own for one test, gone with it.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("unstuck-programs-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
    /// A scenario in it: this client, with these further lines, and one case.
    pub(super) fn scenario(&self, name: &str, args: &str, lines: &str, case: &str) -> PathBuf {
        let program = std::env::current_exe().unwrap();
        let lines: Vec<String> = lines.lines().map(|line| format!("  {}\n", line.trim())).collect();
        let lines = lines.concat();
        let text = format!(
            "client:\n  name: {name}\n  command: '{}'\n  args: {args}\n  env: {{{NAME}: {name}}}\n  timers: {{longest: \
             100ms, backoffCap: 100ms}}\n{lines}cases:\n  - {{name: a, {case}}}\n",
            program.display()
        );
        let path = self.0.join("program.yaml");
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _left_for_the_next_cleaning = fs::remove_dir_all(&self.0);
    }
}

/// What came out of a case.
pub(super) struct Ran {
    pub(super) run: Run,
    pub(super) output: String,
    _folder: Folder,
}

/// A partition of all links, long enough to meet a program that a busy machine starts late.
pub(super) const PARTITION: &str =
    "faultType: network_partition, selector: client_to_all, warmUpTime: 300ms, faultDuration: 1500ms";
/// No program of these tests lives to see the fault.
pub(super) const LATER: &str = "faultType: network_partition, selector: client_to_all, warmUpTime: 1h, faultDuration: 1s, expect: {within: 60s}";

pub(super) fn run(name: &str, args: &str, lines: &str, case: &str) -> Ran {
    let folder = Folder::new();
    let path = folder.scenario(name, args, lines, case);
    let ran = run_file(folder, &path);
    ran.nothing_is_left();
    ran
}

/// Runs the first case of a scenario.
pub(super) fn run_text(text: &str) -> Ran {
    let folder = Folder::new();
    let path = folder.0.join("program.yaml");
    fs::write(&path, text).unwrap();
    run_file(folder, &path)
}

fn run_file(folder: Folder, path: &Path) -> Ran {
    let file = load(path).unwrap_or_else(|problems| panic!("{problems}"));
    let choice = Choice { world: WorldKind::Tcp, ..Choice::default() };
    let ready = setup(&file, &file.cases[0], file.client.as_ref().unwrap(), &choice).unwrap();
    let record = folder.0.join("case.jsonl");
    let run = run_case(&ready, Some(&record), &Arc::new(Status::default())).unwrap();
    let judgement = run.judgement.as_ref().unwrap();
    println!("{}: {:?}: {}", run.header.client, judgement.outcome, judgement.reason);
    let on_disk = Run::parse_bytes(&fs::read(&record).unwrap()).unwrap();
    let told = |run: &Run| (run.events.clone(), run.dumps.clone(), run.judgement.clone());
    assert!(on_disk.end.is_some() && told(&on_disk) == told(&run), "the record on disk is complete");
    let output = fs::read_to_string(folder.0.join("case.output.txt")).unwrap_or_default();
    Ran { run, output, _folder: folder }
}

impl Ran {
    pub(super) fn outcome(&self) -> (Outcome, Verdict) {
        let judgement = self.run.judgement.as_ref().unwrap();
        (judgement.outcome, judgement.verdict)
    }
    pub(super) fn reason(&self) -> &str {
        &self.run.judgement.as_ref().unwrap().reason
    }
    pub(super) fn finding(&self, kind: FindingKind) -> &Finding {
        let findings = &self.run.judgement.as_ref().unwrap().findings;
        findings.iter().find(|finding| finding.kind == kind).unwrap_or_else(|| panic!("{findings:?}"))
    }
    pub(super) fn stopped(&self) -> Option<&str> {
        self.run.events.iter().find_map(|event| match &event.what {
            Event::ClientStopped { how } => Some(how.as_str()),
            _ => None,
        })
    }
    /// The program's group has no member alive, nor has anybody its output open for what it started elsewhere.
    fn nothing_is_left(&self) {
        let pids = pids_in(&self.output);
        assert!(!pids.is_empty(), "no process id in {:.200}", self.output);
        for pid in pids {
            assert_eq!(alive_in_group(pid), Vec::<i32>::new(), "left of the group {pid}");
        }
    }
}

/// The process ids that clients of ours print first.
pub(super) fn pids_in(output: &str) -> Vec<i32> {
    let said = output.split("pid ").skip(1);
    said.map(|rest| rest.split_whitespace().next().unwrap().parse().unwrap()).collect()
}

/// The members of a process group that are not dead.
pub(super) fn alive_in_group(group: i32) -> Vec<i32> {
    processes(|_, of| of == group)
}

/// The processes alive of which this holds, by id and group.
pub(super) fn processes(which: impl Fn(i32, i32) -> bool) -> Vec<i32> {
    // POSIX's own view of processes, whatever the platform
    let listed = std::process::Command::new("ps").args(["-A", "-o", "pid=,pgid=,stat="]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let alive = listed.lines().filter_map(|line| {
        let mut fields = line.split_whitespace();
        let (pid, group, state) =
            (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?, fields.next()?);
        (!state.starts_with('Z') && which(pid, group)).then_some(pid)
    });
    alive.collect()
}

/// Whether the file holds this text by now.
pub(super) fn holds(path: &Path, text: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|found| found.contains(text))
}
