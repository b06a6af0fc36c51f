//! Clients that finish, fail, begin again, or never finish, and what the verdict makes of faults that nobody saw.

use unstuck_record::{EndReason, FindingKind, Outcome, Verdict};

use super::chaos_mesh::{now_ms, rfc3339, status};
use super::serve::Server;
use super::world::{Folder, SHORT, SOON, begin, watch};
use super::{Tests, tests};

pub(super) const TESTS: Tests = tests![
    faults_by_the_plan_alone_prove_nothing,
    without_a_budget_the_verdict_says_what_would_tell,
    a_baseline_gives_the_budget,
    a_metric_that_counts_what_faults_do_proves_them,
    a_pod_that_ended_well_is_done_although_its_progress_went_with_it,
    a_pod_that_failed_has_failed,
    work_that_is_missing_at_a_good_end_is_found,
    a_client_that_begins_again_keeps_its_best_progress,
    a_client_that_started_before_is_judged_from_its_start,
    an_injection_that_is_over_already_stands_in_the_plan,
    an_interrupted_watch_judges_what_it_has,
    every_report_is_written,
];

/// So many questions take longer than the fault of these cases lasts: 50 ms each.
const UNITS: u64 = 20;

fn faults_by_the_plan_alone_prove_nothing() {
    let client = Server::working(UNITS);
    let url = client.url("/");
    let ran = watch(SOON, &["--progress", &url, "--json-pointer", "/done", "--total", "20"]);
    assert_eq!(ran.came_to(), (2, Outcome::Completed, Verdict::Unknown), "{}", ran.reason());
    assert!(ran.reason().starts_with("nothing tells that the fault touched anything"), "{}", ran.reason());
    assert_eq!(ran.fault(), (Some(100), Some(300)), "by the plan");
    assert_eq!(ran.run.end.as_ref().unwrap().work.unique, UNITS);
    assert!(ran.told().contains("by the plan, nobody saw it"), "{}", ran.stdout);
    assert!(ran.told().contains("`--schedule` takes those of Chaos Mesh"), "{}", ran.stdout);
}

fn without_a_budget_the_verdict_says_what_would_tell() {
    let client = Server::working(UNITS);
    let url = client.url("/");
    let case = "warmUpTime: 100ms, faultDuration: 200ms";
    let ran = watch(case, &["--progress", &url, "--json-pointer", "/done", "--total", "20"]);
    assert_eq!(ran.came_to(), (2, Outcome::Completed, Verdict::Unknown), "{}", ran.reason());
    assert!(ran.reason().contains("give `--baseline DURATION`"), "{}", ran.reason());
    assert!(ran.stderr.contains("watched until 24h"), "{}", ran.stderr);
}

fn a_baseline_gives_the_budget() {
    let client = Server::working(UNITS);
    let url = client.url("/");
    let case = "warmUpTime: 100ms, faultDuration: 200ms, recoveryTime: 10s";
    let ran =
        watch(case, &["--progress", &url, "--json-pointer", "/done", "--total", "20", "--baseline", "30s"]);
    assert_eq!(ran.run.judgement.as_ref().unwrap().budget_ms, 40_200);
    assert!(ran.told().contains("without faults 30s"), "{}", ran.stdout);
}

/// Its errors grow while the fault of the plan is active, and then no more.
fn a_metric_that_counts_what_faults_do_proves_them() {
    let client = Server::working(40);
    let errors = Server::new(|_, before| (200, format!("errors_total {}\n", before.clamp(3, 5))));
    let (progress, evidence) = (client.url("/"), errors.url("/metrics"));
    // both are asked every 50 ms: the fault spans the questions in which the errors grow, with much to spare
    let case = "warmUpTime: 100ms, faultDuration: 1s, expect: {within: 60s}";
    let args = ["--progress", &progress, "--json-pointer", "/done", "--total", "40", "--evidence", &evidence];
    let ran = watch(case, &[&args[..], &["--evidence-metric", "errors_total"]].concat());
    assert_eq!(ran.came_to(), (0, Outcome::Completed, Verdict::Pass), "{}", ran.reason());
    assert_eq!(ran.run.end.as_ref().unwrap().evidence[0].counted, 2);
    assert!(!ran.reason().contains("nothing tells"), "{}", ran.reason());
    assert!(ran.told().contains("2 counted by its metric"), "{}", ran.stdout);
}

/// A pod as the API server has it, ended after so many questions.
fn pod(code: u64, after: u64) -> Server {
    Server::new(move |_, before| {
        let state = if before < after {
            r#"{"running": {"startedAt": "2026-11-21T10:00:00Z"}}"#.to_owned()
        } else {
            format!(r#"{{"terminated": {{"exitCode": {code}, "reason": "x"}}}}"#)
        };
        (200, format!(r#"{{"kind": "Pod", "status": {{"containerStatuses": [{{"state": {state}}}]}}}}"#))
    })
}

fn a_pod_that_ended_well_is_done_although_its_progress_went_with_it() {
    let pod = pod(0, UNITS);
    // the last that it says is 5 of 20
    let said = |before| if before < 6 { (200, format!("n {before}\n")) } else { (404, String::new()) };
    let client = Server::new(move |_, before| said(before));
    let (progress, exit) = (client.url("/metrics"), pod.url("/api/v1/namespaces/tidb/pods/br"));
    let ran = watch(SOON, &["--progress", &progress, "--metric", "n", "--total", "20", "--exit-url", &exit]);
    assert_eq!(ran.came_to(), (2, Outcome::Completed, Verdict::Unknown), "{}", ran.reason());
    assert!(ran.remarks().contains("its progress is not known: "), "{}", ran.remarks());
}

fn a_pod_that_failed_has_failed() {
    let pod = pod(137, UNITS);
    let ran = watch(SOON, &["--exit-url", &pod.url("/")]);
    assert_eq!(ran.run.judgement.as_ref().unwrap().outcome, Outcome::Failed);
    assert!(ran.finding(FindingKind::Error).summary.ends_with("exit code 137"), "{}", ran.reason());
}

fn work_that_is_missing_at_a_good_end_is_found() {
    let (client, pod) = (Server::working(7), pod(0, UNITS));
    let (progress, exit) = (client.url("/"), pod.url("/"));
    let args = ["--progress", &progress, "--json-pointer", "/done", "--total", "20", "--exit-url", &exit];
    let ran = watch(SOON, &args);
    assert_eq!(ran.run.judgement.as_ref().unwrap().outcome, Outcome::Failed);
    assert!(ran.finding(FindingKind::Data).summary.contains("13 of 20"), "{}", ran.reason());
}

fn a_client_that_begins_again_keeps_its_best_progress() {
    let client = Server::new(|_, before| {
        let done = if before < 12 { before } else { before - 12 };
        (200, format!("{{\"done\": {done}}}"))
    });
    let url = client.url("/");
    let ran = watch(SOON, &["--progress", &url, "--json-pointer", "/done", "--total", "20"]);
    assert_eq!(ran.run.judgement.as_ref().unwrap().outcome, Outcome::Completed);
    assert!(ran.remarks().contains("its progress fell from 11 to 0: it began again"), "{}", ran.remarks());
    assert!(ran.run.samples.windows(2).all(|pair| pair[0].unique <= pair[1].unique));
    assert_eq!(ran.run.samples.last().unwrap().retries, 1);
}

fn a_client_that_started_before_is_judged_from_its_start() {
    let client = Server::working(UNITS);
    let url = client.url("/");
    let started = rfc3339(now_ms() - 600_000);
    let args = ["--progress", &url, "--json-pointer", "/done", "--total", "20", "--started", &started];
    let ran = watch(SOON, &args);
    // ten minutes, when a minute was granted: it is watched no further than two
    assert_eq!(ran.run.end.as_ref().unwrap().reason, EndReason::OutOfTime);
    assert!(ran.run.end.as_ref().unwrap().at_ms >= 600_000);
    assert_eq!(ran.fault(), (Some(100), Some(300)), "by the plan, long ago");
}

fn an_injection_that_is_over_already_stands_in_the_plan() {
    let client = Server::working(UNITS);
    let (url, folder) = (client.url("/"), Folder::new());
    let now_ms = now_ms() / 1_000 * 1_000;
    let schedule = folder.write("chaos.json", &status(now_ms - 8_000, Some(now_ms - 6_000)));
    let started = rfc3339(now_ms - 10_000);
    let args = ["--progress", &url, "--json-pointer", "/done", "--total", "20", "--schedule", &schedule];
    let ran = begin(folder, SOON, &[&args[..], &["--started", &started]].concat()).end();
    assert_eq!(ran.came_to(), (0, Outcome::Completed, Verdict::Pass), "{}", ran.reason());
    let fault = &ran.run.header.plan[0];
    assert_eq!((fault.start_ms, fault.end_ms), (2_000, 4_000));
    assert_eq!(fault.nodes, ["loader-0", "basic-tikv-0"]);
    assert_eq!(ran.fault(), (Some(2_000), Some(4_000)));
}

fn an_interrupted_watch_judges_what_it_has() {
    let client = Server::working(u64::MAX);
    let dump = "goroutine 1 [chan receive]:\nmain.main()\n\t/srv/main.go:7 +0x1\n";
    let pprof = Server::new(move |_, _| (200, dump.to_owned()));
    let (progress, pprof) = (client.url("/"), pprof.url(""));
    let args = ["--progress", &progress, "--json-pointer", "/done", "--total", "1000000", "--dump", &pprof];
    let mut watching = begin(Folder::new(), SOON, &args);
    watching.until_said("heals");
    watching.interrupt();
    let ran = watching.end();
    assert_eq!(ran.came_to(), (130, Outcome::Interrupted, Verdict::Unknown), "{}", ran.reason());
    assert!(ran.run.dumps.last().unwrap().at_ms >= 300, "the last one is taken at the end");
    assert!(!ran.run.samples.is_empty());
}

fn every_report_is_written() {
    let client = Server::working(3);
    let url = client.url("/");
    let args = ["--progress", &url, "--json-pointer", "/done", "--total", "20", "--json"];
    let files =
        ["--html", "page.html", "--junit", "junit.xml", "--json-out", "out.json", "--summary", "sum.md"];
    let ran = watch(SHORT, &[&args[..], &files].concat());
    assert_eq!(ran.run.judgement.as_ref().unwrap().outcome, Outcome::Stuck, "{}", ran.reason());
    let read = |name: &str| std::fs::read_to_string(ran.folder.0.join(name)).unwrap();
    let told: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(told["world"], "elsewhere");
    assert_eq!(read("out.json"), ran.stdout);
    for name in ["page.html", "junit.xml", "sum.md"] {
        assert!(read(name).contains("elsewhere"), "{name}: {}", read(name));
    }
    // judged again, from its record, it comes to the same
    let judged = unstuck::verdict::judge(&ran.run);
    assert_eq!(Some(&judged), ran.run.judgement.as_ref());
}
