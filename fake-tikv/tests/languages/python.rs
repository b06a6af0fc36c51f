//! The Python clients of the package index.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::Trial;

use crate::cluster::Cluster;
use crate::{script, trial};

/// The script, the package it needs, the cluster.
const SCRIPTS: [(&str, &str, &[&str]); 3] = [
    ("pure", "tikv", &["--mode", "raw-ttl", "--split-keys", "f,t"]),
    ("bindings", "tikv_client", &["--split-keys", "f,t"]),
    ("bindings_txn", "tikv_client", &["--mode", "txn", "--split-keys", "f,t"]),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python")
}

/// The interpreter of the environment that `.ci/clients` makes.
fn python() -> Command {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    Command::new(target.join("python/bin/python3"))
}

fn missing(package: &str) -> Option<String> {
    let mut import = python();
    import.args(["-c", &format!("import {package}")]).stdout(Stdio::null()).stderr(Stdio::null());
    let there = import.status().is_ok_and(|status| status.success());
    (!there).then(|| format!("no Python package `{package}`"))
}

pub(crate) fn trials() -> Vec<Trial> {
    let (pure, bindings) = (missing("tikv"), missing("tikv_client"));
    let scripts = SCRIPTS.into_iter().map(|(name, package, args)| {
        let missing = if package == "tikv" { &pure } else { &bindings };
        trial(format!("python/{name}"), missing.as_deref(), move || {
            let cluster = Cluster::start(&format!("python-{name}"), args);
            let mut call = python();
            call.arg("-B").arg(folder().join(format!("{name}.py"))).arg(&cluster.ready);
            script::run(call, &cluster);
        })
    });
    let hello = trial("python/hello".into(), pure.as_deref(), || {
        let cluster = Cluster::start("python-hello", &[]);
        let ready: serde_json::Value = serde_json::from_str(&cluster.ready).unwrap();
        let mut call = python();
        call.arg("-B").arg(folder().join("hello.py")).arg(ready["pd"][0].as_str().unwrap());
        assert_eq!(script::run(call, &cluster), "hello world\n");
    });
    scripts.chain([hello]).collect()
}
