//! What happened.

use serde::{Deserialize, Serialize};

/// Something with its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct At<T> {
    /// Milliseconds since the client's start.
    pub at_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub what: T,
}

/// What a run can report, in the past tense.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "event")]
pub enum Event {
    /// The client began.
    ClientStarted,
    /// The client's work ended, by itself.
    ClientEnded {
        /// `None` if it reported success, else its error.
        error: Option<String>,
    },
    /// A line that the client logged.
    ClientLogged {
        /// The text, untrusted.
        text: String,
    },
    /// What a program printed, told at its end.
    ClientPrinted {
        /// `stdout` or `stderr`.
        stream: String,
        /// How many lines.
        lines: u64,
        /// How many bytes.
        bytes: u64,
        /// The last lines, untrusted.
        last: Vec<String>,
    },
    /// A program's processes were ended.
    ClientStopped {
        /// In words.
        how: String,
    },
    /// A program was asked for its tasks.
    DumpTaken {
        /// What gave the dump; `none` if nothing did.
        source: String,
        /// Its size.
        bytes: u64,
        /// How long that took.
        took_ms: u64,
        /// Why there is none.
        error: Option<String>,
    },
    /// A fault is about to act elsewhere than planned: who leads PD has changed, or whoever carries it out has chosen. The header's plan of a [`Run`](crate::Run) that was
    /// read has this place.
    FaultMoved {
        /// Its index in the header's plan.
        fault: usize,
        /// Its links now.
        links: Vec<String>,
        /// Its nodes now.
        nodes: Vec<String>,
    },
    /// A fault of the plan began.
    FaultInjected {
        /// Its index in the header's plan.
        fault: usize,
    },
    /// A fault of the plan ended, with what it did.
    FaultHealed {
        /// Its index in the header's plan.
        fault: usize,
        /// What it touched.
        evidence: Evidence,
    },
    /// The client had ended before this fault was due.
    FaultNotNeeded {
        /// Its index in the header's plan.
        fault: usize,
    },
    /// What faults of the plan wait for has happened.
    TriggerFired {
        /// Its index in the header's list.
        trigger: usize,
    },
    /// What this fault waits for had not happened when the run was over.
    FaultNeverTriggered {
        /// Its index in the header's plan.
        fault: usize,
    },
    /// A connection was made through a proxy.
    ConnOpened {
        /// The link.
        link: String,
        /// The connection's number on that link, from 1.
        conn: u64,
    },
    /// A connection through a proxy ended.
    ConnClosed {
        /// The link.
        link: String,
        /// The connection's number on that link, from 1.
        conn: u64,
        /// Who ended it and how, e.g. `client closed`, `fault reset`.
        how: String,
    },
    /// The cluster changed by itself: a leader moved, a store was declared down, a store came back. Or somebody changed a link
    /// by hand, through its control API.
    ClusterChanged {
        /// In words.
        what: String,
    },
    /// One task was polled again and again without the clock moving; the run was ended for it.
    Spun {
        /// The task's id.
        task: u64,
        /// Its name.
        name: String,
        /// How often it was polled at one instant.
        polls: u64,
    },
    /// More events of this kind followed than a record keeps.
    Elided {
        /// Which kind.
        kind: String,
        /// How many.
        count: u64,
    },
}

/// What a fault touched, summed over its links. All zero is "no effect", or, of a fault that others carry out, that nobody saw one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Bytes held back, dropped or altered.
    pub bytes: u64,
    /// Chunks delayed (a delay alters no byte).
    pub delayed: u64,
    /// Connections closed or reset.
    pub closed: u64,
    /// Connects refused, left hanging or rejected.
    pub refused: u64,
    /// Answers changed, heartbeats suppressed.
    pub answers: u64,
    /// What a metric that was named for it has counted while the fault was active.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub counted: u64,
    /// Of a fault that others carry out: on how many targets they say that it was in force, which does not tell that it touched
    /// anything. `None`: it was carried out here, and the numbers above are all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Evidence {
    /// Whether anything was touched at all.
    pub fn touched(&self) -> bool {
        Self { elsewhere: None, ..*self } != Self::default()
    }
    /// The sum of both.
    pub fn plus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_add(other.bytes),
            delayed: self.delayed.saturating_add(other.delayed),
            closed: self.closed.saturating_add(other.closed),
            refused: self.refused.saturating_add(other.refused),
            answers: self.answers.saturating_add(other.answers),
            counted: self.counted.saturating_add(other.counted),
            elsewhere: match (self.elsewhere, other.elsewhere) {
                (Some(one), Some(more)) => Some(one.saturating_add(more)),
                (one, more) => one.or(more),
            },
        }
    }
}
