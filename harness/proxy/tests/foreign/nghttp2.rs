//! nghttp and h2load against nghttpd. nghttp prints every frame, so that what a client sees is read off it.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use libtest_mimic::Trial;
use unstuck_proxy::Toxic;
use unstuck_proxy::toxic::Stream;
use unstuck_proxy::toxic::h2::{Goaway, H2, Paths, Refuse, Reset};

use crate::link::{Link, heal_after, sleep};
use crate::program::{Server, run};
use crate::toxics::{PARTS, harmless, holds, toxic};
use crate::trial;

/// Requests of each of the two files, all at the same time.
const EACH: usize = 20;
/// Larger than a default window.
const SIZE: usize = 100_000;
/// Less than the default: each side waits for the other to say that it keeps to it, and takes silence for an error.
const TABLE: &str = "--header-table-size=1000";

/// A program of nghttp2: the one that `.ci/clients` has unpacked, or the machine's.
fn nghttp2(name: &str) -> Command {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/nghttp2");
    if !unpacked.join(name).exists() {
        return Command::new(name);
    }
    let mut command = Command::new(unpacked.join(name));
    let libraries = std::fs::read_dir(unpacked.join("usr/lib")).into_iter().flatten().flatten();
    let libraries: Vec<PathBuf> = libraries.map(|entry| entry.path()).collect();
    command.env("LD_LIBRARY_PATH", std::env::join_paths(libraries).unwrap());
    command
}

fn missing() -> Option<&'static str> {
    let works = |name| {
        let mut program = nghttp2(name);
        program.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        program.status().is_ok_and(|status| status.success())
    };
    (!["nghttp", "nghttpd", "h2load"].into_iter().all(works)).then_some("no nghttp2")
}

/// nghttpd with two files.
struct Node {
    server: Server,
    addr: SocketAddr,
}

impl Node {
    fn start(name: &str) -> Self {
        let files = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nghttpd").join(name);
        std::fs::create_dir_all(&files).unwrap();
        for file in ["touched", "other"] {
            std::fs::write(files.join(file), vec![b'x'; SIZE]).unwrap();
        }
        // it cannot say which port it was given
        let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut nghttpd = nghttp2("nghttpd");
        nghttpd.args(["--no-tls", "-v", "--echo-upload", TABLE, "-a", "127.0.0.1", "-d"]).arg(&files);
        nghttpd.arg(addr.port().to_string());
        let (server, _) = Server::start(nghttpd, "listen");
        Self { server, addr }
    }

    fn end(self) {
        no_connection_error(&self.server.kill());
    }
}

/// Every frame is printed on both sides, and this is what a connection error looks like.
fn no_connection_error(printed: &str) {
    let lines: Vec<&str> = printed.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let ends = line.contains("GOAWAY frame") && !lines[at + 1].contains("error_code=NO_ERROR");
        assert!(!ends, "a connection error:\n{}", lines[at.saturating_sub(20)..at + 2].join("\n"));
    }
}

/// Requests for both files at the same time, GET or POST; what nghttp printed.
fn nghttp(link: &Link, post: Option<&Path>) -> String {
    let mut nghttp = nghttp2("nghttp");
    nghttp.args(["-v", "-n", TABLE, "-m", &EACH.to_string()]);
    if let Some(body) = post {
        nghttp.arg("-d").arg(body);
    }
    for file in ["touched", "other"] {
        nghttp.arg(format!("http://{}/{file}", link.proxy.addr()));
    }
    let printed = run(nghttp, |_| {});
    no_connection_error(&printed);
    printed
}

/// Streams that were answered to the end.
fn answered(printed: &str) -> usize {
    let lines: Vec<&str> = printed.lines().collect();
    let ends = |pair: &&[&str]| pair[0].contains("recv DATA frame") && pair[1].contains("END_STREAM");
    lines.windows(2).filter(ends).count()
}

/// Streams that were reset by the other side, with this code.
fn reset(printed: &str, code: &str) -> usize {
    let lines: Vec<&str> = printed.lines().collect();
    let resets = |pair: &&[&str]| {
        pair[0].contains("recv RST_STREAM frame") && pair[1].contains(&format!("error_code={code}("))
    };
    lines.windows(2).filter(resets).count()
}

fn touched() -> Paths {
    "/touched".parse().unwrap()
}

pub(crate) fn trials() -> Vec<Trial> {
    let missing = missing();
    let mut trials = vec![];
    let mut add = |name: String, run: Box<dyn FnOnce(&str) + Send>| {
        let name = format!("nghttp2/{name}");
        trials.push(trial(name.clone(), missing, move || run(&name.replace('/', "-"))));
    };
    for (name, toxic) in harmless(&touched()) {
        add(name, Box::new(move |name| harmless_to_streams(name, &toxic)));
    }
    let error = "INTERNAL_ERROR".parse().unwrap();
    let refuse = Refuse { path: touched(), ..Refuse::default() };
    let refused = |nth| toxic(Stream::Upstream, H2::Refuse(Refuse { nth, ..refuse.clone() }));
    for (name, toxic, count) in [("refuse", refused(0), EACH), ("refuse_the_third", refused(3), 1)] {
        add(name.to_owned(), Box::new(move |name| ends_streams(name, &toxic, count, "REFUSED_STREAM")));
    }
    for (stream, part) in PARTS {
        let reset = toxic(stream, H2::Reset(Reset { path: touched(), nth: 0, part, error }));
        let name = format!("reset_{part:?}_{stream:?}").to_lowercase();
        add(name, Box::new(move |name| ends_streams(name, &reset, EACH, "INTERNAL_ERROR")));
    }
    add("goaway".to_owned(), Box::new(says_goaway));
    add("h2load".to_owned(), Box::new(toxics_come_and_go));
    trials
}

/// All streams are answered, downloads and uploads.
fn harmless_to_streams(name: &str, toxic: &Toxic) {
    let node = Node::start(name);
    let body = std::env::current_exe().unwrap();
    let body = body.with_file_name(format!("{name}.body"));
    std::fs::write(&body, vec![b'y'; SIZE / 2]).unwrap();
    for post in [None, Some(&*body)] {
        let link = Link::to(node.addr);
        let placed = link.add(toxic);
        let has_no_such_part = post.is_none() && name.contains("data_up");
        let mut kept = None;
        if holds(toxic) && !has_no_such_part {
            heal_after(placed, Duration::from_millis(30));
        } else {
            kept = Some(placed);
        }
        let printed = nghttp(&link, post);
        assert_eq!(answered(&printed), 2 * EACH, "{printed}");
        if let Some(placed) = kept {
            let touches = !has_no_such_part && !name.contains("ping");
            assert_eq!(placed.evidence().touched(), touches, "{printed}");
        }
        if name.contains("max_streams") {
            assert!(printed.contains("[SETTINGS_MAX_CONCURRENT_STREAMS(0x03):3]"), "{printed}");
        }
    }
    std::fs::remove_file(&body).unwrap();
    node.end();
}

/// So many streams are reset with this code, and the others are answered; so in downloads and in uploads.
fn ends_streams(name: &str, toxic: &Toxic, count: usize, code: &str) {
    let node = Node::start(name);
    let body = std::env::current_exe().unwrap().with_file_name(format!("{name}.body"));
    std::fs::write(&body, vec![b'y'; SIZE / 2]).unwrap();
    for post in [None, Some(&*body)] {
        if post.is_none() && name.contains("data_up") {
            continue;
        }
        let link = Link::to(node.addr);
        let placed = link.add(toxic);
        let printed = nghttp(&link, post);
        assert_eq!(reset(&printed, code), count, "{printed}");
        assert_eq!(answered(&printed), 2 * EACH - count, "{printed}");
        assert!(placed.evidence().touched());
    }
    std::fs::remove_file(&body).unwrap();
    node.end();
}

/// Those that were taken are answered, the others are left to the client.
fn says_goaway(name: &str) {
    let node = Node::start(name);
    let link = Link::to(node.addr);
    let goaway = Goaway { after_streams: 10, ..Goaway::default() };
    let _placed = link.add(&toxic(Stream::Downstream, H2::Goaway(goaway)));
    let printed = nghttp(&link, None);
    assert!(printed.contains("recv GOAWAY frame"), "{printed}");
    assert_eq!(answered(&printed), 10, "{printed}");
    node.end();
}

/// Toxics that come and go while connections live lose no request of thousands.
fn toxics_come_and_go(name: &str) {
    let node = Node::start(name);
    let link = Link::to(node.addr);
    link.proxy.read_http2();
    let mut h2load = nghttp2("h2load");
    h2load.args(["-n", "3000", "-c", "4", "-m", "20"]);
    for file in ["touched", "other"] {
        h2load.arg(format!("http://{}/{file}", link.proxy.addr()));
    }
    let toxics = harmless(&touched());
    let (ended, still) = std::sync::mpsc::channel::<()>();
    let proxy = link.proxy.clone();
    let coming_and_going = std::thread::spawn(move || {
        let mut added = 0;
        while still.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            let toxic = toxics[added % toxics.len()].1.clone();
            let _placed = proxy.add(toxic).unwrap();
            added += 1;
            sleep(Duration::from_millis(5));
        }
        added
    });
    let printed = run(h2load, |_| {});
    drop(ended);
    assert!(coming_and_going.join().unwrap() > 0);
    assert!(printed.contains(" 3000 succeeded, 0 failed, 0 errored, 0 timeout"), "{printed}");
    node.end();
}
