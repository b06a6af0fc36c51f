//! What people read, through the shared record.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixture;

use unstuck_record::builder::{MIN, RunBuilder, all_done, touched};
use unstuck_record::{Demand, Demands, Evidence, Finding, FindingKind, Judgement, Outcome, Run, Verdict};
use unstuck_reports::terminal::{Aside, Style, case, summary};

fn passed() -> (Run, Judgement) {
    let run = RunBuilder::new("br_partition", "br@fixed")
        .header(|header| (header.world, header.scale) = ("tcp".into(), 60))
        .link("br", "tikv-1")
        .fault("network_partition", "br->tikv-1", MIN, 2 * MIN, Evidence { bytes: 9_200, ..touched() })
        .fault("network_partition", "br->tikv-1", 4 * MIN, 5 * MIN, Evidence::default())
        .fault_not_needed("network_partition", "br->tikv-1", 20 * MIN, 21 * MIN)
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

fn untouched() -> (Run, Judgement) {
    let (mut run, mut judgement) = passed();
    run.header.case = "br_idle".into();
    judgement.verdict = Verdict::Unknown;
    judgement.reason = "none of the faults touched anything; the client completed at 9m".into();
    judgement.findings = vec![finding(FindingKind::NoEffect, "none of the faults touched anything")];
    (run, judgement)
}

/// The passed one, with a fault that is healed, and demands.
fn demanding() -> (Run, Judgement) {
    let (mut run, judgement) = passed();
    run.header.expect.phases = Demands {
        steady: Some(Demand::Percent(5)),
        recovery: Some(Demand::Units(40)),
        resumes_within_ms: Some(2 * MIN),
        ..Demands::default()
    };
    (run, judgement)
}

fn finding(kind: FindingKind, summary: &str) -> Finding {
    Finding {
        kind,
        summary: summary.into(),
        wait_site: None,
        task: None,
        task_name: None,
        tasks: 0,
        age_ms: None,
        since_ms: None,
        link: None,
        fault: None,
        phase: None,
        evidence: vec![],
    }
}

#[test]
fn a_stuck_client_is_told_with_all_that_qa_needs() {
    let (run, judgement) = fixture::stuck();
    let aside = Aside { record: Some("results/run-42/tikv_failure.jsonl"), beside: &[], wall_ms: Some(640) };
    insta::assert_snapshot!(case(&run, &judgement, aside, Style::default()));
}

#[test]
fn a_passed_case_tells_what_each_fault_touched() {
    let (run, judgement) = passed();
    insta::assert_snapshot!(case(&run, &judgement, Aside::default(), Style::default()));
}

#[test]
fn a_case_that_demands_progress_tells_what_each_phase_saw() {
    let (run, judgement) = demanding();
    let told = case(&run, &judgement, Aside::default(), Style::default());
    let told: Vec<&str> = told
        .lines()
        .skip_while(|line| !line.starts_with("progress"))
        .take_while(|line| !line.starts_with("time"))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn many_cases_are_a_line_each_and_a_count() {
    let (stuck, passed, untouched) = (fixture::stuck(), passed(), untouched());
    let cases = [(&stuck.0, &stuck.1), (&passed.0, &passed.1), (&untouched.0, &untouched.1)];
    insta::assert_snapshot!(summary(cases, Style::default()));
}

#[test]
fn no_line_but_the_command_is_wider_than_asked() {
    let (run, judgement) = fixture::stuck();
    for width in [80, 110] {
        let text = case(&run, &judgement, Aside::default(), Style { colour: false, width });
        let wide = text.lines().filter(|line| line.chars().count() > width && !line.starts_with("run again"));
        assert_eq!(wide.count(), 0, "{text}");
    }
}

#[test]
fn colours_only_add_escape_codes() {
    let (run, judgement) = fixture::stuck();
    let plain = case(&run, &judgement, Aside::default(), Style::default());
    let mut colour = case(&run, &judgement, Aside::default(), Style { colour: true, ..Style::default() });
    assert_ne!(plain, colour);
    for code in ["\u{1b}[1;31m", "\u{1b}[1m", "\u{1b}[0m"] {
        colour = colour.replace(code, "");
    }
    assert_eq!(plain, colour);
}

#[test]
fn untrusted_text_cannot_write_to_the_terminal() {
    let evil = "\u{1b}]0;owned\u{7}\u{202e}\n\u{9b}2J";
    let (mut run, mut judgement) = passed();
    run.header.case = evil.into();
    run.header.client = evil.into();
    run.header.file = evil.into();
    run.header.world = evil.into();
    run.header.unit = evil.into();
    run.header.notes = vec![evil.into()];
    run.header.plan[0].kind = evil.into();
    run.header.plan[0].nodes = vec![evil.into()];
    judgement.reason = evil.into();
    let found = Finding {
        task: Some(1),
        task_name: Some(evil.into()),
        wait_site: Some(evil.into()),
        since_ms: Some(MIN),
        fault: Some(0),
        phase: None,
        evidence: vec![evil.into()],
        ..finding(FindingKind::Hang, evil)
    };
    judgement.findings = vec![found];
    let aside = Aside { record: Some(evil), beside: &[("goroutines", evil.to_owned())], wall_ms: None };
    let text = case(&run, &judgement, aside, Style::default());
    let all = text + &summary([(&run, &judgement)], Style::default());
    let bad = all.chars().filter(|&c| (c.is_control() && c != '\n') || c == '\u{202e}');
    assert_eq!(bad.count(), 0, "{all:?}");
}
