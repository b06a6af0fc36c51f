//! Answers that mean harm, or are none.

use std::io::Write as _;
use std::net::TcpStream;

use unstuck_record::{Outcome, Verdict};

use super::serve::Server;
use super::world::{SHORT, watch};
use super::{Tests, tests};

pub(super) const TESTS: Tests = tests![
    a_huge_answer_is_cut_off,
    an_answer_without_end_is_given_up,
    garbage_is_told_and_is_no_progress,
    a_huge_number_is_told_in_short,
    escapes_in_a_status_reach_no_terminal,
];

/// What a client says that answers so is never known: no pass, and no failure.
fn unknown(client: &Server, why: &str) {
    let (url, dump) = (client.url("/"), client.url(""));
    let args = ["--progress", &url, "--json-pointer", "/done", "--total", "20", "--dump", &dump];
    let ran = watch(SHORT, &[&args[..], &["--answer-within", "500ms"]].concat());
    assert_eq!(ran.came_to(), (2, Outcome::Interrupted, Verdict::Unknown), "{}", ran.reason());
    assert!(ran.remarks().contains(why), "{}", ran.remarks());
    assert!(ran.remarks().len() < 2_000, "{}", ran.remarks().len());
}

fn flood(socket: &mut TcpStream, chunk: &[u8]) {
    while socket.write_all(chunk).is_ok() {}
}

fn a_huge_answer_is_cut_off() {
    let client = Server::raw(|_, _, socket| {
        let _sent = socket.write_all(b"HTTP/1.1 200 x\r\ncontent-length: 1099511627776\r\n\r\n");
        flood(socket, &[b'['; 8 << 10]);
    });
    let url = client.url("/");
    let args = ["--progress", &url, "--json-pointer", "/done", "--total", "20", "--answer-within", "5s"];
    let ran = watch(SHORT, &args);
    assert_eq!(ran.came_to().2, Verdict::Unknown, "{}", ran.reason());
    assert!(ran.remarks().contains("larger than 16 MiB"), "{}", ran.remarks());
}

fn an_answer_without_end_is_given_up() {
    let client = Server::raw(|_, _, socket| {
        let _sent = socket.write_all(b"HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n");
        while socket.write_all(b"1\r\n \r\n").is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    });
    unknown(&client, "does not answer");
}

fn garbage_is_told_and_is_no_progress() {
    unknown(&Server::new(|_, _| (200, "{\"done\": 20".into())), "not JSON");
    unknown(&Server::new(|_, _| (200, "[".repeat(100_000))), "not JSON");
    unknown(&Server::raw(|_, _, socket| flood(socket, b"\0\xff\n")), "its progress is not known");
}

fn a_huge_number_is_told_in_short() {
    let client = Server::new(|_, _| (200, format!("{{\"done\": \"{}\"}}", "9".repeat(1 << 20))));
    unknown(&client, "is no count");
}

fn escapes_in_a_status_reach_no_terminal() {
    let status = r#"{"kind": "\u001b[31mPodChaos", "metadata": {"name": "\u001b[2J"}, "spec": {"action": "pod-kill"},
        "status": {"experiment": {"containerRecords": [{"id": "a/\u202eb", "events": [
            {"operation": "Apply", "type": "Succeeded", "timestamp": "2999-01-01T00:00:00Z"},
            {"operation": "Apply", "type": "Failed", "message": "\u001b]0;x\u0007", "timestamp": "2999-01-01T00:00:00Z"}]}]}}}"#;
    let (client, api) = (Server::working(20), Server::new(move |_, _| (200, status.to_owned())));
    let (url, api) = (client.url("/"), api.url("/"));
    let args = ["--progress", &url, "--json-pointer", "/done", "--total", "20", "--schedule", &api];
    let ran = watch(SHORT, &[&args[..], &["--html", "page.html"]].concat());
    assert!(ran.remarks().contains('\u{1b}'), "the record keeps what was said: {}", ran.remarks());
    for text in [&ran.stdout, &ran.stderr, &std::fs::read_to_string(ran.folder.0.join("page.html")).unwrap()]
    {
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{text}");
    }
}
