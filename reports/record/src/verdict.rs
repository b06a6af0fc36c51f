//! What was made of a run.

use serde::{Deserialize, Serialize};

use crate::Phase;

/// How the client fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Done, right, and in the budget.
    Completed,
    /// Done and right, after the budget.
    Slow,
    /// Not done when the time after the budget was up.
    Stuck,
    /// It gave up, or its work is wrong.
    Failed,
    /// The run was cut short.
    Interrupted,
}

/// What a case is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// As the scenario expects.
    Pass,
    /// Not as the scenario expects.
    Fail,
    /// The run shows nothing: no fault touched anything, or it was cut short.
    Unknown,
}

/// Outcome, verdict and the facts they rest on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Judgement {
    /// How the client fared.
    pub outcome: Outcome,
    /// What that is worth.
    pub verdict: Verdict,
    /// One sentence for people: why this verdict.
    pub reason: String,
    /// The time limit that was applied, in milliseconds since the client's start.
    pub budget_ms: u64,
    /// The facts, most telling first.
    pub findings: Vec<Finding>,
}

/// What kind of fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A leaf task waits for ever for something that is healthy.
    Hang,
    /// Retries grow, unique progress does not, and no fault is active.
    Livelock,
    /// One task is polled without end at one instant.
    Spin,
    /// Streams, connections or tasks grow while the jobs in flight do not.
    Leak,
    /// The work is wrong: missing or doubled.
    Data,
    /// The client ended with an error.
    Error,
    /// A demand on a phase's progress was missed.
    Progress,
    /// No fault touched anything.
    NoEffect,
}

/// One judged fact with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What kind.
    pub kind: FindingKind,
    /// One sentence for people.
    pub summary: String,
    /// Where the tasks wait.
    pub wait_site: Option<String>,
    /// The id of the first of the tasks.
    pub task: Option<u64>,
    /// The name of that task.
    pub task_name: Option<String>,
    /// How many tasks share the stack.
    pub tasks: u64,
    /// For how long, at the end of the run.
    pub age_ms: Option<u64>,
    /// Since when, in milliseconds since the client's start.
    pub since_ms: Option<u64>,
    /// The link whose peer is waited for.
    pub link: Option<String>,
    /// The fault (index in the plan) that was active when it began, else the last one before.
    pub fault: Option<usize>,
    /// The phase whose demand was missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// Lines of evidence, e.g. what differs from the last dump in which the task still moved.
    pub evidence: Vec<String>,
}
