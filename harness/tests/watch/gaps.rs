//! Clients that do not answer: a gap is told, and is never a pass.

use std::io::Write as _;

use unstuck_record::{EndReason, Event, Outcome, Verdict};

use super::serve::Server;
use super::world::{SHORT, SOON, watch};
use super::{Tests, tests};

pub(super) const TESTS: Tests = tests![
    a_progress_that_dies_is_no_pass,
    a_client_whose_pod_runs_on_without_progress_is_stuck,
    a_gap_that_ends_is_told_with_its_length,
    nobody_at_all_is_no_pass,
    dumps_that_fail_are_told_and_keep_nobody_waiting,
];

/// Answers ten times, then hangs up on everybody.
fn dying() -> Server {
    Server::raw(|_, before, socket| {
        if before < 10 {
            let body = format!("{{\"done\": {before}}}");
            let head =
                format!("HTTP/1.1 200 x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _whoever_asked_is_gone = socket.write_all((head + &body).as_bytes());
        }
    })
}

fn a_progress_that_dies_is_no_pass() {
    let client = dying();
    let url = client.url("/");
    let ran = watch(SHORT, &["--progress", &url, "--json-pointer", "/done", "--total", "20"]);
    assert_eq!(ran.came_to(), (2, Outcome::Interrupted, Verdict::Unknown), "{}", ran.reason());
    assert_eq!(ran.run.end.as_ref().unwrap().reason, EndReason::OutOfSight);
    assert!(ran.reason().contains("it was last heard of at"), "{}", ran.reason());
    assert_eq!(ran.run.samples.last().unwrap().unique, 9, "nothing is made up for the gap");
    assert!(ran.remarks().contains("its progress is not known: "), "{}", ran.remarks());
}

fn a_client_whose_pod_runs_on_without_progress_is_stuck() {
    let client = dying();
    let pod = Server::new(|_, _| (200, r#"{"status": {"containerStatuses": []}}"#.into()));
    let (progress, exit) = (client.url("/"), pod.url("/"));
    let args = ["--progress", &progress, "--json-pointer", "/done", "--total", "20", "--exit-url", &exit];
    let ran = watch(SHORT, &args);
    assert_eq!(ran.run.end.as_ref().unwrap().reason, EndReason::OutOfTime);
    assert_eq!(ran.run.judgement.as_ref().unwrap().outcome, Outcome::Stuck);
    assert!(ran.reason().contains("no task dump tells where it waits"), "{}", ran.reason());
}

fn a_gap_that_ends_is_told_with_its_length() {
    let client = Server::new(|_, before| match before {
        5..10 => (503, "later".into()),
        _ => (200, format!("{{\"done\": {before}}}")),
    });
    let url = client.url("/");
    let ran = watch(SOON, &["--progress", &url, "--json-pointer", "/done", "--total", "20"]);
    assert_eq!(ran.run.judgement.as_ref().unwrap().outcome, Outcome::Completed);
    let remarks = ran.remarks();
    assert_eq!(remarks.matches("answers 503").count(), 1, "an error that lasts is told once: {remarks}");
    assert!(remarks.contains("its progress is known again, after "), "{remarks}");
}

fn nobody_at_all_is_no_pass() {
    let nobody = Server::working(1);
    let url = nobody.url("/");
    drop(nobody);
    let ran = watch(SHORT, &["--exit-url", &url, "--dump", &url]);
    assert_eq!(ran.came_to(), (2, Outcome::Interrupted, Verdict::Unknown), "{}", ran.reason());
    assert!(ran.remarks().contains("whether it has ended is not known: "), "{}", ran.remarks());
}

fn dumps_that_fail_are_told_and_keep_nobody_waiting() {
    let client = Server::working(20);
    // it accepts, and says nothing until whoever asks has gone
    let mute = Server::raw(|_, _, socket| {
        let _gone = std::io::Read::read(socket, &mut [0; 1]);
    });
    let (progress, pprof) = (client.url("/"), mute.url(""));
    let args = ["--progress", &progress, "--json-pointer", "/done", "--total", "20", "--dump", &pprof];
    let ran = watch(SOON, &[&args[..], &["--answer-within", "200ms"]].concat());
    assert_eq!(ran.run.judgement.as_ref().unwrap().outcome, Outcome::Completed);
    let failed = |event: &Event| matches!(event, Event::DumpTaken { error: Some(error), .. } if error.contains("does not answer"));
    assert!(ran.run.events.iter().any(|event| failed(&event.what)), "{:?}", ran.run.events);
}
