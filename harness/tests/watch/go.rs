//! A Go program with pprof, cut off from its peer while Chaos Mesh says so. Where Go is not installed these tests are named
//! and did not run.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use libtest_mimic::Trial;
use unstuck_record::{FindingKind, Outcome, Verdict};

use super::chaos_mesh::{nothing_yet, now_ms, rfc3339, status};
use super::world::{Folder, Watched, begin};

const TESTS: [(&str, fn()); 3] = [
    ("a_go_client_that_hangs_elsewhere_is_named_by_its_goroutine", hangs),
    ("a_go_client_that_redials_passes_on_chaos_mesh_s_word_and_the_verdict_says_so", redials),
    ("a_go_client_s_own_errors_prove_the_fault", its_errors_tell),
];

pub(super) fn trials() -> Vec<Trial> {
    let there = Command::new("go").arg("version").stdout(Stdio::null()).status().is_ok_and(|s| s.success());
    let trial = |(name, test): (&str, fn())| {
        let name = if there { name.to_owned() } else { format!("{name} (did not run: there is no `go`)") };
        let run = move || {
            test();
            Ok(())
        };
        Trial::test(name, run).with_ignored_flag(!there)
    };
    TESTS.into_iter().map(trial).collect()
}

fn loader() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let binary = Path::new(env!("CARGO_TARGET_TMPDIR")).join("loader");
        let mut build = Command::new("go");
        build.args(["build", "-o"]).arg(&binary).arg(".");
        build.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/watch/go"));
        assert!(build.status().unwrap().success());
        binary
    })
}

/// Whom the program works with: it answers each byte with one, until it is told to hang up.
struct Peer(TcpListener);

impl Peer {
    fn at(addr: &str) -> Self {
        Self(TcpListener::bind(addr).unwrap())
    }
    /// Answers on one connection for so long, then hangs up and listens no more.
    fn answer_for(self, time: Duration) {
        let (mut socket, _) = self.0.accept().unwrap();
        let until = std::time::Instant::now() + time;
        let mut byte = [0];
        while std::time::Instant::now() < until && socket.read_exact(&mut byte).is_ok() {
            let _gone = socket.write_all(&byte);
        }
    }
    /// Answers on one connection as long as it lasts.
    fn answer(self) {
        let answer = |mut socket: TcpStream| {
            let mut byte = [0];
            while socket.read_exact(&mut byte).is_ok() && socket.write_all(&byte).is_ok() {}
        };
        thread::spawn(move || self.0.accept().map(|(socket, _)| answer(socket)));
    }
    fn addr(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }
}

/// The program, which ends when its standard input does.
struct Loader(Child);

impl Drop for Loader {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ended = self.0.wait();
    }
}

/// Cuts the program off for two seconds, and says so as Chaos Mesh does.
fn cut_off(program_args: &[&str], watch_args: impl Fn(&str) -> Vec<String>) -> Watched {
    let folder = Folder::new();
    let peer = Peer::at("127.0.0.1:0");
    let addr = peer.addr().to_string();
    let mut command = Command::new(loader());
    command.args(["-peer", &addr, "-rows", "150"]).args(program_args);
    let mut program = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut serves = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut serves).unwrap();
    let _program = Loader(program);
    let base = format!("http://{}", serves.trim());

    let schedule = folder.write("chaos.json", &nothing_yet());
    let (metrics, started) = (format!("{base}/metrics"), rfc3339(now_ms()));
    let mut args: Vec<String> =
        ["--progress", &metrics, "--metric", "rows_total", "--total", "150", "--dump", &base]
            .map(Into::into)
            .into();
    args.extend(["--schedule", &schedule, "--started", &started, "--unit", "rows"].map(Into::into));
    args.extend(watch_args(&metrics));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let case = "warmUpTime: 1s, faultDuration: 2s, expect: {within: 10s}";
    let mut watching = begin(folder, case, &args);

    peer.answer_for(Duration::from_secs(1));
    let begins_ms = now_ms();
    watching.folder.write("chaos.json", &status(begins_ms, None));
    watching.until_said("network_partition begins");
    thread::sleep(Duration::from_secs(2));
    let again = Peer::at(&addr);
    again.answer();
    watching.folder.write("chaos.json", &status(begins_ms, Some(now_ms())));
    let ran = watching.end();
    let (begun, healed) = ran.fault();
    assert!(
        (1_000..=2_000).contains(&(healed.unwrap() - begun.unwrap())),
        "whole seconds: {begun:?} {healed:?}"
    );
    assert!(
        ran.remarks().contains("NetworkChaos tidb-cluster/partition is in force on loader-0, basic-tikv-0")
    );
    assert!(
        ran.remarks()
            .contains("Apply of NetworkChaos tidb-cluster/partition failed on tidb-cluster/basic-tikv-0")
    );
    ran
}

fn hangs() {
    let ran = cut_off(&[], |_| vec!["--html".into(), "page.html".into()]);
    assert_eq!(ran.came_to(), (1, Outcome::Stuck, Verdict::Fail), "{}", ran.reason());
    let hang = ran.finding(FindingKind::Hang);
    assert_eq!(hang.wait_site.as_deref(), Some("main.(*loader).waitForAnswer"));
    assert_eq!((hang.tasks, hang.fault), (1, Some(0)));
    assert!(
        !hang.evidence.iter().any(|line| line.contains("connection")),
        "no link was seen: {:?}",
        hang.evidence
    );
    assert!(ran.told().contains("in force on 2 targets, what it touched nobody saw"), "{}", ran.stdout);
    let page = std::fs::read_to_string(ran.folder.0.join("page.html")).unwrap();
    assert!(page.contains("waitForAnswer"));
}

fn redials() {
    let ran = cut_off(&["-redial"], |_| vec![]);
    assert_eq!(ran.came_to(), (0, Outcome::Completed, Verdict::Pass), "{}", ran.reason());
    assert!(ran.reason().ends_with("nothing tells what they touched"), "{}", ran.reason());
}

fn its_errors_tell() {
    let evidence =
        |metrics: &str| ["--evidence", metrics, "--evidence-metric", "errors_total"].map(Into::into).into();
    let ran = cut_off(&["-redial"], evidence);
    assert_eq!(ran.came_to(), (0, Outcome::Completed, Verdict::Pass), "{}", ran.reason());
    assert!(ran.run.end.as_ref().unwrap().evidence[0].counted > 0);
    assert!(ran.reason().starts_with("completed at"), "{}", ran.reason());
    assert!(!ran.reason().contains("nothing tells"), "{}", ran.reason());
}
