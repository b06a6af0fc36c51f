//! The program, as a user starts it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running program, which ends with the test.
pub(crate) struct Cluster {
    child: Child,
    /// Its one line of JSON.
    pub(crate) ready: String,
    /// What it logs.
    pub(crate) log: PathBuf,
}

impl Cluster {
    pub(crate) fn start(name: &str, args: &[&str]) -> Self {
        let log =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.log", name.replace(['/', ' '], "-")));
        let mut child = Command::new(env!("CARGO_BIN_EXE_fake-tikv"))
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut ready).unwrap();
        assert!(!ready.is_empty(), "`fake-tikv {}` did not start: see {}", args.join(" "), log.display());
        Self { child, ready, log }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
