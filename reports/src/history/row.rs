//! One run in a line.

use std::sync::Arc;

use serde::Serialize;
use unstuck_record::{Evidence, Outcome, Run, Verdict};

use crate::terminal;

/// The longest summary of findings that is kept, in characters.
const FOUND: usize = 160;

/// Why a seed was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// It runs every night.
    Pinned,
    /// It was drawn for this night.
    Fresh,
    /// On real sockets, where a seed fixes only the plan.
    Sockets,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its seed.
    pub seed: u64,
    /// Why that one.
    pub origin: Origin,
    /// How the client fared; `None` if the harness failed.
    pub outcome: Option<Outcome>,
    /// What that is worth; `None` if the harness failed.
    pub verdict: Option<Verdict>,
    /// The client's time: virtual milliseconds, on real sockets real ones.
    pub virtual_ms: u64,
    /// What the harness took, in milliseconds.
    pub wall_ms: u64,
    /// The time limit.
    pub budget_ms: u64,
    /// What the client takes without faults, if that was measured.
    pub baseline_ms: Option<u64>,
    /// What was found, most telling first: `hang at NewStream/quota, leak`; the error if the harness failed.
    pub found: Arc<str>,
    /// Whether a fault touched anything, or there is none that could.
    pub touched: bool,
    /// The page or record of the run, below the history's folder, if it was kept.
    pub path: Option<Arc<str>>,
}

impl Row {
    /// What is kept of a judged run; of one that was not judged, that it was not.
    pub fn of(run: &Run, wall_ms: u64, origin: Origin, path: Option<&str>) -> Self {
        let header = &run.header;
        let Some(judgement) = &run.judgement else {
            return Self::broken(header.seed, "the run was not judged", wall_ms, origin);
        };
        let touched = |end: &unstuck_record::End| end.evidence.iter().any(Evidence::touched);
        Self {
            seed: header.seed,
            origin,
            outcome: Some(judgement.outcome),
            verdict: Some(judgement.verdict),
            virtual_ms: terminal::end_ms(run),
            wall_ms,
            budget_ms: judgement.budget_ms,
            baseline_ms: header.limits.baseline_ms,
            found: short(&terminal::found(judgement)).into(),
            touched: header.plan.is_empty() || run.end.as_ref().is_some_and(touched),
            path: path.map(Into::into),
        }
    }

    /// A run that the harness could not make.
    pub fn broken(seed: u64, error: &str, wall_ms: u64, origin: Origin) -> Self {
        Self {
            seed,
            origin,
            outcome: None,
            verdict: None,
            virtual_ms: 0,
            wall_ms,
            budget_ms: 0,
            baseline_ms: None,
            found: short(error).into(),
            touched: true,
            path: None,
        }
    }

    /// Whether it came out as nobody wants it.
    pub fn is_bad(&self) -> bool {
        !matches!(self.verdict, Some(Verdict::Pass | Verdict::Unknown))
    }

    /// Whether its time says something about the client: it did its work.
    pub fn is_timed(&self) -> bool {
        matches!(self.outcome, Some(Outcome::Completed | Outcome::Slow))
    }

    /// The outcome in a word, with what was found: `stuck, hang at NewStream/quota`.
    pub fn said(&self) -> String {
        let outcome = self.outcome.map_or("could not be run", terminal::outcome);
        if self.found.is_empty() { outcome.to_owned() } else { format!("{outcome}, {}", self.found) }
    }
}

fn short(text: &str) -> String {
    let text = crate::text::clean(text);
    match text.char_indices().nth(FOUND) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
