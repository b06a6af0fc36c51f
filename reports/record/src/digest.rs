//! Task dumps as people look at them: alike stacks together, the suspicious first; and what moved between dumps.

use serde::Serialize;

use crate::{Frame, Runtime, Unread};

/// The dumps of one program in a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Program {
    /// Which of several, as [`crate::TaskDump::process`] numbers them.
    pub process: u32,
    /// The last dump.
    pub last: Digest,
    /// What moved up to it, and what did not.
    pub movement: Movement,
}

/// One dump, folded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Digest {
    /// Where it was read: a file, `-`, a URL; with a number where there are several dumps.
    pub source: String,
    /// Whose tasks they are; `None`: a client's of ours.
    pub runtime: Option<Runtime>,
    /// The form it was read in, in words: `Go debug=2`.
    pub form: String,
    /// How many tasks there are.
    pub tasks: u64,
    /// How many distinct stacks they have.
    pub stacks: u64,
    /// How many of the tasks are known to idle.
    pub idle: u64,
    /// Tasks with alike stacks, the most suspicious first, those that idle last.
    pub groups: Vec<Group>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

/// Tasks in the same state whose stacks go through the same functions, whatever the lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// How many tasks.
    pub tasks: u64,
    /// What they do, in the runtime's words; empty where the dump does not say.
    pub state: String,
    /// Why it is normal that they wait, if it is.
    pub idle: Option<String>,
    /// What they wait for.
    pub wait: Waited,
    /// The longest of their waits in whole minutes, where the dump says so.
    pub oldest_minutes: Option<u64>,
    /// The shortest.
    pub youngest_minutes: Option<u64>,
    /// The group whose tasks started most of these, by its place in [`Digest::groups`].
    pub started_by: Option<usize>,
    /// Their stacks, the commonest first.
    pub stacks: Vec<Stack>,
}

/// One distinct stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stack {
    /// The functions, innermost first. One without a file is a remark of the dump (`…frames elided…`).
    pub frames: Vec<Frame>,
    /// Where the tasks were started.
    pub created_by: Option<Frame>,
    /// The tasks with this stack.
    pub members: Vec<Member>,
}

/// One task; or as many as share the stack, where the dump only counts them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The runtime's id.
    pub id: Option<u64>,
    /// Its name; empty where it has none.
    pub name: String,
    /// For how many tasks it stands.
    pub count: u64,
    /// How long it has waited, in whole minutes.
    pub wait_minutes: Option<u64>,
    /// Whether it is locked to its thread.
    pub locked: bool,
    /// The task that started it.
    pub parent: Option<u64>,
    /// Its labels.
    pub labels: Vec<(String, String)>,
}

/// What tasks wait for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Waited {
    /// The name of the wait: `NewStream/quota`, or the state where nothing better is known.
    pub site: String,
    /// What kind of thing is waited for.
    pub kind: WaitKind,
    /// That thing, in words; empty where only the site is known.
    pub what: String,
    /// The single things, where the stacks show their addresses, those that most tasks wait for first; and how many
    /// there are beyond those told.
    pub on: Vec<Resource>,
    /// How many more things there are than [`Self::on`] tells.
    pub more: u64,
    /// Of the tasks that these started and may wait for, how many are where.
    pub started: Vec<(String, u64)>,
}

/// Kinds of things that are waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum WaitKind {
    /// A peer, over a connection.
    Link,
    /// A channel, a notification, a free place: something that other tasks move.
    Channel,
    /// A lock.
    Lock,
    /// The end of other tasks.
    Join,
    /// The clock.
    Timer,
    /// Nothing: it runs, or is about to.
    None,
    /// It is not known.
    #[default]
    Unknown,
}

/// One thing that tasks wait for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// Its address or name, as the dump has it.
    pub address: String,
    /// How many tasks wait for it, those of other groups included.
    pub waiting: u64,
    /// Tasks that do not wait for it and have it, or what contains it, in hand.
    pub holders: Vec<Holder>,
}

/// A task that may hold what others wait for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// Its id.
    pub id: u64,
    /// The function that has it in hand; empty where the runtime itself tells the holder.
    pub function: String,
    /// What it does meanwhile.
    pub state: String,
    /// For how many whole minutes.
    pub minutes: Option<u64>,
}

/// What moved in a series of dumps, and what did not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Movement {
    /// The dumps, in order: the source of each, and how many tasks it has.
    pub dumps: Vec<(String, u64)>,
    /// Tasks in the last two dumps whose stack or state differs.
    pub moved: u64,
    /// Tasks that are in the last dump and not in the one before.
    pub new: u64,
    /// Tasks that are in the dump before the last and not in the last.
    pub gone: u64,
    /// Tasks that stand in the last dump where they stood before, those that idle left out, longest first.
    pub still: Vec<Still>,
    /// How many tasks stood still and are known to idle.
    pub idle: u64,
    /// Stacks whose tasks became more from the first dump to the last, the largest growth first.
    pub grown: Vec<Grown>,
}

/// Tasks that have not moved over a run of dumps, up to the last, all with the same stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Still {
    /// Their ids.
    pub ids: Vec<u64>,
    /// The first dump in which they stood there, by its place in [`Movement::dumps`].
    pub first: usize,
    /// The last one.
    pub last: usize,
    /// What they wait for.
    pub wait: Waited,
    /// Their functions, innermost first.
    pub frames: Vec<Frame>,
    /// Where they were started.
    pub created_by: Option<Frame>,
    /// Whether the ages in both dumps prove that they did not go on and come back in between. Otherwise they were
    /// seen in the same place twice.
    pub proved: bool,
    /// What the first of these dumps says of the first of them.
    pub before: String,
    /// What the last one says.
    pub after: String,
}

/// A stack that more and more tasks have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Grown {
    /// How many tasks had it in each dump.
    pub counts: Vec<u64>,
    /// What they wait for.
    pub wait: Waited,
    /// Their functions, innermost first.
    pub frames: Vec<Frame>,
}
