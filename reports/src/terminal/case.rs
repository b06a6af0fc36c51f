//! One case in full: what QA reads and acts on.

use std::fmt::Write as _;

use unstuck_record::{Event, Finding, FindingKind, Judgement, Outcome, Passed, Phase, Run, Span, Verdict};

use super::{Aside, Style, colour, plan};
use crate::text::{clean, shell, wrap};

/// So many findings are told in full.
const FINDINGS: usize = 8;
/// So many lines of evidence of one finding.
const EVIDENCE: usize = 12;

/// The report of one case, as lines.
pub fn case(run: &Run, judgement: &Judgement, aside: Aside<'_>, style: Style) -> String {
    let header = &run.header;
    let mut out = String::new();
    let head = format!(
        "{}, client {}, world {}, seed {}",
        colour::bold(style, &clean(&header.case)),
        clean(&header.client),
        clean(&header.world),
        header.seed
    );
    let _infallible = writeln!(out, "{} {head}", colour::verdict(style, judgement.verdict));
    wrap(&mut out, style.width, "  ", &why(judgement));
    findings(&mut out, run, judgement, style);
    out.push_str(&colour::bold(style, "\nfaults\n"));
    let end_ms = end_ms(run);
    plan::draw(&mut out, run, end_ms, style.width);
    out.push('\n');
    for (name, text) in rows(run, judgement, aside, end_ms) {
        wrap(&mut out, style.width, &format!("{name:<11}"), &text);
    }
    // one line, however long: it is there to be copied
    let _infallible = writeln!(out, "{:<11}{}", "run again", again(run));
    if let Some(record) = aside.record {
        let _infallible = writeln!(out, "{:<11}{}", "record", clean(record));
    }
    for (what, path) in aside.beside {
        let _infallible = writeln!(out, "{what:<11}{}", clean(path));
    }
    out
}

/// A verdict as it is written everywhere.
pub(crate) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "PASS",
        Verdict::Fail => "FAIL",
        Verdict::Unknown => "UNKNOWN",
    }
}

/// An outcome, likewise.
pub(crate) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Completed => "completed",
        Outcome::Slow => "slow",
        Outcome::Stuck => "stuck",
        Outcome::Failed => "failed",
        Outcome::Interrupted => "interrupted",
    }
}

/// The kind of a finding, as it is written everywhere.
pub(crate) fn kind(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Hang => "hang",
        FindingKind::Livelock => "livelock",
        FindingKind::Spin => "spin",
        FindingKind::Leak => "leak",
        FindingKind::Data => "data",
        FindingKind::Error => "error",
        FindingKind::Progress => "progress",
        FindingKind::NoEffect => "no_effect",
    }
}

/// What was found, each once: `hang at NewStream/quota, leak`.
pub(crate) fn found(judgement: &Judgement) -> String {
    let mut found: Vec<String> = vec![];
    for finding in &judgement.findings {
        let site = finding.wait_site.as_deref().map_or(String::new(), |site| format!(" at {}", clean(site)));
        let one = format!("{}{site}", kind(finding.kind));
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found.join(", ")
}

/// The outcome and the reason, which often begins with the same word.
pub(crate) fn why(judgement: &Judgement) -> String {
    let (outcome, reason) = (outcome(judgement.outcome), clean(&judgement.reason));
    if reason.starts_with(outcome) { reason } else { format!("{outcome}: {reason}") }
}

fn findings(out: &mut String, run: &Run, judgement: &Judgement, style: Style) {
    let findings = &judgement.findings;
    for finding in findings.iter().take(FINDINGS) {
        out.push('\n');
        out.push_str(&colour::bold(style, kind(finding.kind)));
        out.push('\n');
        // the reason has told the first one already
        if !judgement.reason.contains(&finding.summary) {
            wrap(out, style.width, "  ", &clean(&finding.summary));
        }
        if let (Some(task), Some(name)) = (finding.task, &finding.task_name) {
            let share = match finding.tasks {
                0 | 1 => String::new(),
                count => format!(", one of {count} with this stack"),
            };
            wrap(out, style.width, "  task   ", &format!("{task} `{}`{share}", clean(name)));
        }
        if let Some(since) = finding.since_ms {
            wrap(out, style.width, "  since  ", &format!("{}{}", Span(since), during(run, finding)));
        }
        for line in finding.evidence.iter().take(EVIDENCE) {
            wrap(out, style.width, "  - ", &clean(line));
        }
        if finding.evidence.len() > EVIDENCE {
            let _infallible = writeln!(out, "  - and {} more", finding.evidence.len() - EVIDENCE);
        }
    }
    if findings.len() > FINDINGS {
        let _infallible = writeln!(out, "\nand {} more findings, see the record", findings.len() - FINDINGS);
    }
}

/// Which fault was active when a finding began.
pub(crate) fn during(run: &Run, finding: &Finding) -> String {
    let Some(fault) = finding.fault.and_then(|fault| run.header.plan.get(fault)) else {
        let first = run.events.iter().find(|event| matches!(event.what, Event::FaultInjected { .. }));
        let before = finding.since_ms.zip(first).is_some_and(|(since, first)| since < first.at_ms);
        return if before { ", before any fault".into() } else { String::new() };
    };
    let name = plan::named(fault);
    let end_ms = finding.fault.and_then(|fault| run.due(fault)).map_or(u64::MAX, |due| due.end_ms);
    match finding.since_ms {
        Some(since) if since >= end_ms => {
            format!(", {} after the end of {name}", Span(since - end_ms))
        }
        _ => format!(", while {name} was active"),
    }
}

/// What there is to say of a run in a line each: progress, time, notes.
pub(crate) fn rows(
    run: &Run,
    judgement: &Judgement,
    aside: Aside<'_>,
    end_ms: u64,
) -> impl Iterator<Item = (&'static str, String)> {
    let header = &run.header;
    let baseline = match header.limits.baseline_ms {
        Some(ms) => Span(ms).to_string(),
        // a program is not run twice where the scenario gives the limit
        None if !header.command.is_empty() && header.limits.within_ms.is_some() => "not measured".into(),
        // nor is a client of one's own that needs real sockets; others on them have theirs from virtual time
        None if header.world == "tcp" && header.limits.within_ms.is_some() => "not known".into(),
        None if header.limits.baseline_unknown.is_some() => "not measured".into(),
        None => "does not complete".into(),
    };
    let mut time = format!(
        "{} {}, budget {}, without faults {baseline}",
        if header.world == "sim" { "virtual" } else { "real" },
        Span(end_ms),
        Span(judgement.budget_ms),
    );
    if let Some(wall) = aside.wall_ms {
        let _infallible = write!(time, ", took {}", Span(wall));
    }
    let scale = (header.scale > 1).then(|| ("scale", format!("real durations divided by {}", header.scale)));
    let notes = header.notes.iter().map(|note| ("note", clean(note)));
    let progress = std::iter::once(("progress", progress(run))).chain(phases(run));
    progress.chain([("time", time)]).chain(scale).chain(notes)
}

/// What was done in each phase and what was demanded of it, a line each, where anything is demanded.
fn phases(run: &Run) -> Vec<(&'static str, String)> {
    let demands = &run.header.expect.phases;
    if demands.is_empty() {
        return vec![];
    }
    let unit = clean(&run.header.unit);
    let line = |passed: &Passed| {
        let length = Span(passed.to_ms.saturating_sub(passed.from_ms));
        let mut told = format!("{} {unit} in {length}", passed.units);
        if let Some(demand) = demands.of(passed.phase) {
            let _infallible = write!(told, ", {demand} demanded");
        }
        if let (Phase::Recovery, Some(within)) = (passed.phase, demands.resumes_within_ms) {
            let resumed =
                run.resumed_ms().map_or("none".to_owned(), |ms| format!("the first after {}", Span(ms)));
            let _infallible = write!(told, "; {resumed}, within {} demanded", Span(within));
        }
        (passed.phase.name(), told)
    };
    run.phases().iter().map(line).collect()
}

fn progress(run: &Run) -> String {
    let unit = clean(&run.header.unit);
    let seen = Seen::of(run);
    let last = match seen.last_ms {
        0 => "none seen".into(),
        at => format!("the last at {}", Span(at)),
    };
    match seen.total {
        0 => format!("{} {unit}, {last}; how many there are nobody says", seen.unique),
        total => format!("{} of {total} {unit}, {last}", seen.unique),
    }
}

/// The work done as the record shows it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) unique: u64,
    pub(crate) total: u64,
    /// When the unique work last grew; 0: never.
    pub(crate) last_ms: u64,
}

impl Seen {
    pub(crate) fn of(run: &Run) -> Self {
        let mut seen = Self::default();
        for sample in &run.samples {
            if sample.unique > seen.unique {
                seen.last_ms = sample.at_ms;
            }
            seen.unique = seen.unique.max(sample.unique);
            seen.total = seen.total.max(sample.total);
        }
        if let Some(end) = &run.end {
            if end.work.unique > seen.unique {
                seen.last_ms = end.at_ms;
            }
            seen.unique = seen.unique.max(end.work.unique);
            seen.total = seen.total.max(end.work.expected);
        }
        seen
    }
}

/// The last moment that the record tells of.
pub(crate) fn end_ms(run: &Run) -> u64 {
    let events = run.events.iter().map(|event| event.at_ms);
    let samples = run.samples.iter().map(|sample| sample.at_ms);
    let dumps = run.dumps.iter().map(|dump| dump.at_ms);
    run.end.as_ref().map_or_else(|| events.chain(samples).chain(dumps).max().unwrap_or(0), |end| end.at_ms)
}

/// The command that runs this case again.
pub(crate) fn again(run: &Run) -> String {
    let header = &run.header;
    if let Some(again) = &header.again {
        return clean(again);
    }
    let mut command = format!("unstuck run {} --case {}", shell(&header.file), shell(&header.case));
    // a program is named by the file, and by nothing else
    if header.command.is_empty() {
        let _infallible = write!(command, " --client {}", shell(&header.client));
    }
    let _infallible = write!(command, " --seed {} --world {}", header.seed, shell(&header.world));
    if let Some(variant) = &header.variant {
        let _infallible = write!(command, " --variant {}", shell(variant));
    }
    if header.scale != 1 && header.command.is_empty() {
        let _infallible = write!(command, " --scale {}", header.scale);
    }
    command
}
