//! Two generations of the Go client: the last release, and one of two years later.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use libtest_mimic::Trial;

use crate::cluster::Cluster;
use crate::{script, trial};

/// What it does, and with which cluster.
const RUNS: [(&str, &[&str]); 6] = [
    ("raw", &["--mode", "raw-ttl", "--split-keys", "f,t"]),
    ("raw-moves", &["--split-keys", "f,t"]),
    ("txn", &["--mode", "txn", "--split-keys", "e,t"]),
    ("txn-moves", &["--mode", "txn", "--split-keys", "f,t"]),
    ("txn-dead", &["--mode", "txn", "--split-keys", "f,t"]),
    ("v2", &["--mode", "v2"]),
];

/// Two minutes: `.ci/nightly` asks for it.
const LONG: (&str, &[&str]) = ("long", &["--mode", "txn", "--split-keys", "f,t"]);

/// A version of the client: a file of modules, a build tag.
#[derive(Clone, Copy)]
struct Version {
    name: &'static str,
    args: &'static [&'static str],
    /// Where its programs are, built once.
    built: &'static OnceLock<PathBuf>,
}

static OLDER: OnceLock<PathBuf> = OnceLock::new();
static NEWER: OnceLock<PathBuf> = OnceLock::new();
const VERSIONS: [Version; 2] = [
    Version { name: "go-2.0.7", args: &["-modfile=go.mod"], built: &OLDER },
    Version { name: "go-2025-10", args: &["-modfile=newer.mod", "-tags=newer"], built: &NEWER },
];

impl Version {
    /// `go`, which must not touch the network: `.ci/clients` has brought the modules.
    fn go(&self, what: &str) -> Command {
        let mut go = Command::new("go");
        go.arg(what).args(self.args).env("GOPROXY", "off").env("GOFLAGS", "-mod=readonly");
        go.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go"));
        go
    }

    fn missing(&self) -> Option<&'static str> {
        let mut modules = self.go("list");
        modules.args(["-deps", "./..."]).stdout(Stdio::null()).stderr(Stdio::null());
        match modules.status() {
            Err(_) => Some("no Go"),
            Ok(status) if !status.success() => Some("no Go modules"),
            Ok(_) => None,
        }
    }

    /// The programs' folder.
    fn built(&self) -> &Path {
        self.built.get_or_init(|| {
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(self.name);
            std::fs::create_dir_all(&folder).unwrap();
            let built = self.go("build").arg("-o").arg(&folder).arg("./...").output().unwrap();
            assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
            folder
        })
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    let long = std::env::var_os("FAKE_TIKV_LONG").map(|_| LONG);
    let mut trials = Vec::new();
    for version in VERSIONS {
        let missing = version.missing();
        let name = version.name;
        for (run, args) in RUNS.into_iter().chain(long) {
            trials.push(trial(format!("{name}/{run}"), missing, move || {
                let cluster = Cluster::start(&format!("{name}-{run}"), args);
                let mut call = Command::new(version.built().join("client"));
                call.arg(run).arg(cluster.ready.trim_end());
                script::run(call, &cluster);
            }));
        }
        trials.push(trial(format!("{name}/hello"), missing, move || {
            let cluster = Cluster::start(&format!("{name}-hello"), &[]);
            let ready: serde_json::Value = serde_json::from_str(&cluster.ready).unwrap();
            let mut call = Command::new(version.built().join("hello"));
            call.arg(ready["pd"][0].as_str().unwrap());
            let printed = script::run(call, &cluster);
            // this client logs beside it
            assert!(printed.contains("hello world\n"), "{printed}");
        }));
    }
    trials
}
