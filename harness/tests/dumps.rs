//! `unstuck dump` as its users meet it.

#![allow(
    clippy::unwrap_used,
    clippy::format_collect,
    reason = "a failed step is a failed test, and texts are short"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use unstuck_dump::read;
use unstuck_record::TaskDump;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/dump/testdata/go1.26/");

/// Exit code, stdout and stderr of `unstuck dump ARGS`, given this on stdin.
fn dump(args: &[&str], stdin: &[u8]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unstuck"));
    command.arg("dump").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // a command that does not read it closes it
    let _unread = child.stdin.take().unwrap().write_all(stdin);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn golden(name: &str) -> String {
    format!("{GOLDEN}{name}")
}

fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("unstuck-dumps-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    folder
}

fn one(minutes: u64, extra: &str) -> String {
    format!("goroutine 7 [select, {minutes} minutes]:\nmain.stuck()\n\t/src/main.go:7 +0x1\n\n{extra}")
}

#[test]
fn stdin_is_read_and_begins_with_the_numbers() {
    let (code, out, err) = dump(&["-"], one(421, "").as_bytes());
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.starts_with("stdin: 1 goroutine, 1 distinct stack, 0 idle (Go debug=2)\n"), "{out}");
    assert!(out.contains("1 goroutine waits at select in main.stuck, for 7h1m"), "{out}");
}

#[test]
fn an_address_is_fetched() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/debug/pprof/goroutine?debug=2", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut conn, _) = listener.accept().unwrap();
        let (mut asked, mut byte) = (vec![], [0]);
        while !asked.ends_with(b"\r\n\r\n") && conn.read(&mut byte).unwrap() == 1 {
            asked.push(byte[0]);
        }
        let body = one(3, "");
        write!(conn, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
            .unwrap();
        String::from_utf8(asked).unwrap()
    });
    let (code, out, err) = dump(&[&url], b"");
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.contains("main.stuck"), "{out}");
    assert!(server.join().unwrap().starts_with("GET /debug/pprof/goroutine?debug=2 HTTP/1.1\r\n"));
    let (code, _, err) = dump(&["https://127.0.0.1:1/x"], b"");
    assert!(code == Some(3) && err.contains("curl 'https://127.0.0.1:1/x' | unstuck dump -"), "{err}");
}

#[test]
fn a_folder_of_nightly_dumps_is_a_series_in_the_order_of_its_numbers() {
    let new = "goroutine 8 [select]:\nmain.new()\n\t/src/main.go:9\n\n";
    let files = [("night-10.txt", &*one(125, new)), ("night-9.txt", &*one(65, "")), (".hidden", "nothing")];
    let folder = folder("night", &files);
    let (code, out, err) = dump(&[&folder.to_string_lossy()], b"");
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.contains("2 dumps: night-9.txt (1), night-10.txt (2)"), "{out}");
    assert!(out.contains("1 goroutine not moved since night-9.txt, at select"), "{out}");
    assert!(out.contains("last   night-10.txt: task 7 [select, 125 minutes]"), "{out}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_is_no_dump_is_an_error_and_the_others_are_still_told() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let (code, out, err) = dump(&[manifest, &golden("waits.debug2.txt"), "missing.txt"], b"");
    assert_eq!(code, Some(3));
    assert!(
        out.contains("21 goroutines") && err.contains("Cargo.toml: no task dump was found"),
        "{out}{err}"
    );
    assert!(err.contains("missing.txt: "), "{err}");
    let (code, out, err) = dump(&["-"], b"\x1f\x8b\x08\x00");
    assert!(code == Some(3) && out.is_empty() && err.contains("debug=2"), "{err}");
}

/// `TiPocket`'s check: what is not in the allow file and has waited 20 minutes is a leak.
#[test]
fn a_leak_is_an_exit_code_and_an_allow_file_may_be_rules_or_a_good_dump() {
    let folder = folder(
        "leak",
        &[
            ("now.txt", &one(25, "")),
            ("good.txt", &one(1, "")),
            ("rules.yaml", "go:\n  - stack: [main.stuck]\n    why: ours\n"),
            ("wrong.yaml", "go:\n  - stak: [main.stuck]\n    why: ours\n"),
        ],
    );
    let path = |name: &str| folder.join(name).display().to_string();
    let now = path("now.txt");
    let code = |args: &[&str]| dump(&[&[now.as_str()], args].concat(), b"").0;
    assert_eq!(code(&[]), Some(0));
    assert_eq!(code(&["--leak"]), Some(1));
    assert_eq!(code(&["--leak=26"]), Some(0));
    assert_eq!(code(&["--leak", "--idle", &path("good.txt")]), Some(0));
    assert_eq!(code(&["--leak", "--idle", &path("rules.yaml")]), Some(0));
    let (code, _, err) = dump(&[&now, "--idle", &path("wrong.yaml")], b"");
    assert!(code == Some(3) && err.contains("stak"), "{err}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn json_follows_the_schema() {
    let (code, out, err) = dump(&["--json", &golden("waits.labels.txt"), &golden("waits.minutes.txt")], b"");
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let schema = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../reports/schema/dump.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_slice(&schema).unwrap()).unwrap();
    let lines: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    for line in &lines {
        schema.validate(line).unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!(lines[0]["tasks"].as_array().unwrap().len(), 21);
}

#[test]
fn the_page_is_written_beside_the_report() {
    let folder = folder("page", &[]);
    let page = folder.join("dump.html").display().to_string();
    let (code, out, _) = dump(&[&golden("waits.minutes.txt"), "--html", &page], b"");
    assert!(code == Some(0) && out.contains("20 goroutines"), "{out}");
    assert!(std::fs::read_to_string(&page).unwrap().contains("3 goroutines wait at Mutex"));
    std::fs::remove_dir_all(folder).unwrap();
}

/// What a dump says of each task, apart from the arguments and offsets that are not kept.
fn told(dumps: &[TaskDump]) -> Vec<String> {
    let tasks = dumps.iter().flat_map(|dump| &dump.tasks);
    tasks.map(|task| format!("{} {} {:?} {:?}", task.id, task.parent, task.frames, task.foreign)).collect()
}

#[test]
fn what_is_written_in_gos_forms_is_read_back_the_same() {
    for name in ["waits.debug2.txt", "waits.minutes.txt", "waits.labels.txt", "waits.sigquit.txt"] {
        let (code, out, _) = dump(&["--go", "debug2", &golden(name)], b"");
        assert_eq!(code, Some(0));
        let before = read(&std::fs::read(golden(name)).unwrap());
        assert_eq!(told(&read(out.as_bytes())), told(&before), "{name}");
    }
    let (_, out, _) = dump(&["--go", "debug1", &golden("waits.debug1.txt")], b"");
    let count = |dumps: &[TaskDump]| -> Vec<u64> {
        let mut counts: Vec<u64> =
            dumps[0].tasks.iter().map(|task| task.foreign.as_ref().unwrap().count).collect();
        counts.sort_unstable();
        counts
    };
    assert_eq!(
        count(&read(out.as_bytes())),
        count(&read(&std::fs::read(golden("waits.debug1.txt")).unwrap()))
    );
    // other runtimes' dumps in Go's form are Go's to whoever reads them
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/dump/testdata/python/threads.txt");
    let (_, out, _) = dump(&["--go", "debug2", python], b"");
    assert_eq!(read(out.as_bytes())[0].tasks.len(), 7);
}
