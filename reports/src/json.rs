//! One object a case, for machines. The schema is `reports/schema/case.json`.

use serde::Serialize;
use unstuck_record::{Finding, FindingKind, Judgement, Outcome, Run, Verdict};

use crate::terminal::{Acted, Seen, effect, end_ms, evidence};

/// One case. Ages are taken at the end of the run, times count from the client's start.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Case<'a> {
    file: &'a str,
    #[serde(rename = "case")]
    name: &'a str,
    client: &'a str,
    world: &'a str,
    seed: u64,
    outcome: Outcome,
    verdict: Verdict,
    findings: Vec<Found<'a>>,
    faults: Vec<Fault<'a>>,
    progress: Progress<'a>,
    budget_ms: u64,
    baseline_ms: Option<u64>,
    virtual_ms: u64,
    wall_ms: Option<u64>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Found<'a> {
    kind: FindingKind,
    wait_site: Option<&'a str>,
    task: Option<&'a str>,
    tasks: u64,
    age_ms: Option<u64>,
    link: Option<&'a str>,
    fault: Option<usize>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Fault<'a> {
    r#type: &'a str,
    link: String,
    start_ms: u64,
    end_ms: u64,
    connections: u64,
    bytes: u64,
    effect: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Progress<'a> {
    unique: u64,
    total: u64,
    unit: &'a str,
    last_at_ms: Option<u64>,
}

/// One case as one line of JSON, without the newline. `wall_ms` is not part of the record.
pub fn case(run: &Run, judgement: &Judgement, wall_ms: Option<u64>) -> String {
    serde_json::to_string(&Case::of(run, judgement, wall_ms)).expect("every field is plain data")
}

impl<'a> Case<'a> {
    /// What `--json` prints of a run.
    pub fn of(run: &'a Run, judgement: &'a Judgement, wall_ms: Option<u64>) -> Self {
        let header = &run.header;
        let seen = Seen::of(run);
        Self {
            file: &header.file,
            name: &header.case,
            client: &header.client,
            world: &header.world,
            seed: header.seed,
            outcome: judgement.outcome,
            verdict: judgement.verdict,
            findings: judgement.findings.iter().map(Found::of).collect(),
            faults: (0..header.plan.len()).map(|index| Fault::of(run, index)).collect(),
            progress: Progress {
                unique: seen.unique,
                total: seen.total,
                unit: &header.unit,
                last_at_ms: (seen.last_ms > 0).then_some(seen.last_ms),
            },
            budget_ms: judgement.budget_ms,
            baseline_ms: header.limits.baseline_ms,
            virtual_ms: end_ms(run),
            wall_ms,
        }
    }
}

impl<'a> Found<'a> {
    fn of(finding: &'a Finding) -> Self {
        Self {
            kind: finding.kind,
            wait_site: finding.wait_site.as_deref(),
            task: finding.task_name.as_deref(),
            tasks: finding.tasks,
            age_ms: finding.age_ms,
            link: finding.link.as_deref(),
            fault: finding.fault,
        }
    }
}

impl<'a> Fault<'a> {
    fn of(run: &'a Run, index: usize) -> Self {
        let planned = &run.header.plan[index];
        let evidence = evidence(run, index);
        let acted = Acted::of(run, index);
        Self {
            r#type: &planned.kind,
            link: planned.links.join(","),
            start_ms: acted.start_ms,
            end_ms: acted.end_ms,
            connections: evidence.closed.saturating_add(evidence.refused),
            bytes: evidence.bytes,
            effect: effect(run, index),
        }
    }
}
