//! Every task of the client at one moment.

use serde::{Deserialize, Serialize};

/// Every task of the client at one moment, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskDump {
    /// Milliseconds since the client's start.
    pub at_ms: u64,
    /// The tasks alive, by id.
    pub tasks: Vec<Task>,
    /// Whose tasks they are. `None`: those of a client of ours, which tells all that [`Task`] holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<Runtime>,
    /// Of several programs, which one's tasks they are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub process: u32,
    /// What belongs to this dump and could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
}

/// The runtimes whose dumps can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Runtime {
    /// Goroutines.
    Go,
    /// Tokio's tasks, by tokio's own trace.
    Tokio,
    /// Python's threads.
    Python,
}

/// A part of a dump that could not be read, as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unread {
    /// Its line in the input, from 1.
    pub line: u64,
    /// Why it could not be read.
    pub error: String,
    /// The text; the beginning of it where it is long.
    pub text: String,
}

/// One task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Our own id, from 1, in the order of spawning.
    pub id: u64,
    /// The name given at the spawn.
    pub name: String,
    /// Where it was spawned.
    pub created_by: Frame,
    /// The task that spawned it; 0 for the root.
    pub parent: u64,
    /// When it was spawned.
    pub since_ms: u64,
    /// When it was last polled.
    pub polled_ms: u64,
    /// When it last reported useful work, if ever.
    pub progress_ms: Option<u64>,
    /// What it waits for. `None`: it runs, or awaits something that has no name.
    pub wait: Option<Wait>,
    /// The functions it is in, innermost first.
    pub frames: Vec<Frame>,
    /// What only the dump of another runtime says. `None`: a task of a client of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign: Option<Foreign>,
}

/// What the dump of another runtime says of a task. Of the other fields of [`Task`] such a dump gives `id`,
/// `created_by`, `parent` (the goroutine that started it) and `frames`; the times are as near as it allows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Foreign {
    /// What it does, in that runtime's words: `chan receive`, `IO wait`, `idle`.
    pub state: String,
    /// For how many whole minutes, where the dump says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_minutes: Option<u64>,
    /// Whether it is locked to its thread.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub locked: bool,
    /// Its labels, in the dump's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<(String, String)>,
    /// How many tasks this one stands for, where the dump only counts them; its `id` is then made up.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub count: u64,
}

fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_one(count: &u64) -> bool {
    *count == 1
}

/// A wait site: the named point where a task waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wait {
    /// `NewStream/quota`, `RecvMsg/waitOnHeader`, …
    pub site: String,
    /// What it waits for.
    pub resource: Resource,
    /// Since when.
    pub since_ms: u64,
    /// Whether waiting here for ever is normal (a worker without a job).
    pub idle: bool,
    /// Anything a reader should know, e.g. `1024 of 1024 streams open`.
    pub detail: String,
}

/// What a task waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum Resource {
    /// A peer, over a connection.
    Link {
        /// The address that the client dialled (its proxy's).
        addr: String,
        /// The client's own number of the connection; 0 while there is none.
        conn: u64,
    },
    /// A channel, a notification or a counter that other tasks move.
    Channel {
        /// Its name.
        name: String,
        /// The tasks that can move it, as far as known; empty if nobody is known to be able to.
        actors: Vec<u64>,
    },
    /// A lock.
    Lock {
        /// Its name.
        name: String,
        /// The task that holds it.
        holder: Option<u64>,
    },
    /// The end of other tasks.
    Join {
        /// Their ids.
        tasks: Vec<u64>,
    },
    /// The clock.
    Timer {
        /// When it fires, in milliseconds since the client's start.
        until_ms: u64,
    },
}

/// A function in a source file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Frame {
    /// The function.
    pub function: String,
    /// The file, relative to the workspace.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}
