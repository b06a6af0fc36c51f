//! Records read back: whole, cut short, of another version, hostile.

use proptest::prelude::*;
use unstuck_record::builder::{MIN, RunBuilder, SEC, done, task, touched};
use unstuck_record::{
    At, Demand, Demands, EndReason, Event, Evidence, Finding, FindingKind, Judgement, Line, Outcome, Phase,
    ReadError, Run, Verdict,
};

/// A record with a line of every kind, every event and every resource.
fn whole() -> Run {
    let events = [
        Event::ClientLogged { text: "größer \u{1b}[31m\n".into() },
        Event::ConnOpened { link: "c->tikv-1".into(), conn: 1 },
        Event::ConnClosed { link: "c->tikv-1".into(), conn: 1, how: "fault reset".into() },
        Event::ClusterChanged { what: "tikv-1 is down".into() },
        Event::Spun { task: 3, name: "poller".into(), polls: 100_000 },
        Event::Elided { kind: "clientLogged".into(), count: 7 },
        Event::ClientEnded { error: Some("gave up".into()) },
    ];
    let run = RunBuilder::new("case", "client@rev").link("c", "tikv-1");
    let run = run.fault("failure", "c->tikv-1", MIN, 2 * MIN, touched());
    let run = run.fault_not_needed("kill", "c->tikv-1", 9 * MIN, 10 * MIN);
    let run = events.into_iter().fold(run, |run, event| run.event(5 * MIN, event));
    let tasks = [
        task(1, "main").at_join("join", &[2, 3], 0),
        task(2, "a").at_link("RecvMsg", "tikv-1", SEC).detail("1 of 2").progressed(3),
        task(3, "b").at_channel("jobs", &[1], SEC).idle(),
        task(4, "c").at_lock("lock", Some(2), SEC),
        task(5, "d").at_timer("sleep", MIN, SEC),
        task(6, "e"),
    ];
    let run = run.sample(MIN, 1, 2, 3).streams(0, 2, 40).dump(MIN, tasks);
    let mut run = run.end(6 * MIN, EndReason::OutOfTime, done(3)).build();
    run.judgement = Some(Judgement {
        outcome: Outcome::Stuck,
        verdict: Verdict::Fail,
        reason: "did not finish".into(),
        budget_ms: 5 * MIN,
        findings: vec![Finding {
            kind: FindingKind::Hang,
            summary: "waits".into(),
            wait_site: Some("RecvMsg".into()),
            task: Some(2),
            task_name: Some("a".into()),
            tasks: 1,
            age_ms: Some(u64::MAX),
            since_ms: Some(SEC),
            link: Some("c->tikv-1".into()),
            fault: Some(0),
            phase: None,
            evidence: vec!["at the end".into()],
        }],
    });
    run
}

/// Neither demands nor the phase of a finding were there at first.
#[test]
fn a_record_without_demands_is_read() {
    let mut run = whole();
    let written = text(&run);
    assert!(!written.contains("phase"), "{written}");
    assert_eq!(Run::parse(&written).unwrap(), run);
    run.judgement.as_mut().unwrap().findings[0].phase = Some(Phase::Recovery);
    run.header.expect.phases = Demands { fault: Some(Demand::Units(3)), ..Demands::default() };
    assert_eq!(Run::parse(&text(&run)).unwrap(), run);
}

fn text(run: &Run) -> String {
    let mut lines = vec![Line::Header(run.header.clone())];
    lines.extend(run.events.iter().cloned().map(Line::Event));
    lines.extend(run.samples.iter().cloned().map(Line::Sample));
    lines.extend(run.dumps.iter().cloned().map(Line::Dump));
    lines.extend(run.end.iter().cloned().map(Line::End));
    lines.extend(run.judgement.iter().cloned().map(Line::Judgement));
    lines.iter().map(|line| line.to_json() + "\n").collect()
}

#[test]
fn every_kind_of_line_comes_back_as_it_was_written() {
    let run = whole();
    assert_eq!(Run::parse(&text(&run)).unwrap(), run);
}

/// Readers of old records depend on these names.
#[test]
fn the_lines_are_written_as_they_always_were() {
    insta::assert_snapshot!(text(&whole()));
}

#[test]
fn a_record_of_another_version_is_refused_by_its_number() {
    let mut run = whole();
    run.header.version = 7;
    let ours = Run::parse(&text(&run)).unwrap_err();
    assert_eq!(ours.to_string(), "record version 7, this build reads version 1");
    // a header that has changed its shape too
    let other = Run::parse("{\"header\":{\"version\":2,\"who\":[]}}\n").unwrap_err();
    assert!(matches!(other, ReadError::Version { found: 2 }), "{other}");
}

#[test]
fn what_is_no_record_is_refused_with_the_line() {
    for (text, message) in [
        ("", "line 1 is not a record's header: the file is empty"),
        (
            "{\"event\":{\"atMs\":0,\"event\":\"clientStarted\"}}\n",
            "line 1 is not a record's header: another kind",
        ),
        ("cases:\n  - name: x\n", "line 1 is not a record's header: expected value"),
    ] {
        let error = Run::parse(text).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
    let whole = text(&whole());
    let broken = whole.replacen('\n', "\nnonsense\n", 3);
    let error = Run::parse(&broken).unwrap_err().to_string();
    assert!(error.starts_with("line 2: expected value"), "{error}");
}

#[test]
fn hostile_lines_are_refused_without_a_panic() {
    let header = Line::Header(whole().header).to_json();
    let deep = "[".repeat(200_000);
    let huge = format!(
        "{{\"event\":{{\"atMs\":0,\"event\":\"clientLogged\",\"text\":\"{}\"}}}}",
        "x".repeat(10_000_000)
    );
    assert!(Run::parse(&format!("{header}\n{deep}\n{header}\n")).is_err());
    assert!(Run::parse(&deep).is_err());
    assert!(Run::parse(&format!("{header}\n{{\"event\":{{\"atMs\":-1}}}}\n\n")).is_err());
    let read = Run::parse(&format!("{header}\n{huge}\n")).unwrap();
    assert!(
        matches!(&read.events[0], At { what: Event::ClientLogged { text }, .. } if text.len() == 10_000_000)
    );
}

#[test]
fn bytes_that_are_no_text_do_not_hide_the_rest() {
    let text = text(&whole()).replace("gave up", "gave up BYTES");
    let mut bytes = text.into_bytes();
    let at = bytes.windows(5).position(|window| window == b"BYTES").unwrap();
    bytes[at..at + 5].copy_from_slice(&[0xff, 0xfe, 0xc0, 0x80, 0xf5]);
    assert_eq!(Run::parse_bytes(&bytes).unwrap().events.len(), whole().events.len());
}

#[test]
fn evidence_adds_up_without_overflow() {
    let much = Evidence { bytes: u64::MAX, ..touched() };
    assert_eq!(much.plus(much), Evidence { bytes: u64::MAX, closed: 4, refused: 80, ..Evidence::default() });
}

proptest! {
    #[test]
    fn a_record_cut_anywhere_after_its_header_is_readable(part in 0.0..1.0_f64) {
        let whole = text(&whole()).into_bytes();
        let header = whole.iter().position(|&byte| byte == b'\n').unwrap();
        let cut = header + ((whole.len() - header) as f64 * part) as usize;
        let read = Run::parse_bytes(&whole[..cut]).unwrap();
        let lines = whole[..cut].split(|&byte| byte == b'\n').count().saturating_sub(2);
        let kept = read.events.len() + read.samples.len() + read.dumps.len();
        // every whole line is kept; a cut just before a newline keeps that line too
        let all = kept + usize::from(read.end.is_some()) + usize::from(read.judgement.is_some());
        prop_assert!(all == lines || all == lines + 1, "{all} of {lines}");
    }

    #[test]
    fn a_record_cut_in_its_header_is_an_error(part in 0.0..1.0_f64) {
        let whole = text(&whole()).into_bytes();
        let header = whole.iter().position(|&byte| byte == b'\n').unwrap();
        prop_assert!(Run::parse_bytes(&whole[..(header as f64 * part) as usize]).is_err());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let header = Line::Header(whole().header).to_json();
        let mut text = header.into_bytes();
        text.push(b'\n');
        text.extend(bytes);
        let _either = Run::parse_bytes(&text);
    }
}
