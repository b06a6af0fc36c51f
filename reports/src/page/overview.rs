//! The table of all cases: the verdicts first.

use maud::{Markup, html};
use unstuck_record::{Span, Verdict};

use super::{Case, LINE, NAME, thousandths, verdict};
use crate::batch::Ended;
use crate::shell::{badge, untrusted};
use crate::terminal;

/// How many cases ended how.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pass: usize,
    fail: usize,
    unknown: usize,
    none: usize,
}

impl Counts {
    pub(super) fn of(cases: &[Case<'_>]) -> Self {
        let mut counts = Self::default();
        for case in cases {
            *match verdict(case) {
                Some(Verdict::Pass) => &mut counts.pass,
                Some(Verdict::Fail) => &mut counts.fail,
                Some(Verdict::Unknown) => &mut counts.unknown,
                None => &mut counts.none,
            } += 1;
        }
        counts
    }

    /// The worst there is, in a word for a title.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self { fail: 1.., .. } => "FAIL",
            Self { none: 1.., .. } => "NOT ALL RUN",
            Self { unknown: 1.., .. } => "UNKNOWN",
            Self { pass: 1.., .. } => "PASS",
            _ => "NO CASES",
        }
    }

    /// What is there, the worst first.
    fn each(self) -> impl Iterator<Item = (usize, Option<Verdict>, &'static str, &'static str)> {
        let all = [
            (self.fail, Some(Verdict::Fail), "failed", "fail"),
            (self.none, None, "not run", "none"),
            (self.unknown, Some(Verdict::Unknown), "unknown", "unknown"),
            (self.pass, Some(Verdict::Pass), "passed", "pass"),
        ];
        all.into_iter().filter(|&(count, ..)| count > 0)
    }
}

/// The heading of the page.
pub(super) fn heading(cases: usize, counts: &Counts, commit: Option<&str>) -> Markup {
    let told: Vec<String> = counts.each().map(|(count, _, word, _)| format!("{count} {word}")).collect();
    html! {
        div {
            p.brand { "unstuck" }
            h1 {
                @if told.is_empty() { "no cases" } @else { (told.join(", ")) }
            }
            p.dim {
                @if cases == 1 { "1 case" } @else { (cases) " cases" }
                ", unstuck " (env!("CARGO_PKG_VERSION"))
                @if let Some(commit) = commit { ", commit " code { (untrusted(commit, NAME)) } }
            }
        }
    }
}

/// One row a case, and what the table is filtered by.
pub(super) fn table(cases: &[&Case<'_>], counts: &Counts) -> Markup {
    html! {
        section.overview aria-labelledby="cases" {
            h2.sr id="cases" { "cases" }
            @if cases.len() > 1 {
                div.filters role="group" aria-label="which cases" {
                    button type="button" aria-pressed="true" data-show="all" { "all " (cases.len()) }
                    @for (count, _, word, class) in counts.each() {
                        button type="button" aria-pressed="false" data-show=(class) { (word) " " (count) }
                    }
                    input type="search" placeholder="filter by name, client, outcome" aria-label="filter the cases";
                    span.dim.shown role="status" {}
                }
            }
            @if cases.is_empty() { p.empty { "no case ran" } }
            @else {
                div.scroll {
                    table.table.cases {
                        thead {
                            tr {
                                th scope="col" { "verdict" }
                                th scope="col" { "case" }
                                th scope="col" { "outcome" }
                                th scope="col" { "client" }
                                th.num scope="col" { "seed" }
                                th scope="col" { "world" }
                                th scope="col" { "budget used" }
                            }
                        }
                        tbody { @for (index, case) in cases.iter().enumerate() { (row(index, case)) } }
                    }
                }
            }
        }
    }
}

fn row(index: usize, case: &Case<'_>) -> Markup {
    let which = case.ended.which();
    let class = match verdict(case) {
        Some(Verdict::Pass) => "pass",
        Some(Verdict::Fail) => "fail",
        Some(Verdict::Unknown) => "unknown",
        None => "none",
    };
    html! {
        tr data-verdict=(class) {
            td { (badge(verdict(case))) }
            th scope="row" { a href=(format!("#case-{}", index + 1)) { (untrusted(which.case, NAME)) } }
            td { (outcome(case)) }
            td { (untrusted(which.client, NAME)) }
            td.num { (which.seed) }
            td { (untrusted(which.world, NAME)) }
            td { (budget(case)) }
        }
    }
}

/// `stuck, hang at NewStream/quota`
fn outcome(case: &Case<'_>) -> Markup {
    match case.ended {
        Ended::Judged { judgement, .. } => html! {
            (terminal::outcome(judgement.outcome))
            @if let Some(first) = judgement.findings.first() {
                ", " (terminal::kind(first.kind))
                @if let Some(site) = &first.wait_site { " at " code { (untrusted(site, NAME)) } }
            }
        },
        Ended::Broken { error, .. } => html! { "harness failed: " (untrusted(error, LINE)) },
        Ended::NotRun(_) => html! { "not begun" },
    }
}

/// How much of its budget the run took, as a bar and in words.
fn budget(case: &Case<'_>) -> Markup {
    let Ended::Judged { run, judgement, .. } = case.ended else { return html! { span.dim { "–" } } };
    let (end, budget) = (terminal::end_ms(run), judgement.budget_ms);
    let over = end > budget;
    let percent = u128::from(end) * 100 / u128::from(budget.max(1));
    html! {
        span.used title=(format!("{} of {}", Span(end), Span(budget))) {
            svg.meter.over[over] viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" {
                rect.all x="0" y="0" width="1000" height="10" {}
                rect.part x="0" y="0" width=(thousandths(end, budget)) height="10" {}
            }
            span { (percent) " %" }
        }
    }
}
