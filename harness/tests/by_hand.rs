//! A running case on real sockets, driven by hand through Toxiproxy's API.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use unstuck_record::{Event, Run};

/// The client waits for a file that the test fills when it has asked what it wanted: nothing here depends on time.
#[test]
fn the_links_of_a_running_case_are_proxies_and_what_is_done_by_hand_stands_in_its_record() {
    let folder = std::env::temp_dir().join(format!("unstuck-by-hand-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let fifo = folder.join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let scenario = folder.join("idle.yaml");
    let text = format!(
        "client: {{command: cat, args: ['{}']}}\ncases:\n  - {{name: idle, faultType: reset, selector: client_to_all, \
         warmUpTime: 1h, faultDuration: 1s, expect: {{within: 2h}}}}\n",
        fifo.display()
    );
    std::fs::write(&scenario, text).unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_unstuck"))
        .args(["run", "--world", "tcp", "--results"])
        .args([&folder, &scenario])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines();
    let api = lines.find_map(|line| Some(line.unwrap().split_once("API on http://")?.1.to_owned())).unwrap();

    let proxies: serde_json::Value = serde_json::from_str(&ask(&api, "GET", "/proxies", "")).unwrap();
    let names: Vec<_> = proxies.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["cat->pd-0", "cat->pd-1", "cat->pd-2", "cat->tikv-1", "cat->tikv-2", "cat->tikv-3"]);
    let toxic = ask(&api, "POST", "/proxies/cat-%3Etikv-1/toxics", r#"{"type": "blackhole"}"#);
    assert!(toxic.contains("blackhole_downstream"), "{toxic}");

    std::fs::write(&fifo, "go").unwrap();
    let told = lines.map(|line| line.unwrap()).collect::<Vec<_>>().join("\n");
    assert_eq!(run.wait().unwrap().code(), Some(2), "no fault was met: {told}");
    assert!(told.contains("by hand: POST /proxies/cat-%3Etikv-1/toxics"), "{told}");
    let record = folder.join("run-0001").read_dir().unwrap().map(|entry| entry.unwrap().path());
    let record =
        record.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "jsonl")).unwrap();
    let record = Run::parse(&std::fs::read_to_string(record).unwrap()).unwrap();
    assert_eq!(record.header.control, Some(format!("http://{api}")));
    let by_hand = |what: &str| what == "by hand: POST /proxies/cat-%3Etikv-1/toxics";
    let events = record.events.iter();
    assert_eq!(
        events.filter(|event| matches!(&event.what, Event::ClusterChanged { what } if by_hand(what))).count(),
        1
    );
    std::fs::remove_dir_all(folder).unwrap();
}

fn ask(api: &str, method: &str, path: &str, body: &str) -> String {
    let mut conn = TcpStream::connect(api).unwrap();
    let length = body.len();
    write!(conn, "{method} {path} HTTP/1.0\r\nHost: {api}\r\nContent-Length: {length}\r\n\r\n{body}")
        .unwrap();
    let mut answer = String::new();
    conn.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}
