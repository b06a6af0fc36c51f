//! One case: why this verdict, what happened when, what is stuck, what was planned, how to run it again.

use maud::{Markup, PreEscaped, html};
use unstuck_record::digest::Program;
use unstuck_record::{CallTotals, Finding, Judgement, Run, Span};

use super::chart::{Chart, grouped};
use super::{Case, LINE, NAME, tasks, verdict};
use crate::batch::Ended;
use crate::shell::{badge, command, prose, untrusted};
use crate::terminal::{self, Acted, Aside};

/// So many findings are told.
const FINDINGS: usize = 20;
/// So many lines of evidence of one finding.
const EVIDENCE: usize = 20;
/// So many faults of the plan are told.
const FAULTS: usize = 100;
/// A command longer than this is not one to copy.
const COMMAND: usize = 4_000;
/// So many calls are told.
const CALLS: usize = 100;

/// The sections of case `index`, with so many spans a curve.
pub(super) fn section(index: usize, case: &Case<'_>, open: bool, spans: u64) -> Markup {
    let which = case.ended.which();
    let number = index + 1;
    html! {
        details.case id=(format!("case-{number}")) open[open] {
            summary {
                (badge(verdict(case)))
                h2 { (untrusted(which.case, NAME)) }
                span.dim { (untrusted(which.client, NAME)) ", " (untrusted(which.world, NAME)) ", seed " (which.seed) }
            }
            @match case.ended {
                Ended::Judged { run, judgement, aside } => {
                    @let timeline = timeline(run, judgement, spans);
                    (judged(run, judgement, aside, case.programs, number, &timeline))
                }
                Ended::Broken { error, .. } => {
                    p.why { "the harness could not run it: " (untrusted(error, LINE)) }
                    (place(which.file, which.line))
                }
                Ended::NotRun(_) => {
                    p.why { "somebody interrupted before it began" }
                    (place(which.file, which.line))
                }
            }
        }
    }
}

fn place(file: &str, line: u32) -> Markup {
    html! { dl.facts { dt { "file" } dd { code { (untrusted(file, LINE)) ":" (line) } } } }
}

fn judged(
    run: &Run,
    judgement: &Judgement,
    aside: Aside<'_>,
    programs: &[Program],
    number: usize,
    timeline: &Markup,
) -> Markup {
    let id = |part: &str| format!("case-{number}-{part}");
    let section = |part: &str, title: &str, body: &Markup| {
        html! {
            section aria-labelledby=(id(part)) {
                h3 id=(id(part)) { (title) }
                (body)
            }
        }
    };
    html! {
        p.why { (prose(&terminal::why(judgement), 2 * LINE)) }
        (facts(run, judgement, aside))
        (again(run))
        (section("timeline", "timeline", timeline))
        (section("findings", "findings", &findings(run, judgement)))
        (section("plan", "plan", &plan(run)))
        @for program in programs {
            @let process = program.process;
            @let of = if programs.len() > 1 { format!(" of program {process}") } else { String::new() };
            @let title = format!("tasks at the last dump{of}");
            (section(&format!("tasks-{process}"), &title, &tasks::tree(run, judgement, program)))
            (section(&format!("moved-{process}"), &format!("what moved{of}"), &tasks::moved(run, program)))
        }
        @if programs.is_empty() {
            (section("tasks", "tasks", &html! { p.empty { "no task dump was taken" } }))
        }
        @if let Some(end) = run.end.as_ref().filter(|end| !end.calls.is_empty()) {
            (section("calls", "calls that the cluster saw", &calls(&end.calls.totals)))
        }
    }
}

/// What there is to say in a line each.
fn facts(run: &Run, judgement: &Judgement, aside: Aside<'_>) -> Markup {
    let header = &run.header;
    html! {
        dl.facts {
            @for (name, text) in terminal::rows(run, judgement, aside, terminal::end_ms(run)) {
                dt { (name) } dd { (untrusted(&text, LINE)) }
            }
            dt { "file" } dd { code { (untrusted(&header.file, LINE)) ":" (header.line) } }
            @if !header.command.is_empty() {
                dt { "program" } dd { code { (untrusted(&header.command.join(" "), LINE)) } }
            }
            @if let Some(record) = aside.record { dt { "record" } dd { code { (untrusted(record, LINE)) } } }
            @for (what, path) in aside.beside { dt { (what) } dd { code { (untrusted(path, LINE)) } } }
        }
    }
}

fn again(run: &Run) -> Markup {
    let again = terminal::again(run);
    html! {
        div.again {
            span.dim { "run it again" }
            @if again.chars().nth(COMMAND).is_none() { (command(&again)) }
            @else { p.empty { "the command is too long to show: the record has its parts" } }
        }
    }
}

/// The place where `timeline.js` draws, with the data.
fn timeline(run: &Run, judgement: &Judgement, spans: u64) -> Markup {
    let (chart, left) = Chart::of(run, judgement, spans);
    html! {
        figure.timeline {
            noscript { p.empty { "the timeline is drawn by a script" } }
            script type="application/json" { (PreEscaped(chart.json())) }
            @let words = left.words();
            @if !words.is_empty() { figcaption.dim { (words.join("; ")) } }
        }
    }
}

fn findings(run: &Run, judgement: &Judgement) -> Markup {
    let findings = &judgement.findings;
    html! {
        @if findings.is_empty() { p.empty { "nothing to report" } }
        div.findings { @for finding in findings.iter().take(FINDINGS) { (self::finding(run, finding)) } }
        @if findings.len() > FINDINGS { p.dim { "and " (findings.len() - FINDINGS) " more, see the record" } }
    }
}

fn finding(run: &Run, finding: &Finding) -> Markup {
    html! {
        article.card {
            p { span.chip { (terminal::kind(finding.kind)) } " " (prose(&finding.summary, LINE)) }
            dl.facts {
                @if let Some(task) = finding.task {
                    dt { "task" }
                    dd {
                        (task)
                        @if let Some(name) = &finding.task_name { " " code { (untrusted(name, NAME)) } }
                        @if finding.tasks > 1 { ", one of " (grouped(finding.tasks)) " with this stack" }
                    }
                }
                @if let Some(since) = finding.since_ms {
                    dt { "since" } dd { (Span(since)) (untrusted(&terminal::during(run, finding), LINE)) }
                }
            }
            @if !finding.evidence.is_empty() {
                ul { @for line in finding.evidence.iter().take(EVIDENCE) { li { (prose(line, LINE)) } } }
            }
            @if finding.evidence.len() > EVIDENCE { p.dim { "and " (finding.evidence.len() - EVIDENCE) " more" } }
        }
    }
}

/// The faults with what each touched.
fn plan(run: &Run) -> Markup {
    let plan = &run.header.plan;
    if plan.is_empty() {
        return html! { p.empty { "no faults" } };
    }
    html! {
        div.scroll {
            table.table.plan {
                thead {
                    tr {
                        th scope="col" { "fault" }
                        th scope="col" { "on" }
                        th.num scope="col" { "from" }
                        th.num scope="col" { "to" }
                        th scope="col" { "what it touched" }
                    }
                }
                tbody {
                    @for (index, fault) in plan.iter().enumerate().take(FAULTS) {
                        @let acted = Acted::of(run, index);
                        @let on = if fault.nodes.is_empty() { &fault.links } else { &fault.nodes };
                        tr {
                            th scope="row" { (untrusted(&fault.kind, NAME)) }
                            td { (untrusted(&on.join(", "), LINE)) }
                            td.num { (Span(acted.start_ms)) }
                            td.num { (Span(acted.end_ms)) }
                            td { (untrusted(&terminal::effect(run, index), LINE)) }
                        }
                    }
                }
            }
        }
        @if plan.len() > FAULTS { p.dim { "and " (plan.len() - FAULTS) " more faults, see the record" } }
    }
}

/// What the cluster was asked, in sum.
fn calls(totals: &[CallTotals]) -> Markup {
    html! {
        div.scroll {
            table.table {
                thead {
                    tr {
                        th scope="col" { "node" }
                        th scope="col" { "method" }
                        th.num scope="col" { "calls" }
                        th scope="col" { "how they ended" }
                        th.num scope="col" { "slowest" }
                    }
                }
                tbody {
                    @for call in totals.iter().take(CALLS) {
                        @let outcomes = call.outcomes.iter().map(|(how, count)| format!("{} {how}", grouped(*count)));
                        tr {
                            td { (untrusted(&call.node, NAME)) }
                            td { code { (untrusted(&call.method, NAME)) } }
                            td.num { (grouped(call.calls)) }
                            td { (untrusted(&outcomes.collect::<Vec<_>>().join(", "), LINE)) }
                            td.num { @if let Some(ms) = call.slowest_ms { (Span(ms)) } @else { "–" } }
                        }
                    }
                }
            }
        }
        @if totals.len() > CALLS { p.dim { "and " (totals.len() - CALLS) " more, see the record" } }
    }
}
