//! One watch: a scenario, the command, and what it leaves behind.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use unstuck_record::{Event, Finding, FindingKind, Outcome, Run, Verdict};

/// A folder of its own for one test, gone with it.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("unstuck-watch-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
    pub(super) fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        // whoever reads finds the old one or the new one
        fs::write(path.with_extension("new"), text).unwrap();
        fs::rename(path.with_extension("new"), &path).unwrap();
        path.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _left_for_the_next_cleaning = fs::remove_dir_all(&self.0);
    }
}

/// A fault of a moment, soon, and time enough after it.
pub(super) const SOON: &str = "warmUpTime: 100ms, faultDuration: 200ms, expect: {within: 60s}";
/// As soon, for a client that is not done: it is watched for six seconds.
pub(super) const SHORT: &str = "warmUpTime: 100ms, faultDuration: 200ms, expect: {within: 3s}";

/// A watch that goes on.
pub(super) struct Watching {
    pub(super) folder: Folder,
    pub(super) child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
}

/// What came out of a watch.
pub(super) struct Watched {
    pub(super) folder: Folder,
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) run: Run,
}

/// Begins to watch the one case of a scenario, and waits until it has begun.
pub(super) fn begin(folder: Folder, case: &str, args: &[&str]) -> Watching {
    let text = format!(
        "cases:\n  - {{name: partition, faultType: network_partition, selector: client_to_all, {case}}}\n"
    );
    let file = folder.write("case.yaml", &text);
    let mut child = Command::new(env!("CARGO_BIN_EXE_unstuck"))
        .args(["watch", &file, "--results", "results", "--every", "50ms", "--dump-every", "200ms"])
        .args(["--longest-timer", "100ms", "--backoff-cap", "100ms"])
        .args(args)
        .current_dir(&folder.0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let mut watching = Watching { folder, child, stderr, said: String::new() };
    watching.until_said("watched until");
    watching
}

pub(super) fn watch(case: &str, args: &[&str]) -> Watched {
    begin(Folder::new(), case, args).end()
}

impl Watching {
    /// Waits for the first line on stderr that holds `text`.
    pub(super) fn until_said(&mut self, text: &str) {
        loop {
            let from = self.said.len();
            assert!(self.stderr.read_line(&mut self.said).unwrap() > 0, "never `{text}`: {}", self.said);
            if self.said[from..].contains(text) {
                return;
            }
        }
    }

    pub(super) fn interrupt(&self) {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    pub(super) fn end(mut self) -> Watched {
        self.stderr.read_to_string(&mut self.said).unwrap();
        let output = self.child.wait_with_output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        println!("{stdout}{}", self.said);
        let run = Run::parse_bytes(&fs::read(record(&self.folder.0)).unwrap()).unwrap();
        assert_eq!(run.header.world, "elsewhere");
        Watched { folder: self.folder, code: output.status.code(), stdout, stderr: self.said, run }
    }
}

fn record(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder.join("results/run-0001")).unwrap().map(|entry| entry.unwrap().path());
    let mut records: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|ending| ending == "jsonl")).collect();
    assert_eq!(records.len(), 1, "{records:?}");
    records.remove(0)
}

impl Watched {
    /// Exit code, outcome, verdict.
    pub(super) fn came_to(&self) -> (i32, Outcome, Verdict) {
        let judgement = self.run.judgement.as_ref().unwrap();
        (self.code.unwrap(), judgement.outcome, judgement.verdict)
    }
    /// The report, as one line.
    pub(super) fn told(&self) -> String {
        self.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    }
    pub(super) fn reason(&self) -> &str {
        &self.run.judgement.as_ref().unwrap().reason
    }
    pub(super) fn finding(&self, kind: FindingKind) -> &Finding {
        let findings = &self.run.judgement.as_ref().unwrap().findings;
        findings.iter().find(|finding| finding.kind == kind).unwrap_or_else(|| panic!("{findings:?}"))
    }
    /// What is remarked among what the client says, and of the cluster.
    pub(super) fn remarks(&self) -> String {
        let said = self.run.events.iter().filter_map(|event| match &event.what {
            Event::ClientLogged { text } | Event::ClusterChanged { what: text } => Some(text.as_str()),
            _ => None,
        });
        said.collect::<Vec<_>>().join("\n")
    }
    /// When the first fault began and healed, as recorded.
    pub(super) fn fault(&self) -> (Option<u64>, Option<u64>) {
        let at = |which: fn(&Event) -> bool| {
            self.run.events.iter().find(|event| which(&event.what)).map(|event| event.at_ms)
        };
        (
            at(|event| matches!(event, Event::FaultInjected { fault: 0 })),
            at(|event| matches!(event, Event::FaultHealed { fault: 0, .. })),
        )
    }
}
