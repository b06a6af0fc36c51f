//! What CI servers read: `JUnit`, GitHub's summary and annotations, through the shared record.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixture;

use roxmltree::{Document, Node};
use unstuck_record::builder::{MIN, RunBuilder, all_done, touched};
use unstuck_record::{Judgement, Outcome, Run, Verdict};
use unstuck_reports::batch::{Ended, Which};
use unstuck_reports::terminal::Aside;
use unstuck_reports::{github, junit};

fn passed(case: &str, client: &str) -> (Run, Judgement) {
    let run = RunBuilder::new(case, client)
        .link("br", "tikv-1")
        .fault("network_partition", "br->tikv-1", MIN, 2 * MIN, touched())
        .sample(5 * MIN, 120, 130, 3)
        .client_ended(9 * MIN, None, all_done())
        .build();
    let judgement = Judgement {
        outcome: Outcome::Completed,
        verdict: Verdict::Pass,
        reason: "completed at 9m, within the budget of 23m".into(),
        budget_ms: 23 * MIN,
        findings: vec![],
    };
    (run, judgement)
}

const ASIDE: Aside<'static> =
    Aside { record: Some("results/run-0001/a.jsonl"), beside: &[], wall_ms: Some(1640) };

fn judged((run, judgement): &(Run, Judgement)) -> Ended<'_> {
    Ended::Judged { run, judgement, aside: ASIDE }
}

fn which(case: &str) -> Which<'_> {
    Which { file: "scenarios/a.yaml", line: 7, case, client: "br@fixed", world: "sim", seed: 3 }
}

/// One of each kind.
fn with_all(look: impl FnOnce(&[Ended<'_>])) {
    let (stuck, passed) = (fixture::stuck(), passed("br_partition", "br@fixed"));
    let mut unknown = passed.clone();
    (unknown.1.verdict, unknown.1.reason) = (Verdict::Unknown, "none of the faults touched anything".into());
    unknown.0.header.case = "br_idle".into();
    let broken = Ended::Broken { which: which("broken"), error: "no free port" };
    look(&[judged(&stuck), judged(&passed), judged(&unknown), broken, Ended::NotRun(which("late"))]);
}

#[test]
fn a_junit_report_tells_what_a_terminal_tells() {
    with_all(|cases| insta::assert_snapshot!(junit::xml(cases, Some("0c385e0"))));
}

#[test]
fn a_summary_for_github_tells_the_failed_in_full_and_all_in_a_line() {
    with_all(|cases| insta::assert_snapshot!(github::summary(cases)));
}

#[test]
fn annotations_stand_on_the_line_of_the_case() {
    with_all(|cases| insta::assert_snapshot!(github::annotations(cases)));
}

fn children<'a, 'd>(node: Node<'a, 'd>, name: &'static str) -> impl Iterator<Item = Node<'a, 'd>> {
    node.children().filter(move |child| child.has_tag_name(name))
}

/// The rules of the XSD that Jenkins' plugin publishes: the elements, their order, the attributes that must be there.
fn check_dialect(xml: &str) {
    let document = Document::parse(xml).unwrap();
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    let number = |node: Node<'_, '_>, name: &str| -> u64 { node.attribute(name).unwrap().parse().unwrap() };
    for suite in root.children().filter(Node::is_element) {
        assert_eq!(suite.tag_name().name(), "testsuite");
        assert!(!suite.attribute("name").unwrap().is_empty());
        assert_eq!(number(suite, "tests") as usize, children(suite, "testcase").count());
        let with =
            |name| children(suite, "testcase").filter(|case| children(*case, name).next().is_some()).count();
        assert_eq!(number(suite, "failures") as usize, with("failure"));
        assert_eq!(number(suite, "errors") as usize, with("error"));
        assert_eq!(number(suite, "skipped") as usize, with("skipped"));
        for case in children(suite, "testcase") {
            assert!(case.attribute("name").is_some() && case.attribute("classname").is_some());
            let of_status =
                |node: &Node<'_, '_>| ["skipped", "failure", "error"].contains(&node.tag_name().name());
            assert!(case.children().filter(of_status).count() <= 1);
            let known = ["properties", "skipped", "failure", "error", "system-out", "system-err"];
            assert!(
                case.children().filter(Node::is_element).all(|node| known.contains(&node.tag_name().name()))
            );
        }
    }
}

#[test]
fn the_report_has_the_dialect_that_jenkins_reads() {
    with_all(|cases| check_dialect(&junit::xml(cases, None)));
}

#[test]
fn whatever_a_client_printed_the_report_is_valid_and_says_it() {
    let evil = "</testcase>]]><script>\u{1b}[31m\u{0}\u{8}\u{fffe}\u{202e}&amp;\"'\r\n::error::x";
    let mut run = passed(evil, evil);
    run.0.header.file = evil.into();
    run.0.header.notes = vec![evil.into()];
    run.0.header.plan[0].kind = evil.into();
    (run.1.verdict, run.1.reason) = (Verdict::Fail, evil.into());
    let xml = junit::xml(&[judged(&run)], Some(evil));
    check_dialect(&xml);
    let document = Document::parse(&xml).unwrap();
    let case = document.descendants().find(|node| node.has_tag_name("testcase")).unwrap();
    assert!(case.attribute("name").unwrap().starts_with("</testcase>]]><script>\\u{1b}[31m"));

    let annotations = github::annotations(&[judged(&run)]);
    assert_eq!(annotations.lines().count(), 1, "{annotations}");
    let summary = github::summary(&[judged(&run)]);
    // within a fence nothing is markup; outside of it nothing of the text is
    let outside = summary.split("```").step_by(2).collect::<String>();
    assert!(!outside.contains("<script>") && !outside.contains("]]>"), "{outside}");
}

#[test]
fn a_megabyte_of_a_name_does_not_make_a_summary_that_github_drops() {
    let name = "x".repeat(1 << 20);
    let mut run = passed(&name, "br@fixed");
    (run.1.verdict, run.1.reason) = (Verdict::Fail, "y".repeat(1 << 20));
    let passing = passed("short", "br@fixed");
    let summary = github::summary(&[judged(&run), judged(&passing)]);
    assert!(summary.len() < 1 << 20, "{}", summary.len());
    assert!(summary.contains("more"));
}
